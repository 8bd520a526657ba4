//! The base integer instructions, RV64I (Unprivileged spec, 2 and 4).

use super::{Illegal, Lift, Lifter};
use ir::Opcode as Op;
use ir::reg::ZERO;

/// LUI.
pub fn lui(l: &mut Lifter) -> Lift {
    let (rd, value) = (l.rd(), i64::from(l.insn.imm_u()) as u64);
    l.b.constant(rd, value);
    Ok(())
}

/// AUIPC.
pub fn auipc(l: &mut Lifter) -> Lift {
    let value = l.pc.wrapping_add(i64::from(l.insn.imm_u()) as u64);
    let rd = l.rd();
    l.b.constant(rd, value);
    Ok(())
}

/// JAL.
pub fn jal(l: &mut Lifter) -> Lift {
    let (rd, next) = (l.rd(), l.next);
    let target = l.pc.wrapping_add(i64::from(l.insn.imm_j()) as u64);
    l.b.constant(rd, next);
    l.b.jump(target);
    Ok(())
}

/// JALR.
pub fn jalr(l: &mut Lifter) -> Lift {
    if l.insn.funct3() != 0 {
        return Err(Illegal);
    }
    let (rd, rs1, next) = (l.rd(), l.rs1(), l.next);
    let target = l.b.temp();
    l.b.alu_imm(Op::AddI, target, rs1, l.insn.imm_i());
    l.b.alu_imm(Op::AndI, target, target, !1);
    l.b.constant(rd, next);
    l.b.jump_reg(target);
    Ok(())
}

/// BEQ to BGEU.
pub fn branch(l: &mut Lifter) -> Lift {
    let code = match l.insn.funct3() {
        0 => Op::BrEq,
        1 => Op::BrNe,
        4 => Op::BrLt,
        5 => Op::BrGe,
        6 => Op::BrLtu,
        7 => Op::BrGeu,
        _ => return Err(Illegal),
    };
    let target = l.pc.wrapping_add(i64::from(l.insn.imm_b()) as u64);
    let (rs1, rs2) = (l.rs1(), l.rs2());
    l.b.branch_if(code, rs1, rs2, 0, target);
    Ok(())
}

/// LB to LWU.
pub fn load(l: &mut Lifter) -> Lift {
    let code = match l.insn.funct3() {
        0 => Op::Ld8s,
        1 => Op::Ld16s,
        2 => Op::Ld32s,
        3 => Op::Ld64,
        4 => Op::Ld8,
        5 => Op::Ld16,
        6 => Op::Ld32,
        _ => return Err(Illegal),
    };
    let (rd, rs1) = (l.rd(), l.rs1());
    l.b.alu_imm(code, rd, rs1, l.insn.imm_i());
    Ok(())
}

/// SB to SD.
pub fn store(l: &mut Lifter) -> Lift {
    let code = match l.insn.funct3() {
        0 => Op::St8,
        1 => Op::St16,
        2 => Op::St32,
        3 => Op::St64,
        _ => return Err(Illegal),
    };
    let (rs1, rs2) = (l.rs1(), l.rs2());
    l.b.op(code, ZERO, rs1, rs2, l.insn.imm_s());
    Ok(())
}

/// ADDI to ANDI.
pub fn immediate(l: &mut Lifter) -> Lift {
    let shift = (l.insn.upper12() & 0x3f) as i32;
    let (code, imm) = match (l.insn.funct3(), l.insn.upper12() >> 6) {
        (0, _) => (Op::AddI, l.insn.imm_i()),
        (2, _) => (Op::SltI, l.insn.imm_i()),
        (3, _) => (Op::SltuI, l.insn.imm_i()),
        (4, _) => (Op::XorI, l.insn.imm_i()),
        (6, _) => (Op::OrI, l.insn.imm_i()),
        (7, _) => (Op::AndI, l.insn.imm_i()),
        (1, 0) => (Op::ShlI, shift),
        (5, 0) => (Op::ShrI, shift),
        (5, 0x10) => (Op::SarI, shift),
        _ => return Err(Illegal),
    };
    let (rd, rs1) = (l.rd(), l.rs1());
    if code == Op::AddI && l.insn.rs1() == 0 {
        l.b.constant(rd, i64::from(imm) as u64); // LI
    } else if code == Op::AddI && imm == 0 {
        l.b.mov(rd, rs1); // MV
    } else {
        l.b.alu_imm(code, rd, rs1, imm);
    }
    Ok(())
}

/// ADDIW to SRAIW.
pub fn immediate_32(l: &mut Lifter) -> Lift {
    let shift = l.insn.rs2() as i32;
    let (code, imm) = match (l.insn.funct3(), l.insn.funct7()) {
        (0, _) => (Op::AddIW, l.insn.imm_i()),
        (1, 0) => (Op::ShlIW, shift),
        (5, 0) => (Op::ShrIW, shift),
        (5, 0x20) => (Op::SarIW, shift),
        _ => return Err(Illegal),
    };
    let (rd, rs1) = (l.rd(), l.rs1());
    l.b.alu_imm(code, rd, rs1, imm);
    Ok(())
}

/// ADD to AND.
pub fn register(l: &mut Lifter) -> Lift {
    let code = match (l.insn.funct7(), l.insn.funct3()) {
        (0, 0) => Op::Add,
        (0x20, 0) => Op::Sub,
        (0, 1) => Op::Shl,
        (0, 2) => Op::Slt,
        (0, 3) => Op::Sltu,
        (0, 4) => Op::Xor,
        (0, 5) => Op::Shr,
        (0x20, 5) => Op::Sar,
        (0, 6) => Op::Or,
        (0, 7) => Op::And,
        _ => return Err(Illegal),
    };
    let (rd, rs1, rs2) = (l.rd(), l.rs1(), l.rs2());
    if code == Op::Add && l.insn.rs1() == 0 {
        l.b.mov(rd, rs2); // C.MV
    } else {
        l.b.alu(code, rd, rs1, rs2);
    }
    Ok(())
}

/// ADDW to SRAW.
pub fn register_32(l: &mut Lifter) -> Lift {
    let code = match (l.insn.funct7(), l.insn.funct3()) {
        (0, 0) => Op::AddW,
        (0x20, 0) => Op::SubW,
        (0, 1) => Op::ShlW,
        (0, 5) => Op::ShrW,
        (0x20, 5) => Op::SarW,
        _ => return Err(Illegal),
    };
    let (rd, rs1, rs2) = (l.rd(), l.rs1(), l.rs2());
    l.b.alu(code, rd, rs1, rs2);
    Ok(())
}
