//! Locks for long waits: who finds one taken sleeps.

use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::ops::{Deref, DerefMut};

use super::{SpinLock, WaitQueue};

/// A value that one process at a time may touch, for as long as it likes, across sleeps.
pub struct SleepLock<T: ?Sized> {
    held: SpinLock<bool>,
    waiters: WaitQueue,
    data: UnsafeCell<T>,
}

// SAFETY: the lock hands the value to one process at a time.
unsafe impl<T: ?Sized + Send> Sync for SleepLock<T> {}
// SAFETY: it owns its value.
unsafe impl<T: ?Sized + Send> Send for SleepLock<T> {}

impl<T> SleepLock<T> {
    /// An unlocked lock. Its name is what those who find it taken wait for, to those who trace.
    pub const fn new(name: &'static CStr, data: T) -> Self {
        SleepLock {
            held: SpinLock::new(name, false),
            waiters: WaitQueue::new(name),
            data: UnsafeCell::new(data),
        }
    }
}

impl<T: ?Sized> SleepLock<T> {
    /// Sleeps until the lock is free and takes it. No signal ends the wait.
    pub fn lock(&self) -> SleepGuard<'_, T> {
        let mut held = self.held.lock();
        while *held {
            held = self.waiters.sleep_uninterruptible(held);
        }
        *held = true;
        SleepGuard { lock: self }
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<SleepGuard<'_, T>> {
        let mut held = self.held.lock();
        if *held {
            return None;
        }
        *held = true;
        Some(SleepGuard { lock: self })
    }
}

/// The lock is held while this lives.
pub struct SleepGuard<'a, T: ?Sized> {
    lock: &'a SleepLock<T>,
}

impl<T: ?Sized> Deref for SleepGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized> DerefMut for SleepGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T: ?Sized> Drop for SleepGuard<'_, T> {
    fn drop(&mut self) {
        *self.lock.held.lock() = false;
        self.lock.waiters.wake_one();
    }
}
