//! Packed and scalar arithmetic: micro-ops where there are some, else a call of the instruction's row.

use crate::x86_64::lift::{Lift, Lifter, Refusal};
use crate::x86_64::sse::table;
use base::Width;
use iced_x86::Mnemonic as M;
use ir::reg::ZERO;
use ir::{FlagKind, Opcode, Reg};

/// The 128-bit micro-op that is the whole instruction.
const fn vector(mnemonic: M) -> Option<Opcode> {
    Some(match mnemonic {
        M::Pand | M::Andps | M::Andpd => Opcode::VAnd,
        M::Por | M::Orps | M::Orpd => Opcode::VOr,
        M::Pxor | M::Xorps | M::Xorpd => Opcode::VXor,
        M::Pandn | M::Andnps | M::Andnpd => Opcode::VAndNot,
        M::Paddb => Opcode::VAdd8,
        M::Paddw => Opcode::VAdd16,
        M::Paddd => Opcode::VAdd32,
        M::Paddq => Opcode::VAdd64,
        M::Psubb => Opcode::VSub8,
        M::Psubw => Opcode::VSub16,
        M::Psubd => Opcode::VSub32,
        M::Psubq => Opcode::VSub64,
        M::Pcmpeqb => Opcode::VEq8,
        M::Pcmpeqw => Opcode::VEq16,
        M::Pcmpeqd => Opcode::VEq32,
        M::Pminub => Opcode::VMinU8,
        M::Pmaxub => Opcode::VMaxU8,
        M::Punpcklbw => Opcode::VUnpackL8,
        M::Punpcklwd => Opcode::VUnpackL16,
        M::Punpckldq | M::Unpcklps => Opcode::VUnpackL32,
        _ => return None,
    })
}

/// The scalar micro-op that tries the host's arithmetic and falls back to the row.
const fn float(mnemonic: M) -> Option<Opcode> {
    Some(match mnemonic {
        M::Addsd => Opcode::FAdd64,
        M::Subsd => Opcode::FSub64,
        M::Mulsd => Opcode::FMul64,
        M::Divsd => Opcode::FDiv64,
        M::Sqrtsd => Opcode::FSqrt64,
        M::Addss => Opcode::FAdd32,
        M::Subss => Opcode::FSub32,
        M::Mulss => Opcode::FMul32,
        M::Divss => Opcode::FDiv32,
        M::Sqrtss => Opcode::FSqrt32,
        _ => return None,
    })
}

/// The number of the instruction's row.
fn row(l: &Lifter) -> Result<u16, Refusal> {
    table::number(l.insn.mnemonic()).ok_or(Refusal::Gap)
}

/// d = f(d, source, imm8) in all the forms that have nothing special.
pub fn lift(l: &mut Lifter) -> Lift {
    let mnemonic = l.insn.mnemonic();
    if let Some(code) = vector(mnemonic) {
        let (d, b) = (l.xmm(0)?, l.source(1)?);
        l.b.op(code, d, d, b, 0);
        return Ok(());
    }
    let number = row(l)?;
    let (d, b) = (l.xmm(0)?, l.source(1)?);
    match float(mnemonic) {
        // A square root has one operand; given twice, it alone decides whether the host may compute.
        Some(code @ (Opcode::FSqrt64 | Opcode::FSqrt32)) => {
            l.b.op(code, d, b, b, i32::from(number))
        }
        Some(code) => l.b.op(code, d, d, b, i32::from(number)),
        None => l.b.call(number, u16::from(l.imm8()), d, d, b),
    }
    Ok(())
}

/// Shifts of lanes, by an immediate or by the low word of an operand.
pub fn shift(l: &mut Lifter) -> Lift {
    let number = row(l)?;
    let d = l.xmm(0)?;
    let by = match l.immediate(1) {
        Some(count) => {
            let by = l.b.temp_pair();
            l.b.constant(by, count & 0xff);
            by
        }
        None => l.source(1)?,
    };
    l.b.call(number, 0, d, d, by);
    Ok(())
}

/// COMIS and UCOMIS: ZF, PF and CF; the other arithmetic flags are cleared.
pub fn compare(l: &mut Lifter) -> Lift {
    let number = row(l)?;
    let (a, b) = (l.xmm(0)?, l.source(1)?);
    let flags = l.b.temp();
    l.b.call(number, 0, flags, a, b);
    l.b.set_flags(FlagKind::Raw, Width::B8, flags, ZERO);
    Ok(())
}

/// The payload of a conversion: the bits of the integer in operand `n`.
fn bits(l: &Lifter, n: u32) -> Result<u16, Refusal> {
    Ok(l.width(n)?.bits() as u16)
}

/// CVTSD2SI and its like. The call leaves a whole register.
pub fn to_integer(l: &mut Lifter) -> Lift {
    let (number, bits) = (row(l)?, bits(l, 0)?);
    let (d, _) = l.register(0)?;
    let b = l.source(1)?;
    l.b.call(number, bits, d, ZERO, b);
    Ok(())
}

/// CVTSI2SD and CVTSI2SS.
pub fn from_integer(l: &mut Lifter) -> Lift {
    let (number, bits) = (row(l)?, bits(l, 1)?);
    let d = l.xmm(0)?;
    let b: Reg = l.read_low(1)?;
    l.b.call(number, bits, d, d, b);
    Ok(())
}
