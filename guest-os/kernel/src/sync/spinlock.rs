//! Spin locks, held with interrupts off.
//!
//! Interrupts are off because a handler on this CPU that wanted the same lock would wait for ever. The lock
//! remembers which CPU holds it, so that taking it twice is a clear panic instead of a silent hang.

use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicUsize, Ordering};

use super::IrqGuard;
use crate::arch::percpu::cpu_id;

/// A value that one CPU at a time may touch.
pub struct SpinLock<T: ?Sized> {
    /// 0, or one more than the number of the CPU that holds it.
    holder: AtomicUsize,
    name: &'static CStr,
    data: UnsafeCell<T>,
}

// SAFETY: the lock hands the value to one CPU at a time.
unsafe impl<T: ?Sized + Send> Sync for SpinLock<T> {}
// SAFETY: it owns its value.
unsafe impl<T: ?Sized + Send> Send for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// An unlocked lock. Several may have the same name: it says what they guard, to those who trace.
    pub const fn new(name: &'static CStr, data: T) -> Self {
        SpinLock {
            holder: AtomicUsize::new(0),
            name,
            data: UnsafeCell::new(data),
        }
    }
}

impl<T: ?Sized> SpinLock<T> {
    /// Waits for the lock and takes it.
    #[inline]
    pub fn lock(&self) -> SpinGuard<'_, T> {
        let irq = IrqGuard::new();
        let me = cpu_id() + 1;
        if self
            .holder
            .compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            wait(&self.holder, self.name, me);
        }
        SpinGuard {
            lock: self,
            _irq: irq,
        }
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        let irq = IrqGuard::new();
        let taken =
            self.holder
                .compare_exchange(0, cpu_id() + 1, Ordering::Acquire, Ordering::Relaxed);
        taken.ok().map(|_| SpinGuard {
            lock: self,
            _irq: irq,
        })
    }

    /// Where the value is, lock or no lock: for an observer outside the machine.
    pub const fn as_ptr(&self) -> *const T {
        self.data.get()
    }
}

/// Waits for a lock that another CPU holds and takes it for CPU `me - 1`. Apart, and the same code for all locks,
/// because it is seldom needed.
#[cold]
#[inline(never)]
fn wait(holder: &AtomicUsize, name: &'static CStr, me: usize) {
    assert!(
        holder.load(Ordering::Relaxed) != me,
        "this CPU holds the spin lock {name:?} already"
    );
    crate::probe!(lock_contended, &raw const *holder, name.as_ptr());
    loop {
        while holder.load(Ordering::Relaxed) != 0 {
            core::hint::spin_loop();
        }
        if holder
            .compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
        {
            crate::probe!(lock_acquired, &raw const *holder, name.as_ptr());
            return;
        }
    }
}

/// The lock is held while this lives.
pub struct SpinGuard<'a, T: ?Sized> {
    lock: &'a SpinLock<T>,
    _irq: IrqGuard,
}

impl<'a, T: ?Sized> SpinGuard<'a, T> {
    /// The lock this guard holds, to take it again after sleeping.
    pub(super) fn lock_of(&self) -> &'a SpinLock<T> {
        self.lock
    }
}

impl<T: ?Sized> Deref for SpinGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized> DerefMut for SpinGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T: ?Sized> Drop for SpinGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // Runs before `_irq` is dropped: the lock is free again before an interrupt can come.
        self.lock.holder.store(0, Ordering::Release);
    }
}
