//! Multiplication and division (SDM vol. 1, 7.3.2.4). Division can fault (#DE) and is a call.

use super::lifter::Part;
use super::{Lift, Lifter, Refusal};
use crate::x86_64::integer::id;
use crate::x86_64::reg::{RAX, RDX};
use base::Width;
use iced_x86::Mnemonic;
use ir::flags::FlagKind;
use ir::reg::ZERO;
use ir::{Opcode, Reg};

/// MUL IMUL DIV IDIV.
pub fn lift(l: &mut Lifter) -> Lift {
    let width = l.width(0)?;
    match (l.insn.mnemonic(), l.insn.op_count()) {
        (Mnemonic::Mul, _) => wide_product(l, width, false),
        (Mnemonic::Imul, 1) => wide_product(l, width, true),
        (Mnemonic::Imul, 2) => product(l, width, 0, 1),
        (Mnemonic::Imul, _) => product(l, width, 1, 2),
        (Mnemonic::Div, _) => divide(l, width, id::DIV),
        (Mnemonic::Idiv, _) => divide(l, width, id::IDIV),
        _ => Err(Refusal::Gap),
    }
}

fn divide(l: &mut Lifter, width: Width, call: u16) -> Lift {
    let divisor = l.read_operand(0)?;
    l.b.call(call, width.bytes() as u16, ZERO, divisor, ZERO);
    Ok(())
}

/// One operand: twice as wide a product in RDX:RAX (in AX for bytes).
fn wide_product(l: &mut Lifter, width: Width, signed: bool) -> Lift {
    let source = l.read_low(0)?;
    if width == Width::B8 {
        let high_code = if signed { Opcode::MulHS } else { Opcode::MulHU };
        let high = l.alu_temp(high_code, RAX, source);
        l.b.alu(Opcode::Mul, RAX, RAX, source);
        let excess = if signed {
            sign_excess(l, RAX, high)
        } else {
            high
        };
        l.b.set_flags(FlagKind::Mul, width, RAX, excess);
        l.b.mov(RDX, high);
        return Ok(());
    }
    let (a, b) = if signed {
        (l.sext(RAX, width), l.sext(source, width))
    } else {
        (l.zext(RAX, width), l.zext(source, width))
    };
    let whole = l.alu_temp(Opcode::Mul, a, b);
    let high = l.imm_temp(Opcode::ShrI, whole, width.bits() as i32);
    let excess = if signed {
        let low = l.sext(whole, width);
        l.alu_temp(Opcode::Sne, low, whole)
    } else {
        high
    };
    l.b.set_flags(FlagKind::Mul, width, whole, excess);
    match width {
        Width::B1 => l.write_part(RAX, Part::Word, whole),
        Width::B2 => {
            l.write_part(RAX, Part::Word, whole);
            l.write_part(RDX, Part::Word, high);
        }
        _ => {
            l.write_part(RAX, Part::Dword, whole);
            l.write_part(RDX, Part::Dword, high);
        }
    }
    Ok(())
}

/// Not zero if the 128-bit product is more than its low half sign-extended.
fn sign_excess(l: &mut Lifter, low: Reg, high: Reg) -> Reg {
    let sign = l.imm_temp(Opcode::SarI, low, 63);
    l.alu_temp(Opcode::Sne, sign, high)
}

/// Two or three operands: a product cut to the operands' width.
fn product(l: &mut Lifter, width: Width, first: u32, second: u32) -> Lift {
    let (reg, part) = l.register(0)?;
    let a = l.read_low(first)?;
    let b = l.read_low(second)?;
    if width == Width::B8 {
        let high = l.alu_temp(Opcode::MulHS, a, b);
        l.b.alu(Opcode::Mul, reg, a, b);
        let excess = sign_excess(l, reg, high);
        l.b.set_flags(FlagKind::Mul, width, reg, excess);
        return Ok(());
    }
    // The whole product serves the flags alone, and goes away with them.
    let (x, y) = (l.sext(a, width), l.sext(b, width));
    let whole = l.alu_temp(Opcode::Mul, x, y);
    let low = l.sext(whole, width);
    let excess = l.alu_temp(Opcode::Sne, low, whole);
    l.b.set_flags(FlagKind::Mul, width, whole, excess);
    let target = l.target(reg, part);
    l.b.alu(Opcode::Mul32, target, a, b);
    l.finish_part(reg, part, target);
    Ok(())
}
