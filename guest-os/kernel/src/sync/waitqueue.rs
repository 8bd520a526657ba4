//! Sleep and wakeup.
//!
//! A condition ("the pipe has bytes") is guarded by a spin lock. Who needs it and finds it false sleeps:
//!
//! ```text
//! let mut pipe = self.state.lock();
//! while pipe.is_empty() {
//!     pipe = self.readers.sleep(pipe)?;
//! }
//! ```
//!
//! Who makes it true calls `wake_one` or `wake_all`, holding the same lock or after it.
//!
//! No wakeup is lost: the sleeper marks itself asleep and joins the list *before* it lets go of the
//! condition's lock, so a waker that changes the condition afterwards finds it there. If that happens before
//! the sleeper has left its CPU, the scheduler finds it runnable again and it simply goes on.
//! A sleeper always checks its condition again: several may be woken for one thing.
//!
//! `sleep` ends early with `ERESTARTSYS` when a signal must be handled; pass it on with `?`, and the
//! system-call dispatcher turns it into a restart or `EINTR`. `sleep_uninterruptible` is for waits that
//! are sure to end soon, such as disk requests.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::ffi::CStr;

use abi::Errno;

use super::{IrqGuard, SpinGuard, SpinLock, current};
use crate::proc::Process;
use crate::sched::{self, timer};
use crate::time::now_ns;

/// Processes that wait for something.
pub struct WaitQueue {
    /// What they wait for.
    wait: &'static CStr,
    waiters: SpinLock<VecDeque<Arc<Process>>>,
}

/// Why a sleep ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wake {
    /// Somebody called `wake_one` or `wake_all`.
    Woken,
    /// A signal came, or the time was up.
    Other,
}

impl WaitQueue {
    /// An empty queue; `wait` names what processes wait for in it, to those who trace.
    pub const fn new(wait: &'static CStr) -> Self {
        WaitQueue {
            wait,
            waiters: SpinLock::new(c"wait_queue", VecDeque::new()),
        }
    }

    /// Lets go of the condition's lock, sleeps until woken or until a signal must be handled
    /// (`ERESTARTSYS`, with the lock free), and takes the lock again.
    pub fn sleep<'a, T: ?Sized>(&self, guard: SpinGuard<'a, T>) -> Result<SpinGuard<'a, T>, Errno> {
        let lock = guard.lock_of();
        match self.block(guard, true, None) {
            Wake::Other if current().has_signal() => Err(Errno::ERESTARTSYS),
            _ => Ok(lock.lock()),
        }
    }

    /// The same, but gives up at `deadline` (as `time::now_ns` counts) with `ETIMEDOUT`.
    pub fn sleep_until<'a, T: ?Sized>(
        &self,
        guard: SpinGuard<'a, T>,
        deadline: u64,
    ) -> Result<SpinGuard<'a, T>, Errno> {
        let lock = guard.lock_of();
        match self.block(guard, true, Some(deadline)) {
            Wake::Other if current().has_signal() => Err(Errno::ERESTARTSYS),
            Wake::Other if now_ns() >= deadline => Err(Errno::ETIMEDOUT),
            _ => Ok(lock.lock()),
        }
    }

    /// Lets go of the condition's lock, sleeps until woken, and takes the lock again. No signal ends it.
    pub fn sleep_uninterruptible<'a, T: ?Sized>(
        &self,
        guard: SpinGuard<'a, T>,
    ) -> SpinGuard<'a, T> {
        let lock = guard.lock_of();
        self.block(guard, false, None);
        lock.lock()
    }

    fn block<T: ?Sized>(
        &self,
        guard: SpinGuard<'_, T>,
        interruptible: bool,
        deadline: Option<u64>,
    ) -> Wake {
        let me = current().arc();
        // Nothing may come between joining the list and leaving the CPU: interrupts stay off.
        let _irq = IrqGuard::new();
        me.prepare_to_sleep(interruptible, self.wait);
        self.waiters.lock().push_back(me.clone());
        let alarm = deadline.map(timer::Alarm::set);
        drop(guard);
        if !(interruptible && me.has_signal() && me.cancel_sleep()) {
            sched::block();
        }
        if let Some(alarm) = alarm {
            alarm.cancel();
        }
        // A waker has taken the process off the list; whatever else ended the sleep has not.
        let mut waiters = self.waiters.lock();
        match waiters.iter().position(|p| Arc::ptr_eq(p, &me)) {
            Some(index) => {
                waiters.remove(index);
                Wake::Other
            }
            None => Wake::Woken,
        }
    }

    /// Wakes the process that has waited longest.
    pub fn wake_one(&self) {
        let process = self.waiters.lock().pop_front();
        if let Some(process) = process {
            sched::wake(&process);
        }
    }

    /// Wakes all who wait; gives how many that were.
    pub fn wake_all(&self) -> usize {
        // Only those who wait now: one that comes back meanwhile stays.
        let count = self.waiters.lock().len();
        for _ in 0..count {
            self.wake_one();
        }
        count
    }
}
