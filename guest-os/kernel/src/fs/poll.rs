//! Waiting for any of several files (poll(2)).
//!
//! Pollers are rare, so there is one queue for all of them: whatever may have made some file readable or
//! writable wakes every poller, who looks at its files again. The generation counts such changes; a
//! poller that saw one pass while it looked does not go to sleep.

use crate::sync::{SpinLock, WaitQueue};
use crate::time::now_ns;
use abi::Errno;

static GENERATION: SpinLock<u64> = SpinLock::new(c"poll", 0);
static POLLERS: WaitQueue = WaitQueue::new(c"poll");

/// Some file may have become readable or writable. May be called by interrupt handlers.
pub fn something_changed() {
    *GENERATION.lock() += 1;
    POLLERS.wake_all();
}

/// Calls `look` until it finds something, a signal comes, or the time is over (then what `look` gave last).
/// `timeout` is in nanoseconds, `None` means for ever.
pub fn wait_for<T>(timeout: Option<u64>, mut look: impl FnMut() -> (bool, T)) -> Result<T, Errno> {
    let deadline = timeout.map(|t| now_ns().saturating_add(t));
    loop {
        let seen = *GENERATION.lock();
        let (found, result) = look();
        if found || timeout == Some(0) {
            return Ok(result);
        }
        let generation = GENERATION.lock();
        if *generation != seen {
            continue;
        }
        let slept = match deadline {
            None => POLLERS.sleep(generation).map(drop),
            Some(deadline) => POLLERS.sleep_until(generation, deadline).map(drop),
        };
        match slept {
            Err(Errno::ETIMEDOUT) => return Ok(result),
            other => other?,
        }
    }
}
