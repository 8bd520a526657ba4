//! Every lifted instruction against the CPU that this host is made of.
//!
//! [`catalog`] is the decoder's own list of encodings, so that an instruction is tested from the day it is lifted;
//! [`case`] makes instructions of them, [`state`] the register and memory contents they start from. The same bytes then
//! run at the same addresses on the `host` and in the [`guest`], and `bench` compares what comes out: registers, flags,
//! XMM, MXCSR, memory, the exception and its error code. [`catalog::excluded`] lists what cannot be compared, with the
//! reason.
//!
//! Silicon has been Intel's and AMD's so far. Where the two differ, the emulated CPU does as Intel's, and `differences`
//! says what is not compared on AMD's, and why.
//!
//! This package alone, beside the engine, holds unsafe code: running bytes on the host is what it is for.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod bench;
pub mod case;
pub mod catalog;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod differences;
mod fit;
pub mod guest;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod host;
mod operand;
pub mod state;

/// Where the memory of a test lies, in the host's address space and in the guest's.
///
/// ```text
/// CODE  one page: the instruction at ENTRY, behind it the way out; at TAKEN the way out for branches
/// DATA  two pages to read and write, a hole behind them
/// FIXED one page to read only, a hole behind it
/// ```
pub mod layout {
    /// The page that holds the instruction.
    pub const CODE: u64 = 0x2000_0000;
    /// The instruction's address.
    pub const ENTRY: u64 = CODE + 0x100;
    /// Where branches go.
    pub const TAKEN: u64 = CODE + 0x140;
    /// The ways from 32-bit code out through 64-bit code.
    pub const OUT: u64 = CODE + 0x180;
    /// The same for branches.
    pub const OUT_TAKEN: u64 = CODE + 0x1c0;
    /// Memory to work on.
    pub const DATA: u64 = 0x2000_2000;
    /// Its size in bytes.
    pub const DATA_LEN: u64 = 0x2000;
    /// The base of GS. Below the data, so that 32-bit offsets reach it.
    pub const GS_BASE: u64 = 0x1234_5670;
    /// Memory that cannot be written.
    pub const FIXED: u64 = 0x2000_5000;
    /// Its size in bytes.
    pub const FIXED_LEN: u64 = 0x1000;
    /// The selectors that Linux gives user programs: 64-bit code, 32-bit code, data.
    pub const CS_64: u16 = 0x33;
    /// 32-bit code.
    pub const CS_32: u16 = 0x23;
    /// Data and stack.
    pub const DATA_SELECTOR: u16 = 0x2b;
}

/// What kind of code a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeSize {
    /// 64-bit mode.
    Bits64,
    /// Compatibility mode: what a 32-bit program sees.
    Bits32,
}

impl CodeSize {
    /// In bits, as decoders want it.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Bits64 => 64,
            Self::Bits32 => 32,
        }
    }
}

/// How an instruction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It completed, and control is here.
    Done {
        /// The instruction pointer.
        rip: u64,
    },
    /// It raised an exception.
    Trap {
        /// The vector.
        vector: u8,
        /// The error code, 0 if there is none.
        error: u32,
        /// CR2, 0 if it is no page fault.
        address: u64,
        /// The instruction pointer that was saved.
        rip: u64,
    },
    /// The emulator does not do it.
    Gap,
}
