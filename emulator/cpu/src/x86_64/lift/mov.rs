//! Data movement: MOV and its extending forms, LEA, XCHG, BSWAP, XLAT, CMOVcc, SETcc, sign extension of the accumulator
//! (SDM vol. 1, 7.3.1, 7.3.3).

use super::lifter::Part;
use super::{Address, Lift, Lifter, Refusal};
use crate::x86_64::reg::{RAX, RBX, RDX};
use base::Width;
use iced_x86::{Mnemonic, Register};
use ir::Opcode;
use ir::flags::Cond;
use ir::reg::ZERO;

/// MOV MOVZX MOVSX MOVSXD LEA XCHG BSWAP MOVNTI XLAT.
pub fn lift(l: &mut Lifter) -> Lift {
    match l.insn.mnemonic() {
        Mnemonic::Mov | Mnemonic::Movnti => mov(l),
        Mnemonic::Movzx => extend(l, false),
        Mnemonic::Movsx | Mnemonic::Movsxd => extend(l, true),
        Mnemonic::Lea => lea(l),
        Mnemonic::Xchg => xchg(l),
        Mnemonic::Bswap => bswap(l),
        Mnemonic::Xlatb => xlat(l),
        _ => Err(Refusal::Gap),
    }
}

fn mov(l: &mut Lifter) -> Lift {
    let special = (0..2).any(|n| {
        let r = l.insn.op_register(n);
        r != Register::None && !r.is_gpr()
    });
    if special {
        return super::system::lift(l);
    }
    if l.is_memory(0) {
        let value = l.read_low(1)?;
        return l.write_operand(0, value);
    }
    let (reg, part) = l.register(0)?;
    if let Some(imm) = l.immediate(1) {
        match part {
            Part::Quad => l.b.constant(reg, imm),
            Part::Dword => l.b.constant(reg, imm & Width::B4.mask()),
            _ => {
                let value = l.b.imm(imm);
                l.write_part(reg, part, value);
            }
        }
        return Ok(());
    }
    if l.is_memory(1) && matches!(part, Part::Quad | Part::Dword) {
        let (width, address) = (l.width(1)?, l.ea());
        l.load(reg, address, width);
        return Ok(());
    }
    let value = l.read_low(1)?;
    l.write_part(reg, part, value);
    Ok(())
}

fn extend(l: &mut Lifter, signed: bool) -> Lift {
    let (reg, part) = l.register(0)?;
    let from = l.width(1)?;
    let target = l.target(reg, part);
    if l.is_memory(1) {
        let address = l.ea();
        if signed {
            l.load_signed(target, address, from);
        } else {
            l.load(target, address, from);
        }
    } else {
        let (source, source_part) = l.register(1)?;
        let source = l.low_part(source, source_part);
        let code = match (from, signed) {
            (Width::B1, false) => Opcode::Zext8,
            (Width::B1, true) => Opcode::Sext8,
            (Width::B2, false) => Opcode::Zext16,
            (Width::B2, true) => Opcode::Sext16,
            (_, false) => Opcode::Zext32,
            (_, true) => Opcode::Sext32,
        };
        l.b.unary(code, target, source);
    }
    if part == Part::Dword && signed {
        l.b.unary(Opcode::Zext32, reg, reg);
    }
    l.finish_part(reg, part, target);
    Ok(())
}

fn lea(l: &mut Lifter) -> Lift {
    let (reg, part) = l.register(0)?;
    let offset = l.offset(0);
    match part {
        Part::Quad => l.load_address(reg, offset),
        Part::Dword => match offset {
            Address::Based { base: ZERO, disp } => {
                l.b.constant(reg, disp as u64 & Width::B4.mask())
            }
            Address::Based { base, disp: 0 } => l.b.unary(Opcode::Zext32, reg, base),
            Address::Based { base, disp } => l.b.alu_imm(Opcode::AddI32, reg, base, disp),
            Address::Indexed { .. } => {
                l.load_address(reg, offset);
                l.b.unary(Opcode::Zext32, reg, reg);
            }
        },
        _ => {
            let value = l.address(offset);
            l.write_part(reg, part, value);
        }
    }
    Ok(())
}

fn xchg(l: &mut Lifter) -> Lift {
    let (memory, other) = if l.is_memory(1) { (1, 0) } else { (0, 1) };
    let width = l.width(0)?;
    let (reg, part) = l.register(other)?;
    if l.is_memory(memory) {
        let address = l.ea();
        let (base, disp) = l.based(address);
        let value = l.low_part(reg, part);
        let old = l.b.temp();
        l.load_for_write(old, base, disp, width);
        l.store(Address::Based { base, disp }, width, value);
        l.write_part(reg, part, old);
        return Ok(());
    }
    let (first, first_part) = l.register(0)?;
    let second_value = l.low_part(reg, part);
    let second_value = l.copy(second_value);
    let first_value = l.low_part(first, first_part);
    l.write_part(reg, part, first_value);
    l.write_part(first, first_part, second_value);
    Ok(())
}

fn bswap(l: &mut Lifter) -> Lift {
    match l.register(0)? {
        (reg, Part::Quad) => l.b.unary(Opcode::Bswap, reg, reg),
        (reg, Part::Dword) => l.b.unary(Opcode::Bswap32, reg, reg),
        // With a 16-bit operand the manual leaves the result open; silicon clears it.
        (reg, part) => l.write_part(reg, part, ZERO),
    }
    Ok(())
}

fn xlat(l: &mut Lifter) -> Lift {
    let al = l.zext(RAX, Width::B1);
    let offset = match l.insn.memory_base() {
        Register::RBX => Address::Indexed {
            base: RBX,
            index: al,
            scale: 0,
            disp: 0,
        },
        base => {
            let t = l.alu_temp(Opcode::Add32, RBX, al);
            if base == Register::BX {
                l.b.unary(Opcode::Zext16, t, t);
            }
            Address::Based { base: t, disp: 0 }
        }
    };
    let address = l.linear(offset, l.insn.memory_segment());
    let t = l.b.temp();
    l.load(t, address, Width::B1);
    l.write_part(RAX, Part::Low, t);
    Ok(())
}

/// The condition of a CMOVcc, SETcc or Jcc.
pub fn condition(l: &Lifter) -> Result<Cond, Refusal> {
    match l.insn.condition_code() {
        iced_x86::ConditionCode::None => Err(Refusal::Gap),
        code => Ok(Cond::decode(code as u8 - 1)),
    }
}

/// CMOVcc: the source is read, and a 32-bit destination zero-extended, whether the condition holds or not.
pub fn cmov(l: &mut Lifter) -> Lift {
    let cond = condition(l)?;
    let (reg, part) = l.register(0)?;
    let source = if part == Part::Dword {
        l.read_operand(1)?
    } else {
        l.read_low(1)?
    };
    let holds = l.b.temp();
    l.b.test(holds, cond);
    match part {
        Part::Quad => l.b.alu(Opcode::MovNz, reg, holds, source),
        Part::Dword => {
            l.b.unary(Opcode::Zext32, reg, reg);
            l.b.alu(Opcode::MovNz, reg, holds, source);
        }
        _ => {
            let value = l.copy(reg);
            l.b.alu(Opcode::MovNz, value, holds, source);
            l.write_part(reg, part, value);
        }
    }
    Ok(())
}

/// SETcc.
pub fn setcc(l: &mut Lifter) -> Lift {
    let cond = condition(l)?;
    let holds = l.b.temp();
    l.b.test(holds, cond);
    l.write_operand(0, holds)
}

/// CBW CWDE CDQE CWD CDQ CQO.
pub fn extend_accumulator(l: &mut Lifter) -> Lift {
    match l.insn.mnemonic() {
        Mnemonic::Cbw => {
            let t = l.sext(RAX, Width::B1);
            l.write_part(RAX, Part::Word, t);
        }
        Mnemonic::Cwde => {
            let t = l.sext(RAX, Width::B2);
            l.write_part(RAX, Part::Dword, t);
        }
        Mnemonic::Cdqe => l.b.unary(Opcode::Sext32, RAX, RAX),
        Mnemonic::Cwd => {
            let t = l.sext(RAX, Width::B2);
            l.b.alu_imm(Opcode::SarI, t, t, 15);
            l.write_part(RDX, Part::Word, t);
        }
        Mnemonic::Cdq => l.b.alu_imm(Opcode::SarI32, RDX, RAX, 31),
        _ => l.b.alu_imm(Opcode::SarI, RDX, RAX, 63),
    }
    Ok(())
}
