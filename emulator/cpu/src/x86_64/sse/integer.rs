//! Packed integer operations that are not micro-ops of their own, in the manual's alphabetical order.
//!
//! Each takes both operands whole; those with an immediate take its eight bits too.

use super::lanes::{Lane, build, lane, map, zip};

/// PACKSSDW
pub fn packssdw(a: u128, b: u128) -> u128 {
    build(|i| lane::<i32>(if i < 4 { a } else { b }, i & 3).clamp(-0x8000, 0x7fff) as i16)
}

/// PACKSSWB
pub fn packsswb(a: u128, b: u128) -> u128 {
    build(|i| lane::<i16>(if i < 8 { a } else { b }, i & 7).clamp(-0x80, 0x7f) as i8)
}

/// PACKUSWB
pub fn packuswb(a: u128, b: u128) -> u128 {
    build(|i| lane::<i16>(if i < 8 { a } else { b }, i & 7).clamp(0, 0xff) as u8)
}

/// PADDSB
pub fn paddsb(a: u128, b: u128) -> u128 {
    zip(a, b, i8::saturating_add)
}

/// PADDSW
pub fn paddsw(a: u128, b: u128) -> u128 {
    zip(a, b, i16::saturating_add)
}

/// PADDUSB
pub fn paddusb(a: u128, b: u128) -> u128 {
    zip(a, b, u8::saturating_add)
}

/// PADDUSW
pub fn paddusw(a: u128, b: u128) -> u128 {
    zip(a, b, u16::saturating_add)
}

/// PAVGB: the mean, rounded up.
pub fn pavgb(a: u128, b: u128) -> u128 {
    zip(a, b, |x: u8, y: u8| {
        ((u16::from(x) + u16::from(y) + 1) >> 1) as u8
    })
}

/// PAVGW
pub fn pavgw(a: u128, b: u128) -> u128 {
    zip(a, b, |x: u16, y: u16| {
        ((u32::from(x) + u32::from(y) + 1) >> 1) as u16
    })
}

/// PCMPGTB
pub fn pcmpgtb(a: u128, b: u128) -> u128 {
    zip(a, b, |x: i8, y| -i8::from(x > y))
}

/// PCMPGTW
pub fn pcmpgtw(a: u128, b: u128) -> u128 {
    zip(a, b, |x: i16, y| -i16::from(x > y))
}

/// PCMPGTD
pub fn pcmpgtd(a: u128, b: u128) -> u128 {
    zip(a, b, |x: i32, y| -i32::from(x > y))
}

/// PMADDWD: products of 16-bit lanes, neighbours added.
pub fn pmaddwd(a: u128, b: u128) -> u128 {
    let product = |i| i32::from(lane::<i16>(a, i)) * i32::from(lane::<i16>(b, i));
    build(|i| product(2 * i).wrapping_add(product(2 * i + 1)))
}

/// PMAXSW
pub fn pmaxsw(a: u128, b: u128) -> u128 {
    zip::<i16>(a, b, Ord::max)
}

/// PMINSW
pub fn pminsw(a: u128, b: u128) -> u128 {
    zip::<i16>(a, b, Ord::min)
}

/// PMULHUW
pub fn pmulhuw(a: u128, b: u128) -> u128 {
    zip(a, b, |x: u16, y: u16| {
        ((u32::from(x) * u32::from(y)) >> 16) as u16
    })
}

/// PMULHW
pub fn pmulhw(a: u128, b: u128) -> u128 {
    zip(a, b, |x: i16, y: i16| {
        ((i32::from(x) * i32::from(y)) >> 16) as i16
    })
}

/// PMULLW
pub fn pmullw(a: u128, b: u128) -> u128 {
    zip(a, b, u16::wrapping_mul)
}

/// PMULUDQ: products of the even 32-bit lanes.
pub fn pmuludq(a: u128, b: u128) -> u128 {
    zip(a, b, |x: u64, y: u64| (x & 0xffff_ffff) * (y & 0xffff_ffff))
}

/// PSADBW: sums of absolute differences of the bytes of each half.
pub fn psadbw(a: u128, b: u128) -> u128 {
    let difference = |i| u64::from(lane::<u8>(a, i).abs_diff(lane::<u8>(b, i)));
    build(|half| (8 * half..8 * half + 8).map(difference).sum::<u64>())
}

/// PSHUFHW: the high four 16-bit lanes picked by `imm`.
pub fn pshufhw(b: u128, imm: u8) -> u128 {
    build(|i| lane::<u16>(b, if i < 4 { i } else { 4 + pick(imm, i - 4) }))
}

/// PSHUFLW: the low four 16-bit lanes picked by `imm`.
pub fn pshuflw(b: u128, imm: u8) -> u128 {
    build(|i| lane::<u16>(b, if i < 4 { pick(imm, i) } else { i }))
}

/// Two-bit field number `index` of a shuffle's immediate.
fn pick(imm: u8, index: u32) -> u32 {
    u32::from(imm) >> (2 * index) & 3
}

/// The count of PSLL, PSRL and PSRA: all low 64 bits of the operand count.
fn count(b: u128) -> u32 {
    (b as u64).min(128) as u32
}

/// PSLLW, PSLLD, PSLLQ by the low word of b.
pub fn psll<T: Lane>(a: u128, b: u128) -> u128 {
    map(a, |x: T| {
        T::cut(if count(b) < T::BITS {
            x.bits() << count(b)
        } else {
            0
        })
    })
}

/// PSRLW, PSRLD, PSRLQ.
pub fn psrl<T: Lane>(a: u128, b: u128) -> u128 {
    map(a, |x: T| {
        T::cut(if count(b) < T::BITS {
            x.bits() >> count(b)
        } else {
            0
        })
    })
}

/// PSRAW and PSRAD: a count beyond the lane fills it with the sign.
pub fn psra<T: Lane>(a: u128, b: u128) -> u128 {
    let up = 128 - T::BITS;
    map(a, |x: T| {
        T::cut(((x.bits() << up) as i128 >> up >> count(b).min(T::BITS - 1)) as u128)
    })
}

/// PSUBSB
pub fn psubsb(a: u128, b: u128) -> u128 {
    zip(a, b, i8::saturating_sub)
}

/// PSUBSW
pub fn psubsw(a: u128, b: u128) -> u128 {
    zip(a, b, i16::saturating_sub)
}

/// PSUBUSB
pub fn psubusb(a: u128, b: u128) -> u128 {
    zip(a, b, u8::saturating_sub)
}

/// PSUBUSW
pub fn psubusw(a: u128, b: u128) -> u128 {
    zip(a, b, u16::saturating_sub)
}

/// PUNPCKHBW, PUNPCKHWD, PUNPCKHDQ: the high lanes of a and b interleaved.
pub fn unpack_high<T: Lane>(a: u128, b: u128) -> u128 {
    let half = 64 / T::BITS;
    build(|i| lane::<T>(if i & 1 == 0 { a } else { b }, half + i / 2))
}

/// SHUFPS: two lanes of a, then two of b, picked by `imm`.
pub fn shufps(a: u128, b: u128, imm: u8) -> u128 {
    build(|i| lane::<u32>(if i < 2 { a } else { b }, pick(imm, i)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_counts_beyond_the_lane_empty_it_or_fill_it_with_the_sign() {
        let a = build(|_| 0x8001u16);
        assert_eq!(psll::<u16>(a, 16), 0);
        assert_eq!(psrl::<u16>(a, 1 << 63), 0);
        assert_eq!(psra::<u16>(a, u128::from(u64::MAX)), u128::MAX);
        assert_eq!(psra::<u16>(a, 1), build(|_| 0xc000u16));
        // Only the low word of the count counts.
        assert_eq!(psll::<u16>(a, 1 << 64 | 4), build(|_| 0x10u16));
    }

    #[test]
    fn packing_clamps_to_the_narrow_type() {
        let a = build(|i| [300i16, -300, 5, -1][i as usize & 3]);
        assert_eq!(packuswb(a, 0) as u32, 0x0005_00ff);
        assert_eq!(packsswb(a, 0) as u32, 0xff05_807f);
    }

    #[test]
    fn the_sum_of_two_most_negative_products_wraps() {
        let a = build(|_| i16::MIN);
        assert_eq!(pmaddwd(a, a), build(|_| i32::MIN));
    }
}
