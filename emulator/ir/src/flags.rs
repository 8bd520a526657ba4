//! Condition flags in lazy form: what was computed is remembered, the flags are derived when somebody asks.
//!
//! The lazy flags are a triple of registers: a kind and two operands. `SetFlags` stores the triple; `GetFlags`
//! derives the *flag word* from it, and conditions are tested against it. The operands need not be extended:
//! derivation looks only at the low bits of the kind's width.
//!
//! ```text
//! flag word   11  10..8   7   6   5   4   3   2   1   0
//!             OF    0     SF  ZF  0   AF  0   PF  0   CF
//! ```

use base::Width;

/// Carry (unsigned overflow or borrow).
pub const CF: u64 = 1 << 0;
/// Even parity of the result's low byte.
pub const PF: u64 = 1 << 2;
/// Carry out of bit 3.
pub const AF: u64 = 1 << 4;
/// The result is zero.
pub const ZF: u64 = 1 << 6;
/// The result's top bit.
pub const SF: u64 = 1 << 7;
/// Signed overflow.
pub const OF: u64 = 1 << 11;
/// All six.
pub const ALL: u64 = CF | PF | AF | ZF | SF | OF;

/// What the two operands mean. Each but `Raw` comes in four widths; its number is `kind * 4 + log2(bytes)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FlagKind {
    /// `a` is the flag word itself.
    Raw = 0,
    /// a + b
    Add = 1,
    /// a + b + 1
    AddCarry = 2,
    /// a - b
    Sub = 3,
    /// a - b - 1
    SubBorrow = 4,
    /// The result `a` of a bitwise operation: CF, OF and AF are clear.
    Logic = 5,
    /// a + 1, CF was clear and stays so.
    Inc = 6,
    /// a + 1, CF was set and stays so.
    IncCarry = 7,
    /// a - 1, CF was clear and stays so.
    Dec = 8,
    /// a - 1, CF was set and stays so.
    DecCarry = 9,
    /// a << b, 1 <= b < 64; CF is the last bit shifted out, OF tells whether a shift by one changes the sign.
    Shl = 10,
    /// a >> b, unsigned; OF as for `Shl`.
    Shr = 11,
    /// a >> b, signed.
    Sar = 12,
    /// A product whose low half is `a`; CF and OF say whether `b` is not zero, and ZF is clear.
    Mul = 13,
}

const KINDS: [FlagKind; 14] = [
    FlagKind::Raw,
    FlagKind::Add,
    FlagKind::AddCarry,
    FlagKind::Sub,
    FlagKind::SubBorrow,
    FlagKind::Logic,
    FlagKind::Inc,
    FlagKind::IncCarry,
    FlagKind::Dec,
    FlagKind::DecCarry,
    FlagKind::Shl,
    FlagKind::Shr,
    FlagKind::Sar,
    FlagKind::Mul,
];

impl FlagKind {
    /// The number that the kind register holds for this kind at `width`.
    pub const fn at(self, width: Width) -> i32 {
        (self as i32) * 4 + width.bytes().trailing_zeros() as i32
    }

    /// The kind and width behind a number; numbers that name none mean `Raw`.
    pub const fn decode(number: u64) -> (Self, Width) {
        let width = match number & 3 {
            0 => Width::B1,
            1 => Width::B2,
            2 => Width::B4,
            _ => Width::B8,
        };
        let index = (number >> 2) as usize;
        if index < KINDS.len() {
            (KINDS[index], width)
        } else {
            (Self::Raw, width)
        }
    }
}

/// Adding this to a kind's number turns `Add` into `AddCarry`, `Inc` into `IncCarry` and so on.
pub const CARRY_STEP: u64 = 4;

/// A condition on the flag word; the low bit negates, as in the x86 condition codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(
    missing_docs,
    reason = "the names are the manual's condition mnemonics"
)]
pub enum Cond {
    O = 0,
    No = 1,
    B = 2,
    Ae = 3,
    E = 4,
    Ne = 5,
    Be = 6,
    A = 7,
    S = 8,
    Ns = 9,
    P = 10,
    Np = 11,
    L = 12,
    Ge = 13,
    Le = 14,
    G = 15,
}

const CONDS: [Cond; 16] = [
    Cond::O,
    Cond::No,
    Cond::B,
    Cond::Ae,
    Cond::E,
    Cond::Ne,
    Cond::Be,
    Cond::A,
    Cond::S,
    Cond::Ns,
    Cond::P,
    Cond::Np,
    Cond::L,
    Cond::Ge,
    Cond::Le,
    Cond::G,
];

impl Cond {
    /// The condition with this number; only the low four bits count.
    pub const fn decode(number: u8) -> Self {
        CONDS[(number & 15) as usize]
    }

    /// The flags of which the condition (one with an even number) asks that any be set, if it asks no more.
    pub const fn only_bits(self) -> Option<u64> {
        match self {
            Self::O => Some(OF),
            Self::B => Some(CF),
            Self::E => Some(ZF),
            Self::Be => Some(CF | ZF),
            Self::S => Some(SF),
            Self::P => Some(PF),
            _ => None,
        }
    }

    /// Whether the flag word satisfies the condition.
    pub const fn holds(self, flags: u64) -> bool {
        let less = (flags & SF != 0) != (flags & OF != 0);
        let base = match (self as u8) >> 1 {
            0 => flags & OF != 0,
            1 => flags & CF != 0,
            2 => flags & ZF != 0,
            3 => flags & (CF | ZF) != 0,
            4 => flags & SF != 0,
            5 => flags & PF != 0,
            6 => less,
            _ => less || flags & ZF != 0,
        };
        base != ((self as u8) & 1 != 0)
    }
}

/// Whether `cond` holds on the flags that the triple stands for. The usual questions are answered without all flags.
#[inline]
pub const fn holds(cond: Cond, kind: u64, a: u64, b: u64) -> bool {
    let (origin, width) = FlagKind::decode(kind);
    let mask = width.mask();
    let answer = match (origin, (cond as u8) >> 1) {
        (FlagKind::Sub, 1) => a & mask < b & mask,
        (FlagKind::Sub, 2) => (a ^ b) & mask == 0,
        (FlagKind::Add, 1) => a.wrapping_add(b) & mask < a & mask,
        (FlagKind::Add, 2) => a.wrapping_add(b) & mask == 0,
        (FlagKind::Logic, 1) | (FlagKind::Inc | FlagKind::Dec, 1) => false,
        (FlagKind::IncCarry | FlagKind::DecCarry, 1) => true,
        (FlagKind::Logic, 2 | 3) => a & mask == 0,
        _ => return cond.holds(word(kind, a, b)),
    };
    answer != ((cond as u8) & 1 != 0)
}

/// Derives the flag word from the triple.
pub const fn word(kind: u64, a: u64, b: u64) -> u64 {
    let (kind, width) = FlagKind::decode(kind);
    let mask = width.mask();
    let bits = width.bits();
    let (a, b) = match kind {
        FlagKind::Raw => return a & ALL,
        FlagKind::Inc | FlagKind::IncCarry | FlagKind::Dec | FlagKind::DecCarry => (a & mask, 1),
        FlagKind::Shl | FlagKind::Shr | FlagKind::Sar => (a & mask, b & 63),
        _ => (a & mask, b & mask),
    };
    let top = 1u64 << (bits - 1);
    let signed = ((a << (64 - bits)) as i64) >> (64 - bits);
    let (result, carry, overflow, adjust) = match kind {
        FlagKind::Raw => (0, false, false, false),
        FlagKind::Add | FlagKind::AddCarry | FlagKind::Inc | FlagKind::IncCarry => {
            let carry_in = matches!(kind, FlagKind::AddCarry) as u64;
            let r = a.wrapping_add(b).wrapping_add(carry_in) & mask;
            let carry = match kind {
                FlagKind::Inc => false,
                FlagKind::IncCarry => true,
                _ => r < a || (carry_in == 1 && r == a),
            };
            (
                r,
                carry,
                (a ^ r) & (b ^ r) & top != 0,
                (a ^ b ^ r) & 16 != 0,
            )
        }
        FlagKind::Sub | FlagKind::SubBorrow | FlagKind::Dec | FlagKind::DecCarry => {
            let borrow_in = matches!(kind, FlagKind::SubBorrow) as u64;
            let r = a.wrapping_sub(b).wrapping_sub(borrow_in) & mask;
            let carry = match kind {
                FlagKind::Dec => false,
                FlagKind::DecCarry => true,
                _ => a < b || (borrow_in == 1 && a == b),
            };
            (
                r,
                carry,
                (a ^ b) & (a ^ r) & top != 0,
                (a ^ b ^ r) & 16 != 0,
            )
        }
        FlagKind::Logic => (a, false, false, false),
        FlagKind::Shl => {
            let r = (a << b) & mask;
            let carry = b <= bits as u64 && b >= 1 && (a >> (bits as u64 - b)) & 1 != 0;
            (r, carry, (a ^ a << 1) & top != 0, false)
        }
        FlagKind::Shr => {
            let carry = b >= 1 && (a >> (b - 1)) & 1 != 0;
            (a >> b, carry, a & top != 0, false)
        }
        FlagKind::Sar => {
            let carry = b >= 1 && (signed >> (b - 1)) & 1 != 0;
            ((signed >> b) as u64 & mask, carry, false, false)
        }
        FlagKind::Mul => (a, b != 0, b != 0, false),
    };
    let parity = (result as u8).count_ones().is_multiple_of(2);
    (carry as u64)
        | (parity as u64) << 2
        | (adjust as u64) << 4
        | ((result == 0 && !matches!(kind, FlagKind::Mul)) as u64) << 6
        | ((result & top != 0) as u64) << 7
        | (overflow as u64) << 11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_kinds_are_inverse() {
        for kind in KINDS {
            for width in [Width::B1, Width::B2, Width::B4, Width::B8] {
                assert_eq!(FlagKind::decode(kind.at(width) as u64), (kind, width));
            }
        }
        assert_eq!(FlagKind::decode(u64::MAX).0, FlagKind::Raw);
    }

    #[test]
    fn byte_arithmetic_agrees_with_wide_arithmetic() {
        for a in 0..=255u64 {
            for b in 0..=255u64 {
                for c in 0..=1u64 {
                    let kind = FlagKind::Add.at(Width::B1) as u64 + c * CARRY_STEP;
                    let flags = word(kind, a, b);
                    let signed = i64::from(a as i8) + i64::from(b as i8) + c as i64;
                    assert_eq!(flags & CF != 0, a + b + c > 255, "carry of {a}+{b}+{c}");
                    assert_eq!(
                        flags & OF != 0,
                        !(-128..128).contains(&signed),
                        "overflow of {a}+{b}+{c}"
                    );
                    assert_eq!(
                        flags & AF != 0,
                        (a & 15) + (b & 15) + c > 15,
                        "adjust of {a}+{b}+{c}"
                    );
                    let kind = FlagKind::Sub.at(Width::B1) as u64 + c * CARRY_STEP;
                    let flags = word(kind, a, b);
                    let signed = i64::from(a as i8) - i64::from(b as i8) - c as i64;
                    assert_eq!(flags & CF != 0, a < b + c, "borrow of {a}-{b}-{c}");
                    assert_eq!(
                        flags & OF != 0,
                        !(-128..128).contains(&signed),
                        "overflow of {a}-{b}-{c}"
                    );
                    assert_eq!(
                        flags & ZF != 0,
                        (a.wrapping_sub(b).wrapping_sub(c)) & 255 == 0
                    );
                }
            }
        }
    }

    #[test]
    fn a_condition_answered_directly_agrees_with_the_flag_word() {
        for kind in KINDS {
            for width in [Width::B1, Width::B4] {
                let number = kind.at(width) as u64;
                for a in 0..=255u64 {
                    for b in (0..=255u64).step_by(3) {
                        let (a, b) = (
                            a << (width.bits() - 8) | 0x5500_0000_0000,
                            b << (width.bits() - 8),
                        );
                        for cond in CONDS {
                            let wanted = cond.holds(word(number, a, b));
                            assert_eq!(
                                holds(cond, number, a, b),
                                wanted,
                                "{cond:?} {kind:?} {a:#x} {b:#x}"
                            );
                        }
                    }
                }
            }
        }
    }
}
