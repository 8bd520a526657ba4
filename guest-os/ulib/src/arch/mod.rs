//! What differs between instruction sets. Each sub-module offers the same names; what stands beside them is common.

mod syscall;
#[cfg(not(test))]
mod vectors;

pub(crate) use syscall::{Arg, syscall};

#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "riscv64")]
pub use riscv64::*;

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;
