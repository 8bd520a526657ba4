//! x86-64: the system-call instruction, the entry point, signal return, memory routines.

#[cfg(not(test))]
mod entry;
#[cfg(not(test))]
mod memory;
mod signal;
mod syscall;
pub mod wild;

pub use signal::restorer;
pub(crate) use syscall::{Arg, syscall};
