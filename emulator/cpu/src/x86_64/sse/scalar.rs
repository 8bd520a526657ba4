//! Floating-point operations on one lane: the NaN and comparison rules of x86 around [`crate::float`].
//!
//! A NaN result is the first operand if that is a NaN, else the second, made quiet (SDM vol. 1, table 4-7); an
//! invalid operation gives the default NaN, whose sign is set.

use super::mxcsr::Unit;
use crate::float::format::{
    compare, is_nan, is_normal, is_signaling, is_subnormal, magnitude, negative,
};
use crate::float::{Double, Env, Format, Rounding, Single, arith, convert, flag};
use ir::flags::{CF, PF, ZF};
use std::cmp::Ordering;

/// What an invalid operation results in.
const fn default_nan<F: Format>() -> u64 {
    F::SIGN | F::INFINITY | F::QUIET
}

/// The NaN that comes of NaN operands, if there is one.
const fn propagate<F: Format>(a: u64, b: u64, unit: &mut Unit) -> Option<u64> {
    if is_signaling::<F>(a) || is_signaling::<F>(b) {
        unit.env.raise(flag::INVALID);
    }
    if is_nan::<F>(a) {
        Some(a | F::QUIET)
    } else if is_nan::<F>(b) {
        Some(b | F::QUIET)
    } else {
        None
    }
}

/// The four operations the host can do too.
#[derive(Clone, Copy, Debug)]
pub enum Arithmetic {
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a * b
    Mul,
    /// a / b
    Div,
}

/// A format that the host's own arithmetic knows.
pub trait Host: Format {
    /// a op b, rounded to nearest.
    fn host(op: Arithmetic, a: u64, b: u64) -> u64;
}

macro_rules! host {
    ($format:ty, $float:ty, $bits:ty) => {
        impl Host for $format {
            #[inline]
            fn host(op: Arithmetic, a: u64, b: u64) -> u64 {
                let (a, b) = (
                    <$float>::from_bits(a as $bits),
                    <$float>::from_bits(b as $bits),
                );
                let result = match op {
                    Arithmetic::Add => a + b,
                    Arithmetic::Sub => a - b,
                    Arithmetic::Mul => a * b,
                    Arithmetic::Div => a / b,
                };
                u64::from(result.to_bits())
            }
        }
    };
}

host!(Single, f32, u32);
host!(Double, f64, u64);

/// a op b by the host, if nothing but a rounding can have happened: operands that are normal or zero, and a result that
/// is exactly zero or above the smallest normal number (which itself can be the rounding of something tiny).
#[inline]
fn by_host<F: Host>(op: Arithmetic, a: u64, b: u64) -> Option<u64> {
    let is_zero = |bits| magnitude::<F>(bits) == 0;
    let plain = |bits| is_normal::<F>(bits) || is_zero(bits);
    if !(plain(a) && plain(b)) {
        return None;
    }
    let result = F::host(op, a, b);
    let exact_zero = || match op {
        Arithmetic::Add | Arithmetic::Sub => true,
        Arithmetic::Mul | Arithmetic::Div => is_zero(a) || is_zero(b),
    };
    let only_rounded = is_normal::<F>(result) && magnitude::<F>(result) > 1 << F::FRACTION;
    (only_rounded || (is_zero(result) && exact_zero())).then_some(result)
}

#[inline]
fn arithmetic<F: Host>(op: Arithmetic, a: u64, b: u64, unit: &mut Unit) -> u64 {
    if unit.host
        && let Some(result) = by_host::<F>(op, a, b)
    {
        return result;
    }
    let (a, b) = (unit.operand::<F>(a), unit.operand::<F>(b));
    if let Some(nan) = propagate::<F>(a, b, unit) {
        return nan;
    }
    let result = match op {
        Arithmetic::Add => arith::add::<F>(a, b, &mut unit.env),
        Arithmetic::Sub => arith::add::<F>(a, b ^ F::SIGN, &mut unit.env),
        Arithmetic::Mul => arith::mul::<F>(a, b, &mut unit.env),
        Arithmetic::Div => arith::div::<F>(a, b, &mut unit.env),
    };
    result.unwrap_or(default_nan::<F>())
}

/// ADD: a + b
pub fn add<F: Host>(a: u64, b: u64, unit: &mut Unit) -> u64 {
    arithmetic::<F>(Arithmetic::Add, a, b, unit)
}

/// SUB: a - b
pub fn sub<F: Host>(a: u64, b: u64, unit: &mut Unit) -> u64 {
    arithmetic::<F>(Arithmetic::Sub, a, b, unit)
}

/// MUL: a * b
pub fn mul<F: Host>(a: u64, b: u64, unit: &mut Unit) -> u64 {
    arithmetic::<F>(Arithmetic::Mul, a, b, unit)
}

/// DIV: a / b
pub fn div<F: Host>(a: u64, b: u64, unit: &mut Unit) -> u64 {
    arithmetic::<F>(Arithmetic::Div, a, b, unit)
}

/// SQRT of b.
pub fn sqrt<F: Format>(_: u64, b: u64, unit: &mut Unit) -> u64 {
    let b = unit.operand::<F>(b);
    match propagate::<F>(b, b, unit) {
        Some(nan) => nan,
        None => arith::sqrt::<F>(b, &mut unit.env).unwrap_or(default_nan::<F>()),
    }
}

/// The order of two operands, `None` if one is a NaN; subnormals are reported.
fn order<F: Format>(a: u64, b: u64, unit: &mut Unit) -> Option<Ordering> {
    if is_nan::<F>(a) || is_nan::<F>(b) {
        return None;
    }
    if is_subnormal::<F>(a) || is_subnormal::<F>(b) {
        unit.env.raise(flag::DENORMAL);
    }
    Some(compare::<F>(a, b))
}

/// MIN and MAX: the first operand if it is the wanted one, else (equal zeros and NaNs included) the second unchanged.
fn select<F: Format>(a: u64, b: u64, wanted: Ordering, unit: &mut Unit) -> u64 {
    let (a, b) = (unit.operand::<F>(a), unit.operand::<F>(b));
    match order::<F>(a, b, unit) {
        Some(found) if found == wanted => a,
        Some(_) => b,
        None => {
            unit.env.raise(flag::INVALID);
            b
        }
    }
}

/// MIN
pub fn min<F: Format>(a: u64, b: u64, unit: &mut Unit) -> u64 {
    select::<F>(a, b, Ordering::Less, unit)
}

/// MAX
pub fn max<F: Format>(a: u64, b: u64, unit: &mut Unit) -> u64 {
    select::<F>(a, b, Ordering::Greater, unit)
}

/// CMPxx with the predicate in the low three bits of `imm` (SDM vol. 2, CMPPD, table 3-1): all ones if it holds.
///
/// ```text
/// 0 EQ   1 LT   2 LE   3 UNORD   4 NEQ   5 NLT   6 NLE   7 ORD       1, 2, 5 and 6 signal for a quiet NaN too
/// ```
pub fn cmp<F: Format>(a: u64, b: u64, imm: u8, unit: &mut Unit) -> u64 {
    let (a, b) = (unit.operand::<F>(a), unit.operand::<F>(b));
    let order = order::<F>(a, b, unit);
    let signals = matches!(imm & 3, 1 | 2);
    if is_signaling::<F>(a) || is_signaling::<F>(b) || (signals && order.is_none()) {
        unit.env.raise(flag::INVALID);
    }
    let holds = match imm & 3 {
        0 => order == Some(Ordering::Equal),
        1 => order == Some(Ordering::Less),
        2 => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        _ => order.is_none(),
    };
    if holds != (imm & 4 != 0) {
        u64::MAX >> (64 - F::BITS)
    } else {
        0
    }
}

/// COMIS (`signals` for every NaN) and UCOMIS: the flag word.
pub fn comis<F: Format>(a: u64, b: u64, signals: bool, unit: &mut Unit) -> u64 {
    let (a, b) = (unit.operand::<F>(a), unit.operand::<F>(b));
    match order::<F>(a, b, unit) {
        Some(Ordering::Less) => CF,
        Some(Ordering::Equal) => ZF,
        Some(Ordering::Greater) => 0,
        None => {
            if signals || is_signaling::<F>(a) || is_signaling::<F>(b) {
                unit.env.raise(flag::INVALID);
            }
            ZF | PF | CF
        }
    }
}

/// Conversion to the other format.
pub fn convert<From: Format, To: Format>(b: u64, unit: &mut Unit) -> u64 {
    let b = unit.operand::<From>(b);
    if !is_nan::<From>(b) {
        return convert::format::<From, To>(b, &mut unit.env);
    }
    if is_signaling::<From>(b) {
        unit.env.raise(flag::INVALID);
    }
    // The payload keeps its place below the quiet bit.
    let payload = b << (64 - From::FRACTION) >> (64 - To::FRACTION);
    let sign = if negative::<From>(b) { To::SIGN } else { 0 };
    sign | To::INFINITY | To::QUIET | payload
}

/// Conversion to a signed integer of `bits` bits, zero-extended; what does not fit gives the integer indefinite.
pub fn to_int<F: Format>(b: u64, bits: u32, rounding: Rounding, unit: &mut Unit) -> u64 {
    let b = unit.operand::<F>(b);
    match convert::to_int::<F>(b, bits, rounding, &mut unit.env) {
        Some(value) => value as u64 & (u64::MAX >> (64 - bits)),
        None => 1 << (bits - 1),
    }
}

/// Conversion of a signed integer.
pub const fn from_int<F: Format>(value: i64, unit: &mut Unit) -> u64 {
    convert::from_int::<F>(value, &mut unit.env)
}

/// RCP: 1 / b to twelve bits. No flags; subnormals count as zeros on both sides.
///
/// No two vendors' tables agree, so this is a definition of ours: the quotient rounded to twelve bits, which is well
/// within the relative error of 1.5 * 2^-12 that SDM vol. 2, RCPPS allows.
pub fn rcp(b: u64) -> u64 {
    approximate(b, |b, env| {
        arith::div::<Single>(u64::from(1f32.to_bits()), b, env)
    })
}

/// RSQRT: the reciprocal square root to twelve bits, as [`rcp`].
pub fn rsqrt(b: u64) -> u64 {
    approximate(b, |b, env| {
        let root = arith::sqrt::<Single>(b, env)?;
        arith::div::<Single>(u64::from(1f32.to_bits()), root, env)
    })
}

fn approximate(b: u64, exact: impl Fn(u64, &mut Env) -> Option<u64>) -> u64 {
    if is_nan::<Single>(b) {
        return b | Single::QUIET;
    }
    let b = if is_subnormal::<Single>(b) {
        b & Single::SIGN
    } else {
        b
    };
    let mut env = Env {
        flush: true,
        ..Env::default()
    };
    let Some(result) = exact(b, &mut env) else {
        return default_nan::<Single>();
    };
    // Twelve bits of precision: eleven stored ones; a carry runs into the exponent as it should.
    const DROP: u32 = 23 - 11;
    (result + (1 << (DROP - 1))) >> DROP << DROP
}

#[cfg(test)]
mod tests {
    use super::super::mxcsr::RESET;
    use super::*;

    const SNAN: u64 = Double::INFINITY | 5;
    const QNAN: u64 = Double::SIGN | Double::INFINITY | Double::QUIET | 9;
    const ONE: u64 = 0x3ff0_0000_0000_0000;

    fn check(f: impl Fn(&mut Unit) -> u64, result: u64, flags: u8) {
        let mut unit = Unit::new(RESET);
        assert_eq!(f(&mut unit), result);
        assert_eq!(unit.env.flags, flags);
    }

    #[test]
    fn the_first_nan_wins_and_becomes_quiet() {
        check(
            |u| add::<Double>(SNAN, QNAN, u),
            SNAN | Double::QUIET,
            flag::INVALID,
        );
        check(|u| add::<Double>(QNAN, SNAN, u), QNAN, flag::INVALID);
        check(|u| add::<Double>(ONE, QNAN, u), QNAN, 0);
        check(|u| sub::<Double>(ONE, QNAN, u), QNAN, 0);
        let infinity = Double::INFINITY;
        check(
            |u| sub::<Double>(infinity, infinity, u),
            default_nan::<Double>(),
            flag::INVALID,
        );
    }

    #[test]
    fn minimum_gives_the_second_operand_when_in_doubt() {
        check(|u| min::<Double>(SNAN, ONE, u), ONE, flag::INVALID);
        check(|u| min::<Double>(ONE, SNAN, u), SNAN, flag::INVALID);
        check(|u| max::<Double>(0, Double::SIGN, u), Double::SIGN, 0);
    }

    #[test]
    fn only_half_of_the_predicates_signal_for_a_quiet_nan() {
        for (imm, flags) in (0..8).zip([0, 1, 1, 0, 0, 1, 1, 0]) {
            let holds = [false, false, false, true, true, true, true, false][usize::from(imm)];
            let ones = if holds { u64::MAX } else { 0 };
            check(|u| cmp::<Double>(QNAN, ONE, imm, u), ones, flags);
        }
    }

    #[test]
    fn a_nan_keeps_its_payload_at_the_top_when_it_is_narrowed() {
        let nan = Double::SIGN | Double::INFINITY | 3 << 29;
        let quiet = Single::SIGN | Single::INFINITY | Single::QUIET | 3;
        check(|u| convert::<Double, Single>(nan, u), quiet, flag::INVALID);
    }

    #[test]
    fn approximations_are_within_the_error_the_manual_allows() {
        for bits in (0x0080_0000u32..0x7f00_0000).step_by(99_991) {
            let x = f64::from(f32::from_bits(bits));
            let close = |got: u64, exact: f64| {
                let got = f64::from(f32::from_bits(got as u32));
                let tiny = exact < f64::from(f32::MIN_POSITIVE);
                assert!(
                    tiny || (got / exact - 1.0).abs() < 1.5 / 4096.0,
                    "{x}: {got} for {exact}"
                );
            };
            close(rcp(u64::from(bits)), 1.0 / x);
            close(rsqrt(u64::from(bits)), 1.0 / x.sqrt());
        }
    }
}
