//! x86-64: the system-call instruction, the entry point, signal return, memory routines.

mod calls;
#[cfg(not(test))]
mod entry;
#[cfg(not(test))]
mod memory;
mod signal;
mod syscall;
pub mod wild;

pub(crate) use calls::{alarm, dup2, fork, pause};
pub(crate) use signal::action;
pub(super) use syscall::raw;

/// What uname(2) calls the machine.
pub const MACHINE: &[u8] = b"x86_64";
