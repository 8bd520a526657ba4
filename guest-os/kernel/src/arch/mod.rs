//! The border to the processor. Everything outside this folder uses the names re-exported here and
//! never says which instruction set it runs on; each port offers the same names.

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;
