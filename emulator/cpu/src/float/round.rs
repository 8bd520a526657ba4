//! Rounding: from a 64-bit significand with a sticky last bit to a format, with the flags that go with it.
//!
//! The value handed in is exact except that its last bit may stand for "and something more below" (sticky). Both
//! formats drop at least eleven bits, so the sticky bit never decides more than "inexact" and "not a tie".
//! Tininess is detected after rounding (IEEE 754-2019, 7.5 (a)), as x86 and RISC-V both do.

use super::format::{Finite, Format, infinity, zero};

/// Exception flags, numbered as MXCSR numbers them.
pub mod flag {
    /// An operation without a meaningful result.
    pub const INVALID: u8 = 1 << 0;
    /// A subnormal operand (x86 alone reports it).
    pub const DENORMAL: u8 = 1 << 1;
    /// A finite number divided by zero.
    pub const DIVIDE_BY_ZERO: u8 = 1 << 2;
    /// The rounded result is too large for the format.
    pub const OVERFLOW: u8 = 1 << 3;
    /// The result is tiny, and inexact too unless underflow traps.
    pub const UNDERFLOW: u8 = 1 << 4;
    /// The result was rounded.
    pub const INEXACT: u8 = 1 << 5;
}

/// A rounding direction, numbered as MXCSR and the x87 control word number them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Rounding {
    /// To nearest, ties to even.
    #[default]
    Nearest = 0,
    /// Towards minus infinity.
    Down = 1,
    /// Towards plus infinity.
    Up = 2,
    /// Towards zero.
    Zero = 3,
    /// To nearest, ties away from zero; x86 has no number for it.
    NearestAway = 4,
}

impl Rounding {
    /// The direction with this number; only the low two bits count.
    pub const fn decode(number: u64) -> Self {
        match number & 3 {
            0 => Self::Nearest,
            1 => Self::Down,
            2 => Self::Up,
            _ => Self::Zero,
        }
    }

    /// Whether a positive or negative value moves away from zero, given the last kept bit, the first dropped bit, and
    /// whether anything below that is set.
    const fn away(self, negative: bool, odd: bool, half: bool, rest: bool) -> bool {
        match self {
            Self::Nearest => half && (odd || rest),
            Self::Down => negative && (half || rest),
            Self::Up => !negative && (half || rest),
            Self::Zero => false,
            Self::NearestAway => half,
        }
    }

    /// `value` without its low `drop` bits (1 to 64), rounded, and whether something was lost.
    pub const fn shift(self, negative: bool, value: u64, drop: u32) -> (u64, bool) {
        let kept = if drop < 64 { value >> drop } else { 0 };
        let lost = value & (u64::MAX >> (64 - drop));
        let half = lost >> (drop - 1) != 0;
        let rest = lost & !(1 << (drop - 1)) != 0;
        let away = self.away(negative, kept & 1 != 0, half, rest);
        (kept + away as u64, lost != 0)
    }
}

/// How to compute, and the flags raised so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Env {
    /// The rounding direction.
    pub rounding: Rounding,
    /// Tiny results become zero.
    pub flush: bool,
    /// Overflow traps: the inexact flag speaks of the result before it is bounded.
    pub overflow_traps: bool,
    /// Underflow traps: tininess alone raises it.
    pub underflow_traps: bool,
    /// The flags raised.
    pub flags: u8,
}

impl Env {
    /// Raises `flags`.
    pub const fn raise(&mut self, flags: u8) {
        self.flags |= flags;
    }
}

/// `value` >> `by`, what falls out being remembered in the last bit.
pub const fn shift_jam(value: u128, by: u32) -> u128 {
    match by {
        0 => value,
        1..=127 => value >> by | (value << (128 - by) != 0) as u128,
        _ => (value != 0) as u128,
    }
}

/// The number `significand` * 2^(`exponent` - 127) for a significand other than zero, brought to 64 bits.
pub const fn normalize(negative: bool, exponent: i32, significand: u128) -> Finite {
    let lead = significand.leading_zeros();
    let aligned = significand << lead;
    Finite {
        negative,
        exponent: exponent - lead as i32,
        significand: (aligned >> 64) as u64 | (aligned as u64 != 0) as u64,
    }
}

/// Rounds to format `F`.
pub const fn round<F: Format>(value: Finite, env: &mut Env) -> u64 {
    let Finite {
        negative,
        mut exponent,
        significand,
    } = value;
    let sign = zero::<F>(negative);
    let drop = 63 - F::FRACTION;
    // As if the exponent had no bounds.
    let (mut kept, mut inexact) = env.rounding.shift(negative, significand, drop);
    if kept >> (F::FRACTION + 1) != 0 {
        kept >>= 1;
        exponent += 1;
    }
    if exponent > F::BIAS {
        env.raise(flag::OVERFLOW);
        if inexact || !env.overflow_traps {
            env.raise(flag::INEXACT);
        }
        let to_infinity = env.rounding.away(negative, true, true, true);
        return if to_infinity {
            infinity::<F>(negative)
        } else {
            sign | (F::INFINITY - 1)
        };
    }
    if exponent < F::MIN_EXPONENT {
        if env.flush {
            env.raise(flag::UNDERFLOW | flag::INEXACT);
            return sign;
        }
        if env.underflow_traps {
            env.raise(flag::UNDERFLOW | if inexact { flag::INEXACT } else { 0 });
            return sign;
        }
        (kept, inexact) = denormal::<F>(value, env.rounding);
        if inexact {
            env.raise(flag::UNDERFLOW | flag::INEXACT);
        }
        // A carry into the exponent field makes the smallest normal number, as it should.
        return sign | kept;
    }
    if inexact {
        env.raise(flag::INEXACT);
    }
    let field = (exponent + F::BIAS) as u64;
    sign | (field << F::FRACTION) | (kept & ((1 << F::FRACTION) - 1))
}

/// The fraction of a value below the normal range, and whether it lost something.
const fn denormal<F: Format>(value: Finite, rounding: Rounding) -> (u64, bool) {
    let below = (F::MIN_EXPONENT - value.exponent) as u32;
    let jammed = shift_jam(value.significand as u128, below) as u64;
    rounding.shift(value.negative, jammed, 63 - F::FRACTION)
}

#[cfg(test)]
mod tests {
    use super::super::format::{Double, Single};
    use super::*;

    fn rounded(exponent: i32, significand: u64) -> (u64, u8) {
        let mut env = Env::default();
        let bits = round::<Double>(
            Finite {
                negative: false,
                exponent,
                significand,
            },
            &mut env,
        );
        (bits, env.flags)
    }

    #[test]
    fn ties_go_to_even() {
        assert_eq!(
            rounded(0, 1 << 63 | 1 << 10),
            (1f64.to_bits(), flag::INEXACT)
        );
        assert_eq!(
            rounded(0, 1 << 63 | 3 << 10),
            (1f64.to_bits() + 2, flag::INEXACT)
        );
    }

    #[test]
    fn what_rounds_up_to_the_smallest_normal_is_tiny_only_if_it_is_so_without_bounds() {
        let least = f64::MIN_POSITIVE.to_bits();
        // 53 ones and a half: rounds to the smallest normal with any exponent.
        assert_eq!(rounded(-1023, u64::MAX), (least, flag::INEXACT));
        // 53 ones exactly: the denormal rounding alone reaches it.
        assert_eq!(
            rounded(-1023, u64::MAX << 11),
            (least, flag::UNDERFLOW | flag::INEXACT)
        );
    }

    #[test]
    fn overflow_goes_where_the_direction_says() {
        let huge = Finite {
            negative: true,
            exponent: 128,
            significand: 1 << 63,
        };
        for (rounding, expected) in [
            (Rounding::Nearest, f32::NEG_INFINITY),
            (Rounding::Down, f32::NEG_INFINITY),
            (Rounding::Up, f32::MIN),
            (Rounding::Zero, f32::MIN),
        ] {
            let mut env = Env {
                rounding,
                ..Env::default()
            };
            assert_eq!(
                round::<Single>(huge, &mut env),
                u64::from(expected.to_bits())
            );
            assert_eq!(env.flags, flag::OVERFLOW | flag::INEXACT);
        }
    }
}
