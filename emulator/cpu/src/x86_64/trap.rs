//! Why an instruction does not complete: the guest's doing (an exception) or the emulator's gap.

use crate::hart::Gap;
use base::Virt;

/// Exception vectors (SDM vol. 3, 6.3.1).
pub mod vector {
    /// Divide error.
    pub const DE: u8 = 0;
    /// Debug.
    pub const DB: u8 = 1;
    /// Non-maskable interrupt.
    pub const NMI: u8 = 2;
    /// INT3.
    pub const BP: u8 = 3;
    /// INTO.
    pub const OF: u8 = 4;
    /// Invalid opcode.
    pub const UD: u8 = 6;
    /// Device not available.
    pub const NM: u8 = 7;
    /// Double fault.
    pub const DF: u8 = 8;
    /// Invalid TSS.
    pub const TS: u8 = 10;
    /// Segment not present.
    pub const NP: u8 = 11;
    /// Stack fault.
    pub const SS: u8 = 12;
    /// General protection.
    pub const GP: u8 = 13;
    /// Page fault.
    pub const PF: u8 = 14;
    /// x87 error.
    pub const MF: u8 = 16;
    /// Alignment check.
    pub const AC: u8 = 17;
    /// SIMD floating-point error.
    pub const XM: u8 = 19;
}

/// An exception that the guest is to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The vector.
    pub vector: u8,
    /// The error code, for the vectors that push one.
    pub error: Option<u32>,
    /// For a page fault, what CR2 is to become.
    pub address: Option<Virt>,
}

impl Exception {
    /// #DB.
    pub const DEBUG: Self = Self {
        vector: vector::DB,
        error: None,
        address: None,
    };
}

/// Why an instruction did not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// A fault: the program counter stays at the instruction.
    Fault(Exception),
    /// INT n and its kin: delivered with the program counter at `next`, behind the instruction.
    Software {
        /// What to deliver; the gate's privilege is checked.
        exception: Exception,
        /// The next instruction.
        next: u64,
    },
    /// A debug trap: #DB delivered behind the instruction, at `next`, whatever the gate's privilege (INT1).
    Debug {
        /// The next instruction.
        next: u64,
    },
    /// An emulator gap.
    Gap(Gap),
}

impl Trap {
    /// A fault without error code.
    pub const fn fault(vector: u8) -> Self {
        Self::Fault(Exception {
            vector,
            error: None,
            address: None,
        })
    }

    /// A fault with an error code.
    pub const fn fault_code(vector: u8, error: u32) -> Self {
        Self::Fault(Exception {
            vector,
            error: Some(error),
            address: None,
        })
    }

    /// General protection with error code 0, the most frequent of all.
    pub const GP0: Self = Self::fault_code(vector::GP, 0);

    /// Invalid opcode.
    pub const UD: Self = Self::fault(vector::UD);
}
