//! Accounts of scheduling: how long each process ran, waited and was blocked, made from the kernel's events.
//!
//! The words are the textbooks' (Silberschatz, Galvin, Gagne: Operating System Concepts, 5.2; Arpaci-Dusseau: Operating
//! Systems: Three Easy Pieces, 7):
//!
//! ```text
//! arrival            the process enters a run queue for the first time
//!    │ waiting       ◄─ response time: arrival to first run
//! first run
//!    │ running, waiting (runnable, but others run), blocked, stopped, in turns
//! completion         it leaves its CPU for good         turnaround time: arrival to completion
//!    │ zombie        no part of the turnaround
//! its parent has asked for its status
//! ```
//!
//! So turnaround = running + waiting + blocked + stopped, to the nanosecond. [`accounts`] is the sink that keeps the
//! books, one [`account::Account`] a process, and a bounded [`timeline`] of each for the [`gantt`] charts; [`summary`]
//! is what programs read, [`table`] what people read.

pub mod account;
pub mod accounts;
mod columns;
pub mod gantt;
pub mod process;
pub mod summary;
pub mod table;
#[cfg(test)]
mod testing;
pub mod timeline;

use super::kind::{Kind, Kinds};

/// The kinds of records that the accounts are made from.
pub fn kinds() -> Kinds {
    const NAMES: [&str; 10] = [
        "sched_switch",
        "sched_sleep",
        "sched_wakeup",
        "sched_wakeup_new",
        "sched_migrate_task",
        "process_exec",
        "process_exit",
        "process_fork",
        "process_wait",
        "page_fault",
    ];
    let machine = ["trap", "trap_return"];
    let named = |name: &&str| Kinds::named(name).unwrap_or_default();
    let machine: Kinds = machine.iter().map(named).fold(Kinds::NONE, Kinds::or);
    NAMES
        .into_iter()
        .filter_map(Kind::probe)
        .collect::<Kinds>()
        .or(machine)
}
