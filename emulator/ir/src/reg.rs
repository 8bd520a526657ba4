//! The register file that micro-ops work on: 256 words indexed by a byte, so that no index needs a bounds check.
//!
//! ```text
//! 0 ........ 159  the ISA's own state (general, floating-point and segment registers as its front end lays them out)
//! 160 ...... 239  temporaries; they die at the end of a guest instruction
//! 240 241 242     the lazy flags: kind, first operand, second operand (see `flags`)
//! 243             how far floating point may use the host's arithmetic (see `fp_fast`)
//! 254             sink: what is written here is never read
//! 255             zero: never written
//! ```

/// A register's number.
pub type Reg = u8;

/// The register file. 128-bit values lie in two neighbours, low word first.
pub type Regs = [u64; 256];

/// The first temporary.
pub const TEMP: Reg = 160;
/// One past the last temporary.
pub const TEMP_END: Reg = 240;
/// Lazy flags: the [`FlagKind`](crate::FlagKind) as a number.
pub const FLAG_KIND: Reg = 240;
/// Lazy flags: the first operand.
pub const FLAG_A: Reg = 241;
/// Lazy flags: the second operand.
pub const FLAG_B: Reg = 242;
/// How far scalar floating point may take the host's result, as [`fp_fast`] numbers it; the ISA keeps it true to its
/// control register.
pub const FP_FAST: Reg = 243;

/// The values of [`FP_FAST`].
pub mod fp_fast {
    /// Not at all: another rounding, flushing, or an unmasked exception.
    pub const NEVER: u64 = 0;
    /// Where the result is exact, so that no flag rises.
    pub const EXACT: u64 = 1;
    /// Also where it is rounded: the inexact flag is raised already.
    pub const ROUNDED: u64 = 2;
}

/// Writes here are discarded.
pub const SINK: Reg = 254;
/// Reads as zero.
pub const ZERO: Reg = 255;

/// Whether `reg` dies at the end of its guest instruction.
pub const fn is_temp(reg: Reg) -> bool {
    reg >= TEMP && reg < TEMP_END
}
