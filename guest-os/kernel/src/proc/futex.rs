//! futex(2): sleeping on a word of user memory.
//!
//! Words are told apart only by their place in a page, so that all who share a page agree whatever address
//! they see it at. Sharing a queue with another word costs a wakeup for nothing, which callers of futex(2)
//! must expect anyway: they look at their word again.
//!
//! The word cannot be read under the queue's spin lock, because reading may bring its page in. So a waiter
//! notes the queue's generation first, then reads; if somebody has woken the queue in between, it does
//! not sleep.

use abi::Errno;

use crate::mm::user::UserPtr;
use crate::sync::{SpinLock, WaitQueue};

/// Words that have a queue of their own.
const QUEUES: usize = 64;

struct Queue {
    /// Counts wakeups.
    generation: SpinLock<u64>,
    waiters: WaitQueue,
}

static TABLE: [Queue; QUEUES] = [const {
    Queue {
        generation: SpinLock::new(c"futex", 0),
        waiters: WaitQueue::new(c"futex"),
    }
}; QUEUES];

/// The queue of the word at `address`; `EINVAL` if that is no place for a word.
fn queue(address: usize) -> Result<&'static Queue, Errno> {
    if !address.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    Ok(&TABLE[address / 4 % QUEUES])
}

/// Sleeps while the word at `address` is `value`, until `deadline` (monotonic) at the latest; `EAGAIN` if it
/// has another value.
pub fn wait(address: usize, value: u32, deadline: Option<u64>) -> Result<(), Errno> {
    let queue = queue(address)?;
    let before = *queue.generation.lock();
    if UserPtr::<u32>::new(address).read()? != value {
        return Err(Errno::EAGAIN);
    }
    let generation = queue.generation.lock();
    if *generation != before {
        return Ok(());
    }
    match deadline {
        Some(deadline) => queue.waiters.sleep_until(generation, deadline)?,
        None => queue.waiters.sleep(generation)?,
    };
    Ok(())
}

/// Wakes those who wait for the word at `address`; gives how many it may have been, `count` at most.
pub fn wake(address: usize, count: usize) -> Result<usize, Errno> {
    let queue = queue(address)?;
    let mut generation = queue.generation.lock();
    *generation += 1;
    Ok(queue.waiters.wake_all().min(count))
}
