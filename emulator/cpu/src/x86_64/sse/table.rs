//! The SSE instructions that are calls, in the order of their numbers: what each computes from its operands.
//!
//! A row is named as the decoder names the mnemonic, so that lifting and computing cannot disagree on which is meant.
//! New rows go at the end of their shape's group; numbers are private to one build.

use super::mxcsr::Unit;
use super::packed::{doubles, singles};
use super::{integer, packed, scalar};
use crate::float::{Double, Rounding, Single};
use iced_x86::Mnemonic;

/// The first number of the rows; row n is call `FIRST + n`.
pub const FIRST: u16 = 0x200;

/// What a call does with its operands. A *pair* is a 128-bit register, `imm` the call's payload.
#[derive(Clone, Copy)]
pub enum Row {
    /// d pair = f(a pair, b pair, imm)
    Pair(fn(u128, u128, u8) -> u128),
    /// d pair = f(a pair, b pair, imm), by MXCSR
    Float(fn(u128, u128, u8, &mut Unit) -> u128),
    /// d = f(a, b, imm), by MXCSR
    Word(fn(u64, u64, u8, &mut Unit) -> u64),
    /// The low half of d = f(low half of a, b, imm), by MXCSR
    Half(fn(u64, u64, u8, &mut Unit) -> u64),
}

/// How a row's function is made from the one it names.
macro_rules! shape {
    (Int $f:expr) => {
        Row::Pair(|a, b, _| $f(a, b))
    };
    (IntImm $f:expr) => {
        Row::Pair($f)
    };
    (Shuffle $f:expr) => {
        Row::Pair(|_, b, imm| $f(b, imm))
    };
    (Pd $f:ident) => {
        Row::Float(|a, b, _, u| doubles(a, b, u, scalar::$f::<Double>))
    };
    (Ps $f:ident) => {
        Row::Float(|a, b, _, u| singles(a, b, u, scalar::$f::<Single>))
    };
    (Sd $f:ident) => {
        Row::Word(|a, b, _, u| scalar::$f::<Double>(a, b, u))
    };
    (Ss $f:ident) => {
        Row::Half(|a, b, _, u| scalar::$f::<Single>(low(a), low(b), u))
    };
    (Convert $f:expr) => {
        Row::Float(|_, b, _, u| $f(b, u))
    };
    (Float $f:expr) => {
        Row::Float($f)
    };
    (Word $f:expr) => {
        Row::Word($f)
    };
    (Half $f:expr) => {
        Row::Half($f)
    };
}

macro_rules! rows {
    ($($name:ident $shape:ident($($f:tt)+);)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        enum Number { $($name),* }

        static ROWS: &[Row] = &[$(shape!($shape $($f)+)),*];

        /// The number of the call that carries out `mnemonic`, if one does.
        pub const fn number(mnemonic: Mnemonic) -> Option<u16> {
            Some(FIRST + match mnemonic {
                $(Mnemonic::$name => Number::$name as u16,)*
                _ => return None,
            })
        }
    };
}

/// The row behind a call's number.
pub fn row(number: u16) -> Option<Row> {
    ROWS.get(usize::from(number.wrapping_sub(FIRST))).copied()
}

/// The low half of a word.
const fn low(word: u64) -> u64 {
    word & 0xffff_ffff
}

rows! {
    Packssdw Int(integer::packssdw);
    Packsswb Int(integer::packsswb);
    Packuswb Int(integer::packuswb);
    Paddsb Int(integer::paddsb);
    Paddsw Int(integer::paddsw);
    Paddusb Int(integer::paddusb);
    Paddusw Int(integer::paddusw);
    Pavgb Int(integer::pavgb);
    Pavgw Int(integer::pavgw);
    Pcmpgtb Int(integer::pcmpgtb);
    Pcmpgtd Int(integer::pcmpgtd);
    Pcmpgtw Int(integer::pcmpgtw);
    Pmaddwd Int(integer::pmaddwd);
    Pmaxsw Int(integer::pmaxsw);
    Pminsw Int(integer::pminsw);
    Pmulhuw Int(integer::pmulhuw);
    Pmulhw Int(integer::pmulhw);
    Pmullw Int(integer::pmullw);
    Pmuludq Int(integer::pmuludq);
    Psadbw Int(integer::psadbw);
    Pslld Int(integer::psll::<u32>);
    Psllq Int(integer::psll::<u64>);
    Psllw Int(integer::psll::<u16>);
    Psrad Int(integer::psra::<u32>);
    Psraw Int(integer::psra::<u16>);
    Psrld Int(integer::psrl::<u32>);
    Psrlq Int(integer::psrl::<u64>);
    Psrlw Int(integer::psrl::<u16>);
    Psubsb Int(integer::psubsb);
    Psubsw Int(integer::psubsw);
    Psubusb Int(integer::psubusb);
    Psubusw Int(integer::psubusw);
    Punpckhbw Int(integer::unpack_high::<u8>);
    Punpckhdq Int(integer::unpack_high::<u32>);
    Punpckhwd Int(integer::unpack_high::<u16>);
    Unpckhps Int(integer::unpack_high::<u32>);

    Shufps IntImm(integer::shufps);
    Pshufhw Shuffle(integer::pshufhw);
    Pshuflw Shuffle(integer::pshuflw);

    Addpd Pd(add);
    Divpd Pd(div);
    Maxpd Pd(max);
    Minpd Pd(min);
    Mulpd Pd(mul);
    Sqrtpd Pd(sqrt);
    Subpd Pd(sub);

    Addps Ps(add);
    Divps Ps(div);
    Maxps Ps(max);
    Minps Ps(min);
    Mulps Ps(mul);
    Sqrtps Ps(sqrt);
    Subps Ps(sub);

    Addsd Sd(add);
    Divsd Sd(div);
    Maxsd Sd(max);
    Minsd Sd(min);
    Mulsd Sd(mul);
    Sqrtsd Sd(sqrt);
    Subsd Sd(sub);

    Addss Ss(add);
    Divss Ss(div);
    Maxss Ss(max);
    Minss Ss(min);
    Mulss Ss(mul);
    Sqrtss Ss(sqrt);
    Subss Ss(sub);

    Cmppd Float(|a, b, imm, u| doubles(a, b, u, |x, y, u| scalar::cmp::<Double>(x, y, imm, u)));
    Cmpps Float(|a, b, imm, u| singles(a, b, u, |x, y, u| scalar::cmp::<Single>(x, y, imm, u)));
    Cmpsd Word(scalar::cmp::<Double>);
    Cmpss Half(|a, b, imm, u| scalar::cmp::<Single>(low(a), low(b), imm, u));
    Comisd Word(|a, b, _, u| scalar::comis::<Double>(a, b, true, u));
    Comiss Word(|a, b, _, u| scalar::comis::<Single>(low(a), low(b), true, u));
    Ucomisd Word(|a, b, _, u| scalar::comis::<Double>(a, b, false, u));
    Ucomiss Word(|a, b, _, u| scalar::comis::<Single>(low(a), low(b), false, u));

    Cvtdq2pd Convert(packed::dq_to_pd);
    Cvtdq2ps Convert(packed::dq_to_ps);
    Cvtpd2ps Convert(packed::pd_to_ps);
    Cvtps2pd Convert(packed::ps_to_pd);
    Cvtpd2dq Float(|_, b, _, u| packed::pd_to_dq(b, u.env.rounding, u));
    Cvtps2dq Float(|_, b, _, u| packed::ps_to_dq(b, u.env.rounding, u));
    Cvttpd2dq Float(|_, b, _, u| packed::pd_to_dq(b, Rounding::Zero, u));
    Cvttps2dq Float(|_, b, _, u| packed::ps_to_dq(b, Rounding::Zero, u));
    Cvtsd2ss Half(|_, b, _, u| scalar::convert::<Double, Single>(b, u));
    Cvtss2sd Word(|_, b, _, u| scalar::convert::<Single, Double>(low(b), u));

    // The payload of these is the integer's bits, 32 or 64.
    Cvtsd2si Word(|_, b, bits, u| scalar::to_int::<Double>(b, u32::from(bits), u.env.rounding, u));
    Cvtss2si Word(|_, b, bits, u| scalar::to_int::<Single>(low(b), u32::from(bits), u.env.rounding, u));
    Cvttsd2si Word(|_, b, bits, u| scalar::to_int::<Double>(b, u32::from(bits), Rounding::Zero, u));
    Cvttss2si Word(|_, b, bits, u| scalar::to_int::<Single>(low(b), u32::from(bits), Rounding::Zero, u));
    Cvtsi2sd Word(|_, b, bits, u| scalar::from_int::<Double>(signed(b, bits), u));
    Cvtsi2ss Half(|_, b, bits, u| scalar::from_int::<Single>(signed(b, bits), u));

    Rcpps Float(|_, b, _, u| singles(b, b, u, |x, _, _| scalar::rcp(x)));
    Rcpss Half(|_, b, _, _| scalar::rcp(low(b)));
    Rsqrtps Float(|_, b, _, u| singles(b, b, u, |x, _, _| scalar::rsqrt(x)));
    Rsqrtss Half(|_, b, _, _| scalar::rsqrt(low(b)));
}

/// An integer operand of 32 or 64 bits.
const fn signed(word: u64, bits: u8) -> i64 {
    if bits == 32 {
        word as i32 as i64
    } else {
        word as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::sse::memory;

    #[test]
    fn rows_end_below_the_other_calls_of_the_page() {
        assert!(usize::from(FIRST) + ROWS.len() <= usize::from(memory::id::UNUSABLE));
        assert!(row(FIRST - 1).is_none() && row(memory::id::UNUSABLE).is_none());
    }
}
