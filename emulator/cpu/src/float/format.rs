//! The formats single and double (IEEE 754-2019, 3.4), as bits in a `u64`, and their numbers taken apart.
//!
//! ```text
//! single   31 sign   30..23 exponent (bias 127)     22..0 fraction
//! double   63 sign   62..52 exponent (bias 1023)    51..0 fraction
//! ```

use std::cmp::Ordering;

/// A binary interchange format.
pub trait Format {
    /// Stored fraction bits.
    const FRACTION: u32;
    /// All bits.
    const BITS: u32;

    /// The largest exponent of a number; minus it is one less than the smallest normal exponent.
    const BIAS: i32 = (1 << (Self::BITS - Self::FRACTION - 2)) - 1;
    /// The smallest exponent of a normal number.
    const MIN_EXPONENT: i32 = 1 - Self::BIAS;
    /// The sign bit.
    const SIGN: u64 = 1 << (Self::BITS - 1);
    /// Positive infinity; its bits are the exponent field.
    const INFINITY: u64 = Self::SIGN - (1 << Self::FRACTION);
    /// The bit that makes a NaN quiet.
    const QUIET: u64 = 1 << (Self::FRACTION - 1);
}

/// 32 bits.
#[derive(Clone, Copy, Debug)]
pub enum Single {}

/// 64 bits.
#[derive(Clone, Copy, Debug)]
pub enum Double {}

impl Format for Single {
    const FRACTION: u32 = 23;
    const BITS: u32 = 32;
}

impl Format for Double {
    const FRACTION: u32 = 52;
    const BITS: u32 = 64;
}

/// A finite number other than zero: `significand` * 2^(`exponent` - 63), the significand's top bit being set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finite {
    /// Whether it is below zero.
    pub negative: bool,
    /// The exponent of the top bit.
    pub exponent: i32,
    /// The bits, from the top.
    pub significand: u64,
}

/// A number taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Zero and whether its sign is set.
    Zero(bool),
    /// Neither zero nor infinite.
    Finite(Finite),
    /// Infinity and whether it is the negative one.
    Infinite(bool),
}

/// The bits without the sign.
pub const fn magnitude<F: Format>(bits: u64) -> u64 {
    bits & (F::SIGN - 1)
}

/// Whether the sign bit is set.
pub const fn negative<F: Format>(bits: u64) -> bool {
    bits & F::SIGN != 0
}

/// Whether the bits are no number.
pub const fn is_nan<F: Format>(bits: u64) -> bool {
    magnitude::<F>(bits) > F::INFINITY
}

/// Whether the bits are a NaN that signals.
pub const fn is_signaling<F: Format>(bits: u64) -> bool {
    is_nan::<F>(bits) && bits & F::QUIET == 0
}

/// Whether the number is too small to be normal, and not zero.
pub const fn is_subnormal<F: Format>(bits: u64) -> bool {
    let magnitude = magnitude::<F>(bits);
    magnitude != 0 && magnitude < 1 << F::FRACTION
}

/// Whether the number is finite, not zero and not subnormal.
pub const fn is_normal<F: Format>(bits: u64) -> bool {
    let magnitude = magnitude::<F>(bits);
    magnitude >= 1 << F::FRACTION && magnitude < F::INFINITY
}

/// Zero with a sign.
pub const fn zero<F: Format>(negative: bool) -> u64 {
    if negative { F::SIGN } else { 0 }
}

/// Infinity with a sign.
pub const fn infinity<F: Format>(negative: bool) -> u64 {
    zero::<F>(negative) | F::INFINITY
}

/// Takes a number apart; a NaN comes out as an infinity, so callers keep NaNs away.
pub const fn unpack<F: Format>(bits: u64) -> Number {
    let negative = negative::<F>(bits);
    let magnitude = magnitude::<F>(bits);
    if magnitude == 0 {
        return Number::Zero(negative);
    }
    if magnitude >= F::INFINITY {
        return Number::Infinite(negative);
    }
    let field = (magnitude >> F::FRACTION) as i32;
    let fraction = magnitude & ((1 << F::FRACTION) - 1);
    let (significand, exponent) = if field == 0 {
        let lead = fraction.leading_zeros();
        // The fraction's top bit would have the weight of the smallest normal number at bit FRACTION.
        (
            fraction << lead,
            F::MIN_EXPONENT - (lead as i32 - (63 - F::FRACTION as i32)),
        )
    } else {
        (
            (fraction | 1 << F::FRACTION) << (63 - F::FRACTION),
            field - F::BIAS,
        )
    };
    Number::Finite(Finite {
        negative,
        exponent,
        significand,
    })
}

/// The order of two numbers that are no NaNs; the zeros are equal.
pub fn compare<F: Format>(a: u64, b: u64) -> Ordering {
    let key = |bits: u64| {
        let magnitude = magnitude::<F>(bits) as i64;
        if negative::<F>(bits) {
            -magnitude
        } else {
            magnitude
        }
    };
    key(a).cmp(&key(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_those_of_the_hosts_types() {
        assert_eq!(Double::INFINITY, f64::INFINITY.to_bits());
        assert_eq!(Single::INFINITY, u64::from(f32::INFINITY.to_bits()));
        assert_eq!(Double::MIN_EXPONENT, f64::MIN_EXP - 1);
        assert_eq!(Single::MIN_EXPONENT, f32::MIN_EXP - 1);
    }

    #[test]
    fn subnormals_are_unpacked_with_their_top_bit_at_the_top() {
        let expected = Finite {
            negative: true,
            exponent: -1074,
            significand: 1 << 63,
        };
        assert_eq!(unpack::<Double>(Double::SIGN | 1), Number::Finite(expected));
        let half_least_normal = Finite {
            negative: false,
            exponent: -127,
            significand: 1 << 63,
        };
        assert_eq!(unpack::<Single>(1 << 22), Number::Finite(half_least_normal));
    }

    #[test]
    fn zeros_are_equal_and_negatives_are_ordered_backwards() {
        assert_eq!(compare::<Double>(Double::SIGN, 0), Ordering::Equal);
        let (one, two) = ((-1f64).to_bits(), (-2f64).to_bits());
        assert_eq!(compare::<Double>(one, two), Ordering::Greater);
    }
}
