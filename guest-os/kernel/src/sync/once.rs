//! A value that is set once, early, and only read afterwards.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// A place for a value that comes during start-up.
pub struct Once<T> {
    set: AtomicBool,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: written once before `set`, shared only afterwards.
unsafe impl<T: Send + Sync> Sync for Once<T> {}

impl<T> Once<T> {
    /// An empty place.
    pub const fn new() -> Self {
        Once {
            set: AtomicBool::new(false),
            value: UnsafeCell::new(None),
        }
    }

    /// Fills the place. Panics if it is full: start-up runs once, on one CPU.
    pub fn set(&self, value: T) {
        assert!(!self.set.load(Ordering::Acquire), "a Once is set once");
        // SAFETY: nobody reads before `set` is true, and only start-up writes.
        unsafe { *self.value.get() = Some(value) };
        self.set.store(true, Ordering::Release);
    }

    /// The value, if it has come.
    #[inline(always)]
    pub fn get(&self) -> Option<&T> {
        if !self.set.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: set, and never changed again.
        unsafe { (*self.value.get()).as_ref() }
    }
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self::new()
    }
}
