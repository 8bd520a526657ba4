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
//! 1. `SleepLock`s of files and the file system (`fs` has their order among themselves)
//! 2. the `SleepLock` of an address space (`mm::space`)
//! 3. the spin lock that guards the condition of a `WaitQueue` (pipe, tty, child list: `proc::table`)
//! 4. `Process::signals`
//! 5. the list inside a `WaitQueue`
//! 6. a CPU's timer list (`sched::timer`)
//! 7. a CPU's run queue (`sched`); two of them only in the order of the CPUs' numbers
//! 8. the kernel heap and the frame pool (`mm`); they are leaves, as are the log and single fields
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
