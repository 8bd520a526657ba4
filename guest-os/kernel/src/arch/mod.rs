//! The border to the processor. Everything outside this folder uses the names re-exported here and
//! never says which instruction set it runs on; each port offers the same names. What stands beside the ports is
//! common to them.

mod cpu_local;
pub mod fixups;
pub mod ksyms;
mod probe;
pub mod trap_common;

#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "riscv64")]
pub use riscv64::*;

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;
