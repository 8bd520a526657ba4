//! Locks and sleeping.
//!
//! - `SpinLock`: short, interrupts off while held, never sleep under it, never touch user memory under it.
//! - `SleepLock`: long, the waiter sleeps; may be held across disk I/O and user copies.
//! - `WaitQueue`: sleep until somebody says that the world has changed.
//!
//! # Lock order
//!
//! Take locks in this order; skip any, but never go back up.
//!
//! 1. the position of an open file (`fs::open_file`), then a disk file's turn to write (`fs::diskfs`): held
//!    while bytes come from or go to user memory
//! 2. the `SleepLock` of an address space (`mm::space`)
//! 3. the `SleepLock`s that a page of a file needs (`fs::diskfs` has their order among themselves)
//! 4. the spin lock that guards the condition of a `WaitQueue` (pipe, tty, child list: `proc::table`)
//! 5. `Process::signals`
//! 6. the list inside a `WaitQueue`
//! 7. a CPU's timer list (`sched::timer`)
//! 8. a CPU's run queue (`sched`); never two at a time
//! 9. the kernel heap and the frame pool (`mm`); they are leaves, as are the log and single fields
//!
//! A TLB shootdown waits for other CPUs, so it is started with no spin lock held at all (`arch::smp`).

mod current;
mod irq;
mod once;
mod sleeplock;
mod spinlock;
mod waitqueue;

pub use current::{current, enter, try_current};
pub use irq::IrqGuard;
pub use once::Once;
pub use sleeplock::{SleepGuard, SleepLock};
pub use spinlock::{SpinGuard, SpinLock};
pub use waitqueue::WaitQueue;
