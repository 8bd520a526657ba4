//! Why an instruction does not complete: the guest's doing (an exception) or the emulator's gap.

use crate::hart::Gap;

/// Exception codes (Privileged spec, table "mcause", interrupt = 0).
pub mod cause {
    /// Instruction address misaligned; with C it cannot happen.
    pub const FETCH_MISALIGNED: u64 = 0;
    /// Instruction access fault.
    pub const FETCH_ACCESS: u64 = 1;
    /// Illegal instruction.
    pub const ILLEGAL: u64 = 2;
    /// Breakpoint.
    pub const BREAKPOINT: u64 = 3;
    /// Load address misaligned.
    pub const LOAD_MISALIGNED: u64 = 4;
    /// Load access fault.
    pub const LOAD_ACCESS: u64 = 5;
    /// Store or AMO address misaligned.
    pub const STORE_MISALIGNED: u64 = 6;
    /// Store or AMO access fault.
    pub const STORE_ACCESS: u64 = 7;
    /// Environment call from U-mode; from S-mode it is 9, from M-mode 11.
    pub const ECALL_U: u64 = 8;
    /// Environment call from S-mode.
    pub const ECALL_S: u64 = 9;
    /// Environment call from M-mode.
    pub const ECALL_M: u64 = 11;
    /// Instruction page fault.
    pub const FETCH_PAGE: u64 = 12;
    /// Load page fault.
    pub const LOAD_PAGE: u64 = 13;
    /// Store or AMO page fault.
    pub const STORE_PAGE: u64 = 15;
    /// The bit that marks an interrupt.
    pub const INTERRUPT: u64 = 1 << 63;
}

/// An exception that the guest is to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The code.
    pub cause: u64,
    /// What xtval is to become.
    pub value: u64,
}

/// Why an instruction did not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// An exception: the program counter stays at the instruction.
    Exception(Exception),
    /// An emulator gap.
    Gap(Gap),
}

impl Trap {
    /// An exception.
    pub const fn new(cause: u64, value: u64) -> Self {
        Self::Exception(Exception { cause, value })
    }

    /// An illegal instruction whose bits are to be read where it lies.
    pub const ILLEGAL_IN_MEMORY: Self = Self::new(cause::ILLEGAL, u64::MAX);

    /// An illegal instruction, with its bits.
    pub const fn illegal(bits: u32) -> Self {
        Self::new(cause::ILLEGAL, bits as u64)
    }
}
