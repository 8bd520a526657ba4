//! The F and D extensions (Unprivileged spec, 20 and 21). What the host's arithmetic may do is an op of its own; the rest
//! is a call, with format, rounding mode and a third operand in its payload ([`super::super::call::float`]).

use super::super::call::float::{self as id, Form};
use super::super::reg::float;
use super::{Illegal, Lift, Lifter, mark_float};
use ir::Opcode as Op;
use ir::Reg;
use ir::reg::ZERO;

/// The upper half of a register that holds a single value (20.2).
const BOX: u64 = 0xffff_ffff_0000_0000;

impl Lifter {
    const fn fd(&self) -> Reg {
        float(self.insn.rd())
    }

    const fn fs1(&self) -> Reg {
        float(self.insn.rs1())
    }

    const fn fs2(&self) -> Reg {
        float(self.insn.rs2())
    }
}

/// Loads, stores, arithmetic, conversions, comparisons.
pub fn lift(l: &mut Lifter) -> Lift {
    match l.insn.opcode() {
        0x01 => load(l),
        0x09 => store(l),
        0x14 => operation(l),
        _ => fused(l),
    }
}

/// FLW, FLD.
fn load(l: &mut Lifter) -> Lift {
    let double = match l.insn.funct3() {
        2 => false,
        3 => true,
        _ => return Err(Illegal),
    };
    if mark_float(l) {
        return Ok(());
    }
    let (fd, rs1, imm) = (l.fd(), l.rs1(), l.insn.imm_i());
    if double {
        l.b.alu_imm(Op::Ld64, fd, rs1, imm);
    } else {
        let t = l.b.temp();
        l.b.alu_imm(Op::Ld32, t, rs1, imm);
        boxed(l, fd, t);
    }
    Ok(())
}

/// d = a, which has 32 bits, NaN-boxed.
fn boxed(l: &mut Lifter, d: Reg, a: Reg) {
    let upper = l.b.imm(BOX);
    l.b.alu(Op::Or, d, a, upper);
}

/// FSW, FSD.
fn store(l: &mut Lifter) -> Lift {
    let code = match l.insn.funct3() {
        2 => Op::St32,
        3 => Op::St64,
        _ => return Err(Illegal),
    };
    let (rs1, fs2) = (l.rs1(), l.fs2());
    l.b.op(code, ZERO, rs1, fs2, l.insn.imm_s());
    Ok(())
}

/// The format of an instruction: 0 single, 1 double.
fn format(l: &Lifter) -> Result<bool, Illegal> {
    match l.insn.0 >> 25 & 3 {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Illegal),
    }
}

/// The rounding mode; 5 and 6 are reserved, 7 means frm.
fn rounding(l: &Lifter) -> Result<u16, Illegal> {
    match l.insn.funct3() {
        5 | 6 => Err(Illegal),
        mode => Ok(mode as u16),
    }
}

/// FMADD, FMSUB, FNMSUB, FNMADD.
fn fused(l: &mut Lifter) -> Lift {
    let form = Form {
        double: format(l)?,
        rounding: rounding(l)?,
        third: l.insn.rs3() as u16,
    };
    let call = match l.insn.opcode() {
        0x10 => id::MADD,
        0x11 => id::MSUB,
        0x12 => id::NMSUB,
        _ => id::NMADD,
    };
    if mark_float(l) {
        return Ok(());
    }
    let (fd, fs1, fs2) = (l.fd(), l.fs1(), l.fs2());
    l.b.call(call, form.pack(), fd, fs1, fs2);
    Ok(())
}

/// OP-FP.
fn operation(l: &mut Lifter) -> Lift {
    let double = format(l)?;
    let funct3 = l.insn.funct3();
    let rs2 = l.insn.rs2();
    let form = |rounding: u16| {
        let third = 0;
        Form {
            double,
            rounding,
            third,
        }
        .pack()
    };
    // What is checked here comes before the mark: an illegal instruction changes nothing.
    let (call, payload, to_integer, from_integer) = match (l.insn.funct7() >> 2, funct3, rs2) {
        (0x00, ..) => (id::ADD, form(rounding(l)?), false, false),
        (0x01, ..) => (id::SUB, form(rounding(l)?), false, false),
        (0x02, ..) => (id::MUL, form(rounding(l)?), false, false),
        (0x03, ..) => (id::DIV, form(rounding(l)?), false, false),
        (0x0b, _, 0) => (id::SQRT, form(rounding(l)?), false, false),
        (0x04, 0, _) => (id::SGNJ, form(0), false, false),
        (0x04, 1, _) => (id::SGNJN, form(0), false, false),
        (0x04, 2, _) => (id::SGNJX, form(0), false, false),
        (0x05, 0, _) => (id::MIN, form(0), false, false),
        (0x05, 1, _) => (id::MAX, form(0), false, false),
        // From the other format: FCVT.S.D, FCVT.D.S.
        (0x08, _, other) if other == u32::from(!double) => {
            (id::CONVERT, form(rounding(l)?), false, false)
        }
        (0x14, 0, _) => (id::LE, form(0), true, false),
        (0x14, 1, _) => (id::LT, form(0), true, false),
        (0x14, 2, _) => (id::EQ, form(0), true, false),
        (0x18, _, 0..=3) => (id::TO_W + rs2 as u16, form(rounding(l)?), true, false),
        (0x1a, _, 0..=3) => (id::FROM_W + rs2 as u16, form(rounding(l)?), false, true),
        (0x1c, 1, 0) => (id::CLASS, form(0), true, false),
        // FMV.X.W, FMV.X.D
        (0x1c, 0, 0) => {
            let (rd, fs1) = (l.rd(), l.fs1());
            if double {
                l.b.mov(rd, fs1);
            } else {
                l.b.unary(Op::Sext32, rd, fs1);
            }
            return Ok(());
        }
        // FMV.W.X, FMV.D.X
        (0x1e, 0, 0) => {
            if mark_float(l) {
                return Ok(());
            }
            let (fd, rs1) = (l.fd(), l.rs1());
            if double {
                l.b.mov(fd, rs1);
            } else {
                let t = l.b.temp();
                l.b.unary(Op::Zext32, t, rs1);
                boxed(l, fd, t);
            }
            return Ok(());
        }
        _ => return Err(Illegal),
    };
    // Comparisons and conversions to integers write flags, which are floating-point state.
    if mark_float(l) {
        return Ok(());
    }
    let d = if to_integer { l.rd() } else { l.fd() };
    let a = if from_integer { l.rs1() } else { l.fs1() };
    let b = l.fs2();
    if call == id::SGNJ && double && l.insn.rs1() == rs2 {
        l.b.mov(d, a); // FMV.D
        return Ok(());
    }
    // The host may add doubles if the mode is to nearest, by name or by frm, which the fast ops see to.
    let nearest = matches!(funct3, 0 | 7);
    let fast = match call {
        id::ADD => Some(Op::FAdd64),
        id::SUB => Some(Op::FSub64),
        id::MUL => Some(Op::FMul64),
        id::DIV => Some(Op::FDiv64),
        id::SQRT => Some(Op::FSqrt64),
        _ => None,
    };
    match fast.filter(|_| double && nearest) {
        Some(code) => {
            let b = if call == id::SQRT { a } else { b };
            let imm = (u32::from(call) | u32::from(payload) << 16) as i32;
            l.b.op(code, d, a, b, imm);
        }
        None => l.b.call(call, payload, d, a, b),
    }
    Ok(())
}
