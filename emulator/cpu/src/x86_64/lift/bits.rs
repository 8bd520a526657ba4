//! Single bits: BT, BTS, BTR, BTC, BSF, BSR, POPCNT (SDM vol. 1, 7.3.7).

use super::alu::set_carry;
use super::lifter::Part;
use super::{Address, Lift, Lifter, Refusal};
use base::Width;
use iced_x86::Mnemonic;
use ir::flags::{self, FlagKind};
use ir::reg::ZERO;
use ir::{Opcode, Reg};

/// A bit's number in its word: a literal, or a register.
#[derive(Clone, Copy)]
enum Index {
    Literal(i32),
    Dynamic(Reg),
}

/// BT BTS BTR BTC: the bit goes to CF. The other flags stay (ZF must, the rest may).
pub fn test(l: &mut Lifter) -> Lift {
    let width = l.width(0)?;
    let mask = width.bits() as i32 - 1;
    let writes = l.insn.mnemonic() != Mnemonic::Bt;
    let literal = l.immediate(1);
    let source = if literal.is_none() {
        l.register(1)?.0
    } else {
        ZERO
    };
    let index = match literal {
        Some(imm) => Index::Literal(imm as i32 & mask),
        None => Index::Dynamic(l.imm_temp(Opcode::AndI, source, mask)),
    };
    if l.is_memory(0) {
        let (base, disp) = if literal.is_some() {
            let address = l.ea();
            l.based(address)
        } else {
            bit_string(l, source, width)?
        };
        let value = l.b.temp();
        if writes {
            l.load_for_write(value, base, disp, width);
            let result = l.b.temp();
            change(l, result, value, index);
            l.store(Address::Based { base, disp }, width, result);
        } else {
            l.load(value, Address::Based { base, disp }, width);
        }
        let bit = pick(l, value, index);
        set_carry(l, bit);
        return Ok(());
    }
    let (reg, part) = l.register(0)?;
    let bit = pick(l, reg, index);
    if writes {
        let target = l.target(reg, part);
        change(l, target, reg, index);
        match part {
            Part::Dword => l.b.unary(Opcode::Zext32, reg, target),
            _ => l.finish_part(reg, part, target),
        }
    }
    set_carry(l, bit);
    Ok(())
}

/// The word of a bit string in memory that holds bit `index`, a signed number of the operand's width.
fn bit_string(l: &mut Lifter, index: Reg, width: Width) -> Result<(Reg, i32), Refusal> {
    let index = l.sext(index, width);
    let words = l.imm_temp(Opcode::SarI, index, width.bits().trailing_zeros() as i32);
    let bytes = l.imm_temp(Opcode::ShlI, words, width.bytes().trailing_zeros() as i32);
    let offset = l.offset(0);
    let base = l.address(offset);
    let sum = l.alu_temp(Opcode::Add, base, bytes);
    let sum = match l.insn.memory_base().size() {
        2 => l.zext(sum, Width::B2),
        4 => l.zext(sum, Width::B4),
        _ => sum,
    };
    let linear = l.linear(
        Address::Based { base: sum, disp: 0 },
        l.insn.memory_segment(),
    );
    Ok(l.based(linear))
}

/// A temporary with the bit, 0 or 1.
fn pick(l: &mut Lifter, value: Reg, index: Index) -> Reg {
    let shifted = match index {
        Index::Literal(0) => value,
        Index::Literal(n) => l.imm_temp(Opcode::ShrI, value, n),
        Index::Dynamic(n) => l.alu_temp(Opcode::Shr, value, n),
    };
    l.imm_temp(Opcode::AndI, shifted, 1)
}

/// d = value with the bit set, cleared or turned.
fn change(l: &mut Lifter, d: Reg, value: Reg, index: Index) {
    let single = match index {
        Index::Literal(n) => l.b.imm(1 << n),
        Index::Dynamic(n) => {
            let one = l.b.imm(1);
            l.alu_temp(Opcode::Shl, one, n)
        }
    };
    let code = match l.insn.mnemonic() {
        Mnemonic::Bts => Opcode::Or,
        Mnemonic::Btr => Opcode::AndNot,
        _ => Opcode::Xor,
    };
    l.b.alu(code, d, value, single);
}

/// BSF BSR: ZF tells a zero source, which leaves the destination as it is. The manual leaves the other flags open;
/// silicon clears them, but for PF, the parity of the index found (or of zero).
pub fn scan(l: &mut Lifter) -> Lift {
    let width = l.width(0)?;
    let source = l.read_operand(1)?;
    let (reg, part) = l.register(0)?;
    let found = l.b.temp();
    if matches!(l.insn.mnemonic(), Mnemonic::Bsf | Mnemonic::Tzcnt) {
        l.b.unary(Opcode::Ctz, found, source);
    } else {
        l.b.unary(Opcode::Clz, found, source);
        l.b.alu_imm(Opcode::XorI, found, found, 63);
    }
    l.b.set_flags(FlagKind::Mul, width, found, ZERO);
    let none = l.imm_temp(Opcode::SeqI, source, 0);
    l.b.set_flags_if(FlagKind::Logic, width, source, none);
    if part == Part::Word {
        let kept = l.copy(reg);
        l.b.alu(Opcode::MovNz, kept, source, found);
        l.write_part(reg, part, kept);
    } else {
        l.b.alu(Opcode::MovNz, reg, source, found);
    }
    Ok(())
}

/// POPCNT: ZF tells a zero source, the other flags are cleared.
pub fn popcnt(l: &mut Lifter) -> Lift {
    let source = l.read_operand(1)?;
    let (reg, part) = l.register(0)?;
    let zero = l.imm_temp(Opcode::SeqI, source, 0);
    l.b.alu_imm(Opcode::ShlI, zero, zero, flags::ZF.trailing_zeros() as i32);
    l.b.set_flags(FlagKind::Raw, Width::B8, zero, ZERO);
    let target = l.target(reg, part);
    l.b.unary(Opcode::Popcnt, target, source);
    l.finish_part(reg, part, target);
    Ok(())
}
