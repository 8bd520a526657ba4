//! What Linux has differently on each instruction set: structures here, numbers in [`crate::nr`].
//!
//! Every sub-module has the same names. [`native`] is the one of the instruction set this is built for; a tool on a
//! host looks at guests of either kind, and names the one it means.

pub mod riscv64;
pub mod x86_64;

use crate::clone::CloneOrder;

#[cfg(target_arch = "riscv64")]
pub use riscv64 as native;
#[cfg(not(target_arch = "riscv64"))]
pub use x86_64 as native;

/// An instruction set that Silica runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// x86-64.
    X86_64,
    /// RISC-V with 64 bits.
    Riscv64,
}

/// How many there are.
pub const ISAS: usize = 2;

impl Isa {
    /// The one this is built for; x86-64 on a host.
    pub const NATIVE: Isa = native::ISA;

    /// Where clone(2) has its last two arguments.
    pub const fn clone_order(self) -> CloneOrder {
        match self {
            Isa::X86_64 => x86_64::CLONE_ORDER,
            Isa::Riscv64 => riscv64::CLONE_ORDER,
        }
    }
}
