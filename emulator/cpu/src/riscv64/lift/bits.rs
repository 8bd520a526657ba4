//! Bit manipulation: Zba (addresses), Zbb (basic), Zbs (single bits), and Zicond (conditional zero).

use super::super::call::integer as id;
use super::{Illegal, Lift, Lifter};
use ir::Opcode as Op;
use ir::Reg;
use ir::reg::ZERO;

/// SLLI-like encodings of OP-IMM that RV64I leaves free.
pub fn immediate(l: &mut Lifter) -> Lift {
    let (rd, rs1) = (l.rd(), l.rs1());
    let shift = (l.insn.upper12() & 0x3f) as i32;
    match (l.insn.funct3(), l.insn.upper12() >> 6, l.insn.upper12()) {
        // CLZ, CTZ, CPOP, SEXT.B, SEXT.H
        (1, _, 0x600) => l.b.unary(Op::Clz, rd, rs1),
        (1, _, 0x601) => l.b.unary(Op::Ctz, rd, rs1),
        (1, _, 0x602) => l.b.unary(Op::Popcnt, rd, rs1),
        (1, _, 0x604) => l.b.unary(Op::Sext8, rd, rs1),
        (1, _, 0x605) => l.b.unary(Op::Sext16, rd, rs1),
        // BCLRI, BINVI, BSETI, BEXTI
        (1, 0x12, _) => single(l, Op::AndNot, 1 << shift),
        (1, 0x1a, _) => single(l, Op::Xor, 1 << shift),
        (1, 0x0a, _) => single(l, Op::Or, 1 << shift),
        (5, 0x12, _) => {
            let t = l.b.temp();
            l.b.alu_imm(Op::ShrI, t, rs1, shift);
            l.b.alu_imm(Op::AndI, rd, t, 1);
        }
        // RORI, ORC.B, REV8
        (5, 0x18, _) => l.b.alu_imm(Op::RorI, rd, rs1, shift),
        (5, _, 0x287) => l.b.call(id::ORC_B, 0, rd, rs1, ZERO),
        (5, _, 0x6b8) => l.b.unary(Op::Bswap, rd, rs1),
        _ => return Err(Illegal),
    }
    Ok(())
}

/// rd = code(rs1, mask)
fn single(l: &mut Lifter, code: Op, mask: u64) {
    let (rd, rs1, mask) = (l.rd(), l.rs1(), l.b.imm(mask));
    l.b.alu(code, rd, rs1, mask);
}

/// The same of OP-IMM-32.
pub fn immediate_32(l: &mut Lifter) -> Lift {
    let (rd, rs1) = (l.rd(), l.rs1());
    match (l.insn.funct3(), l.insn.upper12() >> 6, l.insn.upper12()) {
        // SLLI.UW
        (1, 0x02, _) => {
            let t = l.b.temp();
            l.b.unary(Op::Zext32, t, rs1);
            l.b.alu_imm(Op::ShlI, rd, t, (l.insn.upper12() & 0x3f) as i32);
        }
        // CLZW: of 64 bits there are 32 more. CTZW: a bit above stops it. CPOPW.
        (1, _, 0x600) => {
            let t = l.b.temp();
            l.b.unary(Op::Zext32, t, rs1);
            l.b.unary(Op::Clz, t, t);
            l.b.alu_imm(Op::AddI, rd, t, -32);
        }
        (1, _, 0x601) => {
            let (t, stop) = (l.b.temp(), l.b.imm(1 << 32));
            l.b.alu(Op::Or, t, rs1, stop);
            l.b.unary(Op::Ctz, rd, t);
        }
        (1, _, 0x602) => {
            let t = l.b.temp();
            l.b.unary(Op::Zext32, t, rs1);
            l.b.unary(Op::Popcnt, rd, t);
        }
        // RORIW
        (5, 0x18, upper) if upper & 0x20 == 0 => {
            let t = l.b.temp();
            l.b.alu_imm(Op::RorI32, t, rs1, l.insn.rs2() as i32);
            l.b.unary(Op::Sext32, rd, t);
        }
        _ => return Err(Illegal),
    }
    Ok(())
}

/// OP encodings that RV64I leaves free.
pub fn register(l: &mut Lifter) -> Lift {
    let (rd, rs1, rs2) = (l.rd(), l.rs1(), l.rs2());
    match (l.insn.funct7(), l.insn.funct3()) {
        // SH1ADD, SH2ADD, SH3ADD
        (0x10, 2) => l.b.op(Op::Lea, rd, rs2, rs1, 1),
        (0x10, 4) => l.b.op(Op::Lea, rd, rs2, rs1, 2),
        (0x10, 6) => l.b.op(Op::Lea, rd, rs2, rs1, 3),
        // ANDN, ORN, XNOR
        (0x20, 7) => l.b.alu(Op::AndNot, rd, rs1, rs2),
        (0x20, 6) => {
            let t = l.b.temp();
            l.b.alu_imm(Op::XorI, t, rs2, -1);
            l.b.alu(Op::Or, rd, rs1, t);
        }
        (0x20, 4) => {
            let t = l.b.temp();
            l.b.alu(Op::Xor, t, rs1, rs2);
            l.b.alu_imm(Op::XorI, rd, t, -1);
        }
        // MIN, MINU, MAX, MAXU
        (0x05, 4) => choose(l, Op::Slt, rs1, rs2),
        (0x05, 5) => choose(l, Op::Sltu, rs1, rs2),
        (0x05, 6) => choose(l, Op::Slt, rs2, rs1),
        (0x05, 7) => choose(l, Op::Sltu, rs2, rs1),
        // ROL, ROR
        (0x30, 1) => l.b.alu(Op::Rol, rd, rs1, rs2),
        (0x30, 5) => l.b.alu(Op::Ror, rd, rs1, rs2),
        // BCLR, BINV, BSET, BEXT
        (0x24, 1) => bit(l, Op::AndNot),
        (0x34, 1) => bit(l, Op::Xor),
        (0x14, 1) => bit(l, Op::Or),
        (0x24, 5) => {
            let t = l.b.temp();
            l.b.alu(Op::Shr, t, rs1, rs2);
            l.b.alu_imm(Op::AndI, rd, t, 1);
        }
        // CZERO.EQZ, CZERO.NEZ
        (0x07, 5) => zero_if(l, Op::MovZ),
        (0x07, 7) => zero_if(l, Op::MovNz),
        _ => return Err(Illegal),
    }
    Ok(())
}

/// rd = rs1 if `code`(a, b), else rs2.
fn choose(l: &mut Lifter, code: Op, a: Reg, b: Reg) {
    let (rd, rs1, rs2) = (l.rd(), l.rs1(), l.rs2());
    let (test, result) = (l.b.temp(), l.b.temp());
    l.b.alu(code, test, a, b);
    l.b.mov(result, rs2);
    l.b.alu(Op::MovNz, result, test, rs1);
    l.b.mov(rd, result);
}

/// rd = code(rs1, 1 << rs2)
fn bit(l: &mut Lifter, code: Op) {
    let (rd, rs1, rs2) = (l.rd(), l.rs1(), l.rs2());
    let (one, mask) = (l.b.imm(1), l.b.temp());
    l.b.alu(Op::Shl, mask, one, rs2);
    l.b.alu(code, rd, rs1, mask);
}

/// rd = rs1, or zero if `code` moves on rs2.
fn zero_if(l: &mut Lifter, code: Op) {
    let (rd, rs1, rs2) = (l.rd(), l.rs1(), l.rs2());
    let result = l.b.temp();
    l.b.mov(result, rs1);
    l.b.alu(code, result, rs2, ZERO);
    l.b.mov(rd, result);
}

/// The same of OP-32.
pub fn register_32(l: &mut Lifter) -> Lift {
    let (rd, rs1, rs2) = (l.rd(), l.rs1(), l.rs2());
    let t = l.b.temp();
    match (l.insn.funct7(), l.insn.funct3()) {
        // ADD.UW, SH1ADD.UW, SH2ADD.UW, SH3ADD.UW
        (0x04, 0) => {
            l.b.unary(Op::Zext32, t, rs1);
            l.b.alu(Op::Add, rd, t, rs2);
        }
        (0x10, shift @ (2 | 4 | 6)) => {
            l.b.unary(Op::Zext32, t, rs1);
            l.b.op(Op::Lea, rd, rs2, t, (shift / 2) as i32);
        }
        // ZEXT.H
        (0x04, 4) if l.insn.rs2() == 0 => l.b.unary(Op::Zext16, rd, rs1),
        // ROLW, RORW
        (0x30, 1) => {
            l.b.alu(Op::Rol32, t, rs1, rs2);
            l.b.unary(Op::Sext32, rd, t);
        }
        (0x30, 5) => {
            l.b.alu(Op::Ror32, t, rs1, rs2);
            l.b.unary(Op::Sext32, rd, t);
        }
        _ => return Err(Illegal),
    }
    Ok(())
}
