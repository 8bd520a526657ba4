//! The M extension: multiplication, division (Unprivileged spec, 12).

use super::super::call::integer as id;
use super::{Illegal, Lift, Lifter};
use ir::Opcode as Op;

/// MUL to REMU.
pub fn lift(l: &mut Lifter) -> Lift {
    let (rd, rs1, rs2) = (l.rd(), l.rs1(), l.rs2());
    match l.insn.funct3() {
        0 => l.b.alu(Op::Mul, rd, rs1, rs2),
        1 => l.b.alu(Op::MulHS, rd, rs1, rs2),
        2 => l.b.alu(Op::MulHSU, rd, rs1, rs2),
        3 => l.b.alu(Op::MulHU, rd, rs1, rs2),
        4 => l.b.call(id::DIV, 0, rd, rs1, rs2),
        5 => l.b.call(id::DIVU, 0, rd, rs1, rs2),
        6 => l.b.call(id::REM, 0, rd, rs1, rs2),
        _ => l.b.call(id::REMU, 0, rd, rs1, rs2),
    }
    Ok(())
}

/// MULW to REMUW.
pub fn lift_32(l: &mut Lifter) -> Lift {
    let (rd, rs1, rs2) = (l.rd(), l.rs1(), l.rs2());
    match l.insn.funct3() {
        0 => l.b.alu(Op::MulW, rd, rs1, rs2),
        4 => l.b.call(id::DIVW, 0, rd, rs1, rs2),
        5 => l.b.call(id::DIVUW, 0, rd, rs1, rs2),
        6 => l.b.call(id::REMW, 0, rd, rs1, rs2),
        7 => l.b.call(id::REMUW, 0, rd, rs1, rs2),
        _ => return Err(Illegal),
    }
    Ok(())
}
