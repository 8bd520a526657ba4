//! The host's floating point, where its result is certainly the guest's and no flag can rise.
//!
//! Round to nearest is given ([`ir::reg::fp_fast`]). Operands and result must be zero or normal (subnormal ones raise flags, and
//! tininess is judged before or after rounding as the ISA says), and while the inexact flag is clear the result must be
//! exact, which is proved here, not guessed. Everything else is `None`: the ISA's exact form decides.
//!
//! Proofs of exactness: a sum by the rounding error of Knuth's TwoSum; a product by the lengths of its factors'
//! significands; a quotient and a root by multiplying back.

use ir::reg::fp_fast::{NEVER, ROUNDED};

macro_rules! arithmetic {
    ($name:ident, $float:ident, $bits:ident, $doc:literal) => {
        #[doc = $doc]
        pub mod $name {
            use super::{NEVER, ROUNDED};

            /// Bits of a significand, the leading one included.
            const DIGITS: u32 = $float::MANTISSA_DIGITS;

            /// Neither subnormal nor special.
            #[inline(always)]
            fn plain(x: $float) -> bool {
                x.is_normal() || x == 0.0
            }

            /// Normal, and not so small that rounding may have made it so.
            #[inline(always)]
            fn large(x: $float) -> bool {
                x.is_normal() && x.abs() > $float::MIN_POSITIVE
            }

            /// The bits of a normal number's significand from its first one to its last.
            #[inline(always)]
            fn length(x: $float) -> u32 {
                let fraction = x.to_bits() & ((1 << (DIGITS - 1)) - 1);
                DIGITS - (fraction | 1 << (DIGITS - 1)).trailing_zeros()
            }

            /// x + y
            #[inline(always)]
            pub fn add(x: $float, y: $float, fast: u64) -> Option<$float> {
                let sum = x + y;
                if fast == NEVER || !plain(x) || !plain(y) || !(sum == 0.0 || large(sum)) {
                    return None;
                }
                let of_y = sum - x;
                let error = (x - (sum - of_y)) + (y - of_y);
                (fast == ROUNDED || error == 0.0).then_some(sum)
            }

            /// x - y
            #[inline(always)]
            pub fn sub(x: $float, y: $float, fast: u64) -> Option<$float> {
                add(x, -y, fast)
            }

            /// x * y
            #[inline(always)]
            pub fn mul(x: $float, y: $float, fast: u64) -> Option<$float> {
                let product = x * y;
                if fast == NEVER || !plain(x) || !plain(y) {
                    return None;
                }
                if x == 0.0 || y == 0.0 {
                    return Some(product);
                }
                let exact = || length(x) + length(y) <= DIGITS;
                (large(product) && (fast == ROUNDED || exact())).then_some(product)
            }

            /// x / y
            #[inline(always)]
            pub fn div(x: $float, y: $float, fast: u64) -> Option<$float> {
                let quotient = x / y;
                if fast == NEVER || !plain(x) || !y.is_normal() {
                    return None;
                }
                if x == 0.0 {
                    return Some(quotient);
                }
                let exact = || length(quotient) + length(y) <= DIGITS && quotient * y == x;
                (large(quotient) && (fast == ROUNDED || exact())).then_some(quotient)
            }

            /// The square root of y; x is not looked at.
            #[inline(always)]
            pub fn sqrt(_: $float, y: $float, fast: u64) -> Option<$float> {
                let root = y.sqrt();
                if fast == NEVER || !plain(y) {
                    return None;
                }
                if y == 0.0 {
                    return Some(root);
                }
                let exact = || 2 * length(root) <= DIGITS && root * root == y;
                (large(root) && (fast == ROUNDED || exact())).then_some(root)
            }
        }
    };
}

arithmetic!(double, f64, u64, "64-bit operations.");
arithmetic!(single, f32, u32, "32-bit operations.");

#[cfg(test)]
mod tests {
    use super::*;
    use ir::reg::fp_fast::EXACT;

    #[test]
    fn exact_results_need_no_sticky_flag() {
        assert_eq!(double::add(1.5, 2.25, EXACT), Some(3.75));
        assert_eq!(double::sub(1.0, 1.0, EXACT), Some(0.0));
        assert_eq!(double::mul(3.0, 0.5, EXACT), Some(1.5));
        assert_eq!(
            double::mul(0.0, -2.0, EXACT).map(f64::to_bits),
            Some((-0.0f64).to_bits())
        );
        assert_eq!(double::div(6.0, 3.0, EXACT), Some(2.0));
        assert_eq!(double::sqrt(0.0, 49.0, EXACT), Some(7.0));
        assert_eq!(single::mul(1.5, 1.5, EXACT), Some(2.25));
    }

    #[test]
    fn rounded_results_need_it() {
        for fast in [EXACT, ROUNDED] {
            let taken = fast == ROUNDED;
            assert_eq!(double::add(1.0, 1e-20, fast).is_some(), taken);
            assert_eq!(double::mul(0.1, 0.1, fast).is_some(), taken);
            assert_eq!(double::div(1.0, 3.0, fast).is_some(), taken);
            assert_eq!(double::sqrt(0.0, 2.0, fast).is_some(), taken);
            assert_eq!(single::add(1.0, 1e-10, fast).is_some(), taken);
        }
    }

    #[test]
    fn what_could_raise_another_flag_is_left_to_the_isa() {
        let tiny = f64::MIN_POSITIVE;
        assert_eq!(double::add(f64::NAN, 1.0, ROUNDED), None);
        assert_eq!(double::add(f64::MAX, f64::MAX, ROUNDED), None);
        assert_eq!(double::mul(tiny, 0.5, ROUNDED), None);
        assert_eq!(double::mul(tiny, 1.0, ROUNDED), None);
        assert_eq!(double::add(tiny / 2.0, 1.0, ROUNDED), None);
        assert_eq!(double::div(1.0, 0.0, ROUNDED), None);
        assert_eq!(double::sqrt(0.0, -1.0, ROUNDED), None);
        assert_eq!(double::add(1.0, 2.0, NEVER), None);
    }
}
