//! 128-bit values cut into equal lanes, the lowest first.

/// A lane's type.
pub trait Lane: Copy {
    /// Its bits.
    const BITS: u32;
    /// The lane in the low bits of `value`.
    fn cut(value: u128) -> Self;
    /// The lane's bits, zero-extended.
    fn bits(self) -> u128;
}

macro_rules! lane {
    ($($signed:ty, $unsigned:ty;)*) => {$(
        impl Lane for $unsigned {
            const BITS: u32 = <$unsigned>::BITS;
            fn cut(value: u128) -> Self {
                value as Self
            }
            fn bits(self) -> u128 {
                u128::from(self)
            }
        }
        impl Lane for $signed {
            const BITS: u32 = <$signed>::BITS;
            fn cut(value: u128) -> Self {
                value as Self
            }
            fn bits(self) -> u128 {
                u128::from(self as $unsigned)
            }
        }
    )*};
}

lane! { i8, u8; i16, u16; i32, u32; i64, u64; }

/// Lane number `index`.
#[inline(always)]
pub fn lane<T: Lane>(value: u128, index: u32) -> T {
    T::cut(value >> (index * T::BITS))
}

/// The value whose lane number i is f(i).
#[inline(always)]
pub fn build<T: Lane>(mut f: impl FnMut(u32) -> T) -> u128 {
    (0..128 / T::BITS).fold(0, |value, i| value | f(i).bits() << (i * T::BITS))
}

/// f on each lane.
#[inline(always)]
pub fn map<T: Lane>(a: u128, mut f: impl FnMut(T) -> T) -> u128 {
    build(|i| f(lane(a, i)))
}

/// f on each pair of lanes.
#[inline(always)]
pub fn zip<T: Lane>(a: u128, b: u128, mut f: impl FnMut(T, T) -> T) -> u128 {
    build(|i| f(lane(a, i), lane(b, i)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_counted_from_the_low_end() {
        assert_eq!(lane::<i16>(0xffff_0003_0002_0001, 3), -1);
        assert_eq!(build(|i| i as u8) >> 120, 15);
        assert_eq!(
            zip::<u32>(7 << 96, 5 << 96, |a, b| a.wrapping_sub(b)),
            2 << 96
        );
    }
}
