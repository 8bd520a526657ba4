//! Moves: whole registers, their halves, scalars, masks.

use crate::x86_64::lift::{Address, Lift, Lifter, Refusal};
use crate::x86_64::reg::RDI;
use crate::x86_64::sse::memory::id;
use base::Width;
use iced_x86::{Code, Mnemonic as M, OpKind};
use ir::reg::ZERO;
use ir::{Opcode, Reg};

/// MOVAPS, MOVDQU and their like; 16 bytes, `aligned` if memory must be.
pub fn full(l: &mut Lifter, aligned: bool) -> Lift {
    if l.is_memory(0) {
        let value = l.xmm(1)?;
        l.store_full(value, aligned);
    } else if l.is_memory(1) {
        let d = l.xmm(0)?;
        l.load_full(d, aligned);
    } else {
        let (d, a) = (l.xmm(0)?, l.xmm(1)?);
        l.b.mov(d, a);
        l.b.mov(d + 1, a + 1);
    }
    Ok(())
}

/// MOVSS and MOVSD: a load clears the rest of the register, a move between registers keeps it.
pub fn scalar(l: &mut Lifter) -> Lift {
    let width = if l.insn.mnemonic() == M::Movss {
        Width::B4
    } else {
        Width::B8
    };
    if l.is_memory(0) {
        let value = l.xmm(1)?;
        let address = l.ea();
        l.store(address, width, value);
    } else if l.is_memory(1) {
        load_cleared(l, width)?;
    } else {
        let (d, a) = (l.xmm(0)?, l.xmm(1)?);
        match width {
            Width::B4 => l.b.unary(Opcode::Insert32, d, a),
            _ => l.b.mov(d, a),
        }
    }
    Ok(())
}

/// The XMM register in operand 0 = memory, zero-extended to 128 bits.
fn load_cleared(l: &mut Lifter, width: Width) -> Lift {
    let d = l.xmm(0)?;
    let address = l.ea();
    l.load(d, address, width);
    l.b.constant(d + 1, 0);
    Ok(())
}

/// MOVD and MOVQ.
pub fn word(l: &mut Lifter) -> Lift {
    // MOVD with a 64-bit general register is MOVQ by another name.
    let wide = l.insn.mnemonic() == M::Movq
        || matches!(l.insn.code(), Code::Movq_xmm_rm64 | Code::Movq_rm64_xmm);
    let width = if wide { Width::B8 } else { Width::B4 };
    if l.is_memory(1) {
        return load_cleared(l, width);
    }
    let Ok(d) = l.xmm(0) else {
        let value = l.xmm(1)?;
        return l.write_operand(0, value);
    };
    let a = match l.xmm(1) {
        Ok(a) => a,
        Err(_) => l.register(1)?.0,
    };
    match width {
        Width::B4 => l.b.unary(Opcode::Zext32, d, a),
        _ => l.b.mov(d, a),
    }
    l.b.constant(d + 1, 0);
    Ok(())
}

/// MOVLPS, MOVHPD and their like: word number `part` of a register to or from memory.
pub fn half(l: &mut Lifter, part: Reg) -> Lift {
    if l.is_memory(0) {
        let value = l.xmm(1)? + part;
        let address = l.ea();
        l.store(address, Width::B8, value);
    } else {
        let d = l.xmm(0)? + part;
        let address = l.ea();
        l.load(d, address, Width::B8);
    }
    Ok(())
}

/// MOVHLPS and MOVLHPS.
pub fn cross(l: &mut Lifter) -> Lift {
    let (d, a) = (l.xmm(0)?, l.xmm(1)?);
    match l.insn.mnemonic() {
        M::Movhlps => l.b.mov(d, a + 1),
        _ => l.b.mov(d + 1, a),
    }
    Ok(())
}

/// PMOVMSKB, MOVMSKPS and MOVMSKPD.
pub fn mask(l: &mut Lifter) -> Lift {
    let (d, _) = l.register(0)?;
    let a = l.xmm(1)?;
    match l.insn.mnemonic() {
        M::Movmskpd => {
            let (low, high) = (
                l.imm_temp(Opcode::ShrI, a, 63),
                l.imm_temp(Opcode::ShrI, a + 1, 63),
            );
            l.b.op(Opcode::Lea, d, low, high, 1);
        }
        M::Movmskps => {
            let bytes = l.b.temp();
            l.b.unary(Opcode::VMoveMask8, bytes, a);
            // The tops of the lanes are bits 3, 7, 11 and 15; the product brings them to 12..15, apart from all else.
            let tops = l.imm_temp(Opcode::AndI, bytes, 0x8888);
            let gather = l.b.imm(1 | 1 << 3 | 1 << 6 | 1 << 9);
            let product = l.alu_temp(Opcode::Mul, tops, gather);
            let low = l.imm_temp(Opcode::ShrI, product, 12);
            l.b.alu_imm(Opcode::AndI, d, low, 15);
        }
        _ => l.b.unary(Opcode::VMoveMask8, d, a),
    }
    Ok(())
}

/// MASKMOVDQU: to the segment's (E)DI.
pub fn masked(l: &mut Lifter) -> Lift {
    let (data, mask) = (l.xmm(1)?, l.xmm(2)?);
    let base = match l.insn.op0_kind() {
        OpKind::MemorySegRDI => RDI,
        OpKind::MemorySegEDI => l.zext(RDI, Width::B4),
        OpKind::MemorySegDI => l.zext(RDI, Width::B2),
        _ => return Err(Refusal::Gap),
    };
    let linear = l.linear(Address::Based { base, disp: 0 }, l.insn.memory_segment());
    let address = l.address(linear);
    l.b.call(id::MASKMOVDQU, 0, address, data, mask);
    Ok(())
}

/// The address of the instruction's memory operand in a register; zero included.
pub fn address(l: &mut Lifter) -> Reg {
    let address = l.ea();
    match address {
        Address::Based { base: ZERO, disp } => l.b.imm(disp as u64),
        _ => l.address(address),
    }
}
