//! MXCSR: how SSE floating point computes, and what it has raised (SDM vol. 1, 10.2.3).
//!
//! ```text
//! 15  14..13  12..7              6    5..0
//! FZ  RC      masks PE..IE       DAZ  flags PE UE OE ZE DE IE
//! ```

use super::super::reg::MXCSR;
use crate::float::format::{Format, is_subnormal};
use crate::float::{Env, Rounding, flag};
use ir::Regs;
use ir::reg::{FP_FAST, fp_fast};

/// MXCSR after reset: everything masked, nothing raised.
pub const RESET: u64 = 0x1f80;
/// The bits that exist; setting others faults. FXSAVE stores this as MXCSR_MASK.
pub const IMPLEMENTED: u64 = 0xffff;

const DAZ: u64 = 1 << 6;
const MASKS: u32 = 7;
const ALL_MASKED: u64 = 0x3f << MASKS;
const ROUNDING: u32 = 13;
const FZ: u64 = 1 << 15;
/// The exceptions found before a result is computed; if one of them traps, no result and none of its flags exist.
const PRE_COMPUTATION: u8 = flag::INVALID | flag::DENORMAL | flag::DIVIDE_BY_ZERO;

/// The floating-point unit for one instruction.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// Rounding, flushing, and the flags raised so far.
    pub env: Env,
    /// Whether the host's arithmetic may serve (see [`fast`]).
    pub host: bool,
    daz: bool,
    masks: u8,
}

impl Unit {
    /// The unit as MXCSR sets it up.
    pub const fn new(mxcsr: u64) -> Self {
        let masks = (mxcsr >> MASKS) as u8 & 0x3f;
        let env = Env {
            rounding: Rounding::decode(mxcsr >> ROUNDING),
            flush: mxcsr & FZ != 0 && masks & flag::UNDERFLOW != 0,
            overflow_traps: masks & flag::OVERFLOW == 0,
            underflow_traps: masks & flag::UNDERFLOW == 0,
            flags: 0,
        };
        Self {
            env,
            host: fast(mxcsr) == fp_fast::ROUNDED,
            daz: mxcsr & DAZ != 0,
            masks,
        }
    }

    /// An operand as the unit sees it: with DAZ, subnormals are zeros.
    pub const fn operand<F: Format>(&self, bits: u64) -> u64 {
        if self.daz && is_subnormal::<F>(bits) {
            bits & F::SIGN
        } else {
            bits
        }
    }

    /// The flags that reach MXCSR, and whether one of them traps (SDM vol. 1, 11.5.2 and 11.5.3).
    pub const fn outcome(&self) -> (u64, bool) {
        let trapping = self.env.flags & !self.masks;
        let flags = if trapping & PRE_COMPUTATION != 0 {
            self.env.flags & PRE_COMPUTATION
        } else {
            self.env.flags
        };
        (flags as u64, trapping != 0)
    }
}

/// How far the host's arithmetic may stand in (see [`ir::reg::FP_FAST`]): it rounds to nearest, flushes nothing and traps
/// nothing, so under any other setting not at all.
pub const fn fast(mxcsr: u64) -> u64 {
    let settled = mxcsr & (FZ | 3 << ROUNDING | ALL_MASKED | DAZ) == ALL_MASKED;
    match (settled, mxcsr & flag::INEXACT as u64 != 0) {
        (false, _) => fp_fast::NEVER,
        (true, false) => fp_fast::EXACT,
        (true, true) => fp_fast::ROUNDED,
    }
}

/// Writes MXCSR, and what the engine knows of it.
pub fn set(regs: &mut Regs, mxcsr: u64) {
    regs[usize::from(MXCSR)] = mxcsr;
    regs[usize::from(FP_FAST)] = fast(mxcsr);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_may_round_only_once_inexact_is_sticky_and_nothing_else_is_asked() {
        assert_eq!(fast(RESET), fp_fast::EXACT);
        assert_eq!(fast(RESET | 0x20), fp_fast::ROUNDED);
        assert_eq!(fast(RESET | 0x3f), fp_fast::ROUNDED);
        for bit in [6, 13, 14, 15] {
            assert_eq!(fast(RESET | 0x20 | 1 << bit), fp_fast::NEVER, "bit {bit}");
        }
        for mask in 7..13 {
            assert_eq!(
                fast((RESET | 0x20) & !(1 << mask)),
                fp_fast::NEVER,
                "mask {mask}"
            );
        }
    }

    #[test]
    fn a_trap_before_the_result_hides_the_flags_of_the_result() {
        let mut unit = Unit::new(RESET & !(1 << 7));
        unit.env.raise(flag::INVALID | flag::INEXACT);
        assert_eq!(unit.outcome(), (u64::from(flag::INVALID), true));
        let mut unit = Unit::new(RESET & !(1 << 12));
        unit.env.raise(flag::INVALID | flag::INEXACT);
        assert_eq!(
            unit.outcome(),
            (u64::from(flag::INVALID | flag::INEXACT), true)
        );
    }
}
