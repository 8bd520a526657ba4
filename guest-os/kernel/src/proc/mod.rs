//! Processes.
//!
//! | file      | what                                                             |
//! |-----------|------------------------------------------------------------------|
//! | `process` | the structure, and the state changes the scheduler makes         |
//! | `table`   | all processes by number: parents, groups, sessions, zombies      |
//! | `fork`    | making one                                                       |
//! | `exec`    | giving one a new program                                         |
//! | `program` | the file of a program, whose pages become its memory             |
//! | `exit`    | ending one, and waiting for that                                 |
//! | `signal`  | signals: sending, actions, delivery, stop and continue           |
//! | `futex`   | sleeping on a word of user memory                                |
//! | `fault`   | what a program's exceptions mean for it                          |
//! | `trampoline` | where signal handlers return to                               |
//! | `init`    | process 1                                                        |

pub mod exec;
pub mod exit;
pub mod fault;
pub mod fork;
pub mod futex;
pub mod init;
mod process;
mod program;
pub mod signal;
pub mod table;
pub mod trampoline;

pub use crate::sync::current;
pub use process::{Process, State};
pub use program::Program;

use crate::arch::trap::TrapFrame;

/// The number of a process.
pub type Pid = u32;

/// Whether `before_user` has anything to do.
pub fn has_work_before_user() -> bool {
    crate::sched::wants_to_switch() || current().has_signal()
}

/// What is due before a process goes back to user mode: it gives way if its time is up, and its signals are
/// acted upon.
pub fn before_user(frame: &mut TrapFrame) {
    crate::sched::preempt_if_needed();
    while current().has_signal() {
        signal::deliver(frame);
    }
    signal::finish_interrupted_call(frame, None);
}
