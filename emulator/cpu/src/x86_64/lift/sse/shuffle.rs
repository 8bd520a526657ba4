//! Rearrangements that are a few word moves.

use crate::x86_64::lift::{Lift, Lifter};
use iced_x86::Mnemonic as M;
use ir::reg::ZERO;
use ir::{Opcode, Reg};

/// UNPCKLPD, UNPCKHPD, PUNPCKLQDQ and PUNPCKHQDQ.
pub fn unpack_words(l: &mut Lifter) -> Lift {
    let (d, b) = (l.xmm(0)?, l.source(1)?);
    match l.insn.mnemonic() {
        M::Unpcklpd | M::Punpcklqdq => l.b.mov(d + 1, b),
        _ => {
            l.b.mov(d, d + 1);
            l.b.mov(d + 1, b + 1);
        }
    }
    Ok(())
}

/// SHUFPD and PSHUFD.
pub fn pick(l: &mut Lifter) -> Lift {
    let (d, b) = (l.xmm(0)?, l.source(1)?);
    let imm = l.imm8();
    if l.insn.mnemonic() == M::Pshufd {
        l.b.op(Opcode::VShuffle32, d, b, ZERO, i32::from(imm));
        return Ok(());
    }
    let high = l.copy(b + (imm >> 1 & 1));
    l.b.mov(d, d + (imm & 1));
    l.b.mov(d + 1, high);
    Ok(())
}

/// PEXTRW and PINSRW.
pub fn word(l: &mut Lifter) -> Lift {
    let index = l.imm8() & 7;
    let shift = i32::from(index & 3) * 16;
    if l.insn.mnemonic() == M::Pextrw {
        let (d, _) = l.register(0)?;
        let word = l.xmm(1)? + (index >> 2);
        let low = l.imm_temp(Opcode::ShrI, word, shift);
        l.b.unary(Opcode::Zext16, d, low);
        return Ok(());
    }
    let word = l.xmm(0)? + (index >> 2);
    let value = l.read_low(1)?;
    // Rotated down, replaced, rotated back.
    let turned = l.imm_temp(Opcode::RorI, word, shift);
    l.b.unary(Opcode::Insert16, turned, value);
    l.b.alu_imm(Opcode::RorI, word, turned, (64 - shift) & 63);
    Ok(())
}

/// PSLLDQ and PSRLDQ: by bytes, across the words.
pub fn bytes(l: &mut Lifter) -> Lift {
    let d = l.xmm(0)?;
    let bits = i32::from(l.imm8()).min(16) * 8;
    let left = l.insn.mnemonic() == M::Pslldq;
    let (near, far) = if left { (d, d + 1) } else { (d + 1, d) };
    let (out, back) = if left {
        (Opcode::ShlI, Opcode::ShrI)
    } else {
        (Opcode::ShrI, Opcode::ShlI)
    };
    match bits {
        0 => {}
        1..=63 => {
            let carried = l.imm_temp(back, near, 64 - bits);
            let kept = l.imm_temp(out, far, bits);
            l.b.alu(Opcode::Or, far, kept, carried);
            l.b.alu_imm(out, near, near, bits);
        }
        _ => {
            whole_words(l, near, far, out, bits - 64);
        }
    }
    Ok(())
}

/// A shift by 64 bits or more: `near` is emptied into `far` and shifted on by `bits`.
fn whole_words(l: &mut Lifter, near: Reg, far: Reg, out: Opcode, bits: i32) {
    if bits == 64 {
        l.b.constant(far, 0);
    } else {
        l.b.alu_imm(out, far, near, bits);
    }
    l.b.constant(near, 0);
}
