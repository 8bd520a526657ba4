//! Where a hart's registers lie in the register file.
//!
//! ```text
//! 0 … 31    x0 … x31 (x0 is never used: reads go to ZERO, writes to SINK)
//! 32 … 63   f0 … f31, single values NaN-boxed (F extension, 21.2)
//! 64        fflags: the accrued exceptions, as fcsr has them
//! 65        frm: the dynamic rounding mode
//! ```

use ir::Reg;
use ir::reg::{SINK, ZERO};

/// Return address.
pub const RA: Reg = 1;
/// Stack pointer.
pub const SP: Reg = 2;
/// Frame pointer, s0.
pub const FP: Reg = 8;
/// First argument and result.
pub const A0: Reg = 10;
/// Second argument.
pub const A1: Reg = 11;
/// The number of a system call.
pub const A7: Reg = 17;
/// f0.
pub const F0: Reg = 32;
/// The accrued exceptions.
pub const FFLAGS: Reg = 64;
/// The dynamic rounding mode.
pub const FRM: Reg = 65;

/// The ABI's names of x0 to x31.
pub const NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

/// Where integer register `n` is read.
#[inline]
pub const fn source(n: u32) -> Reg {
    if n == 0 { ZERO } else { n as Reg }
}

/// Where integer register `n` is written.
#[inline]
pub const fn target(n: u32) -> Reg {
    if n == 0 { SINK } else { n as Reg }
}

/// Where floating-point register `n` is.
#[inline]
pub const fn float(n: u32) -> Reg {
    F0 + n as Reg
}

/// The register behind an assembler's name: an ABI name, `x5`, or `fp`.
pub fn named(name: &str) -> Option<Reg> {
    if name == "fp" {
        return Some(FP);
    }
    let number = match NAMES.iter().position(|known| *known == name) {
        Some(number) => number as u32,
        None => name.strip_prefix('x')?.parse().ok().filter(|n| *n < 32)?,
    };
    Some(source(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_registers() {
        assert_eq!(named("a7"), Some(A7));
        assert_eq!(named("x17"), Some(A7));
        assert_eq!(named("zero"), Some(ZERO));
        assert_eq!(named("fp"), named("s0"));
        assert_eq!(named("x32"), None);
        assert_eq!(named("rax"), None);
    }
}
