//! Process-wide state. A Silica process has one thread, so a plain cell can be a static.

use core::cell::{RefCell, RefMut};

/// A static that is borrowed, not locked. Borrowing it twice at a time panics.
pub struct Single<T>(RefCell<T>);

// SAFETY: programs on this library never create threads, and signal handlers do not use these cells.
unsafe impl<T> Sync for Single<T> {}

impl<T> Single<T> {
    /// A cell that holds `value`.
    pub const fn new(value: T) -> Self {
        Single(RefCell::new(value))
    }

    /// Borrows the value.
    pub fn borrow(&self) -> RefMut<'_, T> {
        self.0.borrow_mut()
    }
}
