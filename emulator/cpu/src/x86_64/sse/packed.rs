//! Packed floating point: the scalar rules on every lane, and the packed conversions.
//!
//! The flags of all lanes accumulate in the unit; the caller decides once, after the last lane, whether one traps.

use super::lanes::{build, lane, map, zip};
use super::mxcsr::Unit;
use super::scalar;
use crate::float::{Double, Rounding, Single};

/// f on two double lanes.
#[inline(always)]
pub fn doubles(a: u128, b: u128, unit: &mut Unit, f: impl Fn(u64, u64, &mut Unit) -> u64) -> u128 {
    zip(a, b, |x: u64, y: u64| f(x, y, unit))
}

/// f on four single lanes.
#[inline(always)]
pub fn singles(a: u128, b: u128, unit: &mut Unit, f: impl Fn(u64, u64, &mut Unit) -> u64) -> u128 {
    zip(a, b, |x: u32, y: u32| {
        f(u64::from(x), u64::from(y), unit) as u32
    })
}

/// CVTDQ2PD: the low two integers.
pub fn dq_to_pd(b: u128, unit: &mut Unit) -> u128 {
    build(|i| scalar::from_int::<Double>(i64::from(lane::<i32>(b, i)), unit))
}

/// CVTDQ2PS
pub fn dq_to_ps(b: u128, unit: &mut Unit) -> u128 {
    map(b, |x: u32| {
        scalar::from_int::<Single>(i64::from(x as i32), unit) as u32
    })
}

/// CVTPS2PD: the low two singles.
pub fn ps_to_pd(b: u128, unit: &mut Unit) -> u128 {
    build(|i| scalar::convert::<Single, Double>(u64::from(lane::<u32>(b, i)), unit))
}

/// CVTPD2PS: the high half is cleared.
pub fn pd_to_ps(b: u128, unit: &mut Unit) -> u128 {
    let low = scalar::convert::<Double, Single>(lane(b, 0), unit);
    let high = scalar::convert::<Double, Single>(lane(b, 1), unit);
    u128::from(low | high << 32)
}

/// CVTPS2DQ and CVTTPS2DQ.
pub fn ps_to_dq(b: u128, rounding: Rounding, unit: &mut Unit) -> u128 {
    map(b, |x: u32| {
        scalar::to_int::<Single>(u64::from(x), 32, rounding, unit) as u32
    })
}

/// CVTPD2DQ and CVTTPD2DQ: the high half is cleared.
pub fn pd_to_dq(b: u128, rounding: Rounding, unit: &mut Unit) -> u128 {
    let low = scalar::to_int::<Double>(lane(b, 0), 32, rounding, unit);
    let high = scalar::to_int::<Double>(lane(b, 1), 32, rounding, unit);
    u128::from(low | high << 32)
}

#[cfg(test)]
mod tests {
    use super::super::mxcsr::RESET;
    use super::*;

    #[test]
    fn narrowing_conversions_clear_the_high_half() {
        let b = u128::from(2f64.to_bits()) << 64 | u128::from((-3f64).to_bits());
        let mut unit = Unit::new(RESET);
        assert_eq!(
            pd_to_dq(b, Rounding::Zero, &mut unit),
            0x0000_0002_ffff_fffd
        );
        let singles = u128::from(2f32.to_bits()) << 32 | u128::from((-3f32).to_bits());
        assert_eq!(pd_to_ps(b, &mut unit), singles);
        assert_eq!(ps_to_pd(singles, &mut unit), b);
    }
}
