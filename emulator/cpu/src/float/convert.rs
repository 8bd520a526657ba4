//! Conversions between the formats, and between them and integers (IEEE 754-2019, 5.4.1 and 5.8).

use super::format::{Finite, Format, Number, infinity, is_subnormal, unpack, zero};
use super::round::{Env, Rounding, flag, round};

/// From one format to another; the operand is no NaN.
pub fn format<From: Format, To: Format>(bits: u64, env: &mut Env) -> u64 {
    if is_subnormal::<From>(bits) {
        env.raise(flag::DENORMAL);
    }
    match unpack::<From>(bits) {
        Number::Zero(negative) => zero::<To>(negative),
        Number::Infinite(negative) => infinity::<To>(negative),
        Number::Finite(value) => round::<To>(value, env),
    }
}

/// From a signed integer.
pub const fn from_int<F: Format>(value: i64, env: &mut Env) -> u64 {
    let magnitude = value.unsigned_abs();
    if magnitude == 0 {
        return 0;
    }
    let lead = magnitude.leading_zeros();
    let finite = Finite {
        negative: value < 0,
        exponent: 63 - lead as i32,
        significand: magnitude << lead,
    };
    round::<F>(finite, env)
}

/// From an unsigned integer.
pub const fn from_unsigned<F: Format>(value: u64, env: &mut Env) -> u64 {
    if value == 0 {
        return 0;
    }
    let lead = value.leading_zeros();
    let finite = Finite {
        negative: false,
        exponent: 63 - lead as i32,
        significand: value << lead,
    };
    round::<F>(finite, env)
}

/// To an unsigned integer of `bits` bits; `None`, and invalid raised, if it does not fit (NaN included).
pub fn to_unsigned<F: Format>(
    value: u64,
    bits: u32,
    rounding: Rounding,
    env: &mut Env,
) -> Option<u64> {
    let fitted = match unpack::<F>(value) {
        Number::Zero(_) => Some((0, false)),
        Number::Finite(Finite {
            negative,
            exponent,
            significand,
        }) if exponent < 64 => {
            let (magnitude, lost) = match exponent {
                63 => (significand, false),
                _ => {
                    // Below 1/4 every direction sees the same: nothing kept, less than half lost.
                    let drop = (63 - exponent).min(65) as u32;
                    let sticky = if drop > 64 { 1 } else { significand };
                    rounding.shift(negative, sticky, drop.min(64))
                }
            };
            (magnitude <= u64::MAX >> (64 - bits) && (!negative || magnitude == 0))
                .then_some((magnitude, lost))
        }
        Number::Finite(_) | Number::Infinite(_) => None,
    };
    let Some((magnitude, inexact)) = fitted else {
        env.raise(flag::INVALID);
        return None;
    };
    if inexact {
        env.raise(flag::INEXACT);
    }
    Some(magnitude)
}

/// To a signed integer of `bits` bits; `None`, and invalid raised, if it does not fit (NaN included).
pub fn to_int<F: Format>(value: u64, bits: u32, rounding: Rounding, env: &mut Env) -> Option<i64> {
    let (negative, magnitude, inexact) = match unpack::<F>(value) {
        Number::Zero(_) => (false, 0, false),
        Number::Finite(Finite {
            negative,
            exponent,
            significand,
        }) if exponent < 63 => {
            // Below 1/4 every direction sees the same: nothing kept, less than half lost.
            let drop = (63 - exponent).min(65) as u32;
            let sticky = if drop > 64 { 1 } else { significand };
            let (magnitude, lost) = rounding.shift(negative, sticky, drop.min(64));
            (negative, magnitude, lost)
        }
        Number::Finite(Finite {
            negative: true,
            exponent: 63,
            significand,
        }) if significand == 1 << 63 => (true, significand, false),
        Number::Finite(_) | Number::Infinite(_) => (false, u64::MAX, false),
    };
    let limit = (1u64 << (bits - 1)) - !negative as u64;
    if magnitude > limit {
        env.raise(flag::INVALID);
        return None;
    }
    if inexact {
        env.raise(flag::INEXACT);
    }
    let value = magnitude as i64;
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

#[cfg(test)]
mod tests {
    use super::super::format::{Double, Single};
    use super::*;

    #[test]
    fn integers_round_in_the_direction_asked() {
        for (value, rounding, expected) in [
            (2.5, Rounding::Nearest, 2),
            (3.5, Rounding::Nearest, 4),
            (-2.5, Rounding::Down, -3),
            (-2.5, Rounding::Up, -2),
            (1e-300, Rounding::Up, 1),
            (-1e-300, Rounding::Down, -1),
            (0.3, Rounding::Nearest, 0),
            (0.75, Rounding::Nearest, 1),
        ] {
            let mut env = Env::default();
            let got = to_int::<Double>(f64::to_bits(value), 64, rounding, &mut env);
            assert_eq!((got, env.flags), (Some(expected), flag::INEXACT), "{value}");
        }
    }

    #[test]
    fn the_ends_of_the_range_fit_and_their_neighbours_do_not() {
        let to32 = |v: f64| to_int::<Double>(v.to_bits(), 32, Rounding::Zero, &mut Env::default());
        assert_eq!(to32(2_147_483_647.9), Some(0x7fff_ffff));
        assert_eq!(to32(2_147_483_648.0), None);
        assert_eq!(to32(-2_147_483_648.9), Some(-0x8000_0000));
        assert_eq!(to32(-2_147_483_649.0), None);
        let to64 = |v: f64| to_int::<Double>(v.to_bits(), 64, Rounding::Zero, &mut Env::default());
        assert_eq!(to64(-(2f64.powi(63))), Some(i64::MIN));
        assert_eq!(to64(2f64.powi(63)), None);
    }

    #[test]
    fn narrowing_rounds_once() {
        let mut env = Env::default();
        assert_eq!(
            format::<Double, Single>(0.1f64.to_bits(), &mut env),
            u64::from(0.1f32.to_bits())
        );
        assert_eq!(env.flags, flag::INEXACT);
    }
}
