//! RISC-V: the system-call instruction, the entry point, signal actions. The memory routines are those that the compiler
//! brings for a target without an operating system.

mod calls;
#[cfg(not(test))]
mod entry;
mod signal;
mod syscall;
pub mod wild;

pub(crate) use calls::{alarm, dup2, fork, pause};
pub(crate) use signal::action;
pub(super) use syscall::raw;

/// What uname(2) calls the machine.
pub const MACHINE: &[u8] = b"riscv64";
