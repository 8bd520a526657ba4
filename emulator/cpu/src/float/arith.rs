//! Addition, multiplication, division and square root of numbers that are no NaNs.
//!
//! Each returns `None` (and raises invalid) where there is no result. Rows follow IEEE 754-2019, 5.4.1.

use super::format::{Finite, Format, Number, infinity, is_subnormal, unpack, zero};
use super::round::{Env, Rounding, flag, normalize, round, shift_jam};
use std::cmp::Ordering;

/// Raises the flag that x86 has for subnormal operands.
fn note_subnormal<F: Format>(operands: &[u64], env: &mut Env) {
    if operands.iter().any(|&bits| is_subnormal::<F>(bits)) {
        env.raise(flag::DENORMAL);
    }
}

const fn invalid(env: &mut Env) -> Option<u64> {
    env.raise(flag::INVALID);
    None
}

/// a + b
pub fn add<F: Format>(a: u64, b: u64, env: &mut Env) -> Option<u64> {
    let result = match (unpack::<F>(a), unpack::<F>(b)) {
        (Number::Infinite(x), Number::Infinite(y)) if x != y => return invalid(env),
        (Number::Infinite(x), _) | (_, Number::Infinite(x)) => infinity::<F>(x),
        (Number::Zero(x), Number::Zero(y)) if x == y => zero::<F>(x),
        (Number::Zero(_), Number::Zero(_)) => zero::<F>(env.rounding == Rounding::Down),
        (Number::Finite(x), Number::Zero(_)) | (Number::Zero(_), Number::Finite(x)) => {
            round::<F>(x, env)
        }
        (Number::Finite(x), Number::Finite(y)) => match sum(x, y) {
            Some(exact) => round::<F>(exact, env),
            None => zero::<F>(env.rounding == Rounding::Down),
        },
    };
    note_subnormal::<F>(&[a, b], env);
    Some(result)
}

/// x + y with a sticky last bit; `None` if they cancel.
const fn sum(x: Finite, y: Finite) -> Option<Finite> {
    let (x, y) = if x.exponent >= y.exponent {
        (x, y)
    } else {
        (y, x)
    };
    // One bit is left free above for the carry, 63 below for what alignment shifts out.
    let large = (x.significand as u128) << 63;
    let small = shift_jam(
        (y.significand as u128) << 63,
        (x.exponent - y.exponent) as u32,
    );
    let exponent = x.exponent + 1;
    if x.negative == y.negative {
        Some(normalize(x.negative, exponent, large + small))
    } else if large > small {
        Some(normalize(x.negative, exponent, large - small))
    } else if small > large {
        Some(normalize(y.negative, exponent, small - large))
    } else {
        None
    }
}

/// a * b
pub fn mul<F: Format>(a: u64, b: u64, env: &mut Env) -> Option<u64> {
    let negative = (a ^ b) & F::SIGN != 0;
    let result = match (unpack::<F>(a), unpack::<F>(b)) {
        (Number::Infinite(_), Number::Zero(_)) | (Number::Zero(_), Number::Infinite(_)) => {
            return invalid(env);
        }
        (Number::Infinite(_), _) | (_, Number::Infinite(_)) => infinity::<F>(negative),
        (Number::Zero(_), _) | (_, Number::Zero(_)) => zero::<F>(negative),
        (Number::Finite(x), Number::Finite(y)) => {
            let product = x.significand as u128 * y.significand as u128;
            round::<F>(
                normalize(negative, x.exponent + y.exponent + 1, product),
                env,
            )
        }
    };
    note_subnormal::<F>(&[a, b], env);
    Some(result)
}

/// a * b + c, rounded once
pub fn fma<F: Format>(a: u64, b: u64, c: u64, env: &mut Env) -> Option<u64> {
    let negative = (a ^ b) & F::SIGN != 0;
    let product = match (unpack::<F>(a), unpack::<F>(b)) {
        (Number::Infinite(_), Number::Zero(_)) | (Number::Zero(_), Number::Infinite(_)) => {
            return invalid(env);
        }
        (Number::Infinite(_), _) | (_, Number::Infinite(_)) => {
            return match unpack::<F>(c) {
                Number::Infinite(other) if other != negative => invalid(env),
                _ => Some(infinity::<F>(negative)),
            };
        }
        (Number::Zero(_), _) | (_, Number::Zero(_)) => {
            return match unpack::<F>(c) {
                Number::Zero(other) if other == negative => Some(zero::<F>(negative)),
                Number::Zero(_) => Some(zero::<F>(env.rounding == Rounding::Down)),
                _ => Some(c),
            };
        }
        (Number::Finite(x), Number::Finite(y)) => {
            let bits = x.significand as u128 * y.significand as u128;
            let lead = bits.leading_zeros();
            (bits << lead, x.exponent + y.exponent + 1 - lead as i32)
        }
    };
    let addend = match unpack::<F>(c) {
        Number::Infinite(_) => return Some(c),
        Number::Zero(other) => (0, i32::MIN / 2, other),
        Number::Finite(y) => ((y.significand as u128) << 64, y.exponent, y.negative),
    };
    let product = (product.0, product.1, negative);
    let (large, small) = if product.1 >= addend.1 {
        (product, addend)
    } else {
        (addend, product)
    };
    // The low bits of both are zeros: what a short shift drops is nothing, and what a longer one drops is too far below
    // to be more than sticky. One bit is left free above for the carry.
    let distance = (large.1 - small.1) as u32;
    let (upper, lower) = (large.0 >> 1, shift_jam(shift_jam(small.0, distance), 1));
    let (negative, sum) = match (large.2 == small.2, upper.cmp(&lower)) {
        (true, _) => (large.2, upper + lower),
        (false, Ordering::Greater) => (large.2, upper - lower),
        (false, Ordering::Less) => (small.2, lower - upper),
        (false, Ordering::Equal) => return Some(zero::<F>(env.rounding == Rounding::Down)),
    };
    Some(round::<F>(normalize(negative, large.1 + 1, sum), env))
}

/// a / b
pub fn div<F: Format>(a: u64, b: u64, env: &mut Env) -> Option<u64> {
    let negative = (a ^ b) & F::SIGN != 0;
    let result = match (unpack::<F>(a), unpack::<F>(b)) {
        (Number::Infinite(_), Number::Infinite(_)) | (Number::Zero(_), Number::Zero(_)) => {
            return invalid(env);
        }
        (Number::Infinite(_), _) => infinity::<F>(negative),
        (Number::Zero(_), _) | (_, Number::Infinite(_)) => zero::<F>(negative),
        (Number::Finite(_), Number::Zero(_)) => {
            env.raise(flag::DIVIDE_BY_ZERO);
            return Some(infinity::<F>(negative));
        }
        (Number::Finite(x), Number::Finite(y)) => {
            // The quotient of the significands lies between 1/2 and 2; this shift gives it 64 or 65 bits.
            let dividend = (x.significand as u128) << 64;
            let divisor = y.significand as u128;
            let sticky = !dividend.is_multiple_of(divisor) as u128;
            let quotient = (dividend / divisor) << 1 | sticky;
            round::<F>(
                normalize(negative, x.exponent - y.exponent + 62, quotient),
                env,
            )
        }
    };
    note_subnormal::<F>(&[a, b], env);
    Some(result)
}

/// The square root of a
pub fn sqrt<F: Format>(a: u64, env: &mut Env) -> Option<u64> {
    let result = match unpack::<F>(a) {
        Number::Zero(_) | Number::Infinite(false) => a,
        Number::Infinite(true) | Number::Finite(Finite { negative: true, .. }) => {
            return invalid(env);
        }
        Number::Finite(x) => {
            // An even exponent halves; the radicand then has 127 or 128 bits and its root 64.
            let radicand = (x.significand as u128) << (63 + (x.exponent & 1));
            let root = radicand.isqrt();
            let sticky = (root * root != radicand) as u64;
            let exponent = x.exponent >> 1;
            round::<F>(
                Finite {
                    negative: false,
                    exponent,
                    significand: root as u64 | sticky,
                },
                env,
            )
        }
    };
    note_subnormal::<F>(&[a], env);
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::super::format::Double;
    use super::*;
    use base::Rng;

    /// Bits with every exponent and many short fractions, no NaN.
    fn operand(rng: &mut Rng) -> u64 {
        let bits = rng.next();
        let bits = if bits & 7 == 0 {
            bits & 0xfff8_0000_0000_0000
        } else {
            bits
        };
        if super::super::format::is_nan::<Double>(bits) {
            bits & Double::SIGN
        } else {
            bits
        }
    }

    /// In round-to-nearest the host's arithmetic is IEEE 754's, so it is an oracle for results other than NaN.
    fn check(ours: impl Fn(u64, u64, &mut Env) -> Option<u64>, host: impl Fn(f64, f64) -> f64) {
        let mut rng = Rng::new(11);
        for _ in 0..20_000 {
            let a = operand(&mut rng);
            // Half of the operands are close to each other, where sums cancel.
            let b = if rng.next() & 1 == 0 {
                operand(&mut rng)
            } else {
                a ^ rng.next() >> 9
            };
            let b = if f64::from_bits(b).is_nan() { 0 } else { b };
            let theirs = host(f64::from_bits(a), f64::from_bits(b));
            let expected = if theirs.is_nan() {
                None
            } else {
                Some(theirs.to_bits())
            };
            assert_eq!(ours(a, b, &mut Env::default()), expected, "{a:#x} {b:#x}");
        }
    }

    #[test]
    fn results_are_the_hosts() {
        check(add::<Double>, |a, b| a + b);
        check(mul::<Double>, |a, b| a * b);
        check(div::<Double>, |a, b| a / b);
        check(|a, _, env| sqrt::<Double>(a, env), |a, _| a.sqrt());
    }

    #[test]
    fn directed_rounding_brackets_the_exact_result() {
        let third = |rounding| {
            let mut env = Env {
                rounding,
                ..Env::default()
            };
            div::<Double>(1f64.to_bits(), 3f64.to_bits(), &mut env)
        };
        let (Some(down), Some(up)) = (third(Rounding::Down), third(Rounding::Up)) else {
            panic!("1/3 is a number");
        };
        assert_eq!(up - down, 1);
        assert_eq!(third(Rounding::Zero), Some(down));
    }

    #[test]
    fn a_sum_that_cancels_has_the_sign_of_the_direction() {
        let (one, minus) = (1f64.to_bits(), (-1f64).to_bits());
        assert_eq!(add::<Double>(one, minus, &mut Env::default()), Some(0));
        let mut down = Env {
            rounding: Rounding::Down,
            ..Env::default()
        };
        assert_eq!(add::<Double>(one, minus, &mut down), Some(Double::SIGN));
    }

    #[test]
    fn fused_multiply_add_rounds_once() {
        let mut state = 1u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // Exponents near one another, so that cancellations happen.
            state >> 12 | (1020 + (state >> 60)) << 52
        };
        for _ in 0..20_000 {
            let (a, b, c) = (random(), random(), random() | random() << 63);
            let [x, y, z] = [a, b, c].map(f64::from_bits);
            let got = fma::<Double>(a, b, c, &mut Env::default());
            assert_eq!(got, Some(x.mul_add(y, z).to_bits()), "{x} {y} {z}");
            let exact = (-(x * y)).to_bits();
            let rest = fma::<Double>(a, b, exact, &mut Env::default());
            assert_eq!(rest, Some(x.mul_add(y, -(x * y)).to_bits()), "{x} {y}");
        }
    }
}
