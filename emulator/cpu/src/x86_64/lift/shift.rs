//! Shifts and rotates (SDM vol. 1, 7.3.6).
//!
//! Counts are taken modulo 32 (64 for 64-bit operands). A count of zero leaves the flags alone, though a 32-bit
//! register is still zero-extended and memory still written.

use super::lifter::Part;
use super::{Address, Lift, Lifter, Refusal};
use crate::x86_64::integer::id;
use crate::x86_64::reg::RCX;
use base::Width;
use iced_x86::{Mnemonic, Register};
use ir::flags::{self, FlagKind};
use ir::reg::ZERO;
use ir::{Opcode, Reg};

/// A destination that is read, computed on and written: a register's part, or memory.
enum Place {
    Register(Reg, Part),
    Memory(Reg, i32),
}

/// A shift count.
#[derive(Clone, Copy)]
enum Count {
    /// A literal, already masked.
    Literal(u8),
    /// A temporary that holds the masked count.
    Dynamic(Reg),
}

/// Operand 0 read with its low bits valid.
fn open(l: &mut Lifter, width: Width) -> Result<(Place, Reg), Refusal> {
    if l.is_memory(0) {
        let address = l.ea();
        let (base, disp) = l.based(address);
        let value = l.b.temp();
        l.load_for_write(value, base, disp, width);
        return Ok((Place::Memory(base, disp), value));
    }
    let (reg, part) = l.register(0)?;
    let value = l.low_part(reg, part);
    Ok((Place::Register(reg, part), value))
}

/// Where the result goes at once.
fn target(l: &mut Lifter, place: &Place) -> Reg {
    match *place {
        Place::Register(reg, part) => l.target(reg, part),
        Place::Memory(..) => l.b.temp(),
    }
}

/// Writes the result that stands in `value` (which may be the destination already).
fn close(l: &mut Lifter, place: &Place, width: Width, value: Reg) {
    match *place {
        Place::Register(reg, part) => l.finish_part(reg, part, value),
        Place::Memory(base, disp) => l.store(Address::Based { base, disp }, width, value),
    }
}

/// Operand `n`, the count, masked for `width`.
fn count(l: &mut Lifter, n: u32, width: Width) -> Count {
    let mask = if width == Width::B8 { 63 } else { 31 };
    match l.immediate(n) {
        Some(imm) => Count::Literal(imm as u8 & mask),
        None => {
            debug_assert!(l.insn.op_register(n) == Register::CL);
            Count::Dynamic(l.imm_temp(Opcode::AndI, RCX, i32::from(mask)))
        }
    }
}

/// SHL SHR SAR.
pub fn shift(l: &mut Lifter) -> Lift {
    use Opcode as O;
    let width = l.width(0)?;
    let count = count(l, 1, width);
    let (place, a) = open(l, width)?;
    let (kind, by_imm, by_reg) = match (l.insn.mnemonic(), width) {
        (Mnemonic::Shl | Mnemonic::Sal, Width::B8) => (FlagKind::Shl, O::ShlI, O::Shl),
        (Mnemonic::Shl | Mnemonic::Sal, Width::B4) => (FlagKind::Shl, O::ShlI32, O::Shl32),
        (Mnemonic::Shl | Mnemonic::Sal, _) => (FlagKind::Shl, O::ShlI, O::Shl),
        (Mnemonic::Shr, Width::B4) => (FlagKind::Shr, O::ShrI32, O::Shr32),
        (Mnemonic::Shr, _) => (FlagKind::Shr, O::ShrI, O::Shr),
        (_, Width::B4) => (FlagKind::Sar, O::SarI32, O::Sar32),
        (_, _) => (FlagKind::Sar, O::SarI, O::Sar),
    };
    // Bits shifted in from above the operand must be the right ones.
    let source = match (kind, width) {
        (FlagKind::Shr, Width::B1 | Width::B2) => l.zext(a, width),
        (FlagKind::Sar, Width::B1 | Width::B2) => l.sext(a, width),
        _ => a,
    };
    let target = target(l, &place);
    let register = matches!(place, Place::Register(..));
    // The flags need the operand that a register destination overwrites, but must wait for a store.
    let set_flags = |l: &mut Lifter| match count {
        Count::Literal(0) => {}
        Count::Literal(n) => {
            let n = l.b.imm(u64::from(n));
            l.b.set_flags(kind, width, a, n);
        }
        Count::Dynamic(n) => l.b.set_flags_if(kind, width, a, n),
    };
    if register {
        set_flags(l);
    }
    match count {
        Count::Literal(0) if width == Width::B4 => l.b.unary(O::Zext32, target, a),
        Count::Literal(0) => l.b.mov(target, a),
        Count::Literal(n) => l.b.alu_imm(by_imm, target, source, i32::from(n)),
        Count::Dynamic(n) => l.b.alu(by_reg, target, source, n),
    }
    close(l, &place, width, target);
    if !register {
        set_flags(l);
    } else if let (Place::Register(reg, part), Count::Literal(1..)) = (&place, count)
        && *part != Part::High
    {
        l.b.result(*reg);
    }
    Ok(())
}

/// ROL ROR: only CF and OF change.
pub fn rotate(l: &mut Lifter) -> Lift {
    let width = l.width(0)?;
    let left = l.insn.mnemonic() == Mnemonic::Rol;
    let count = count(l, 1, width);
    let (place, a) = open(l, width)?;
    // Small operands are repeated to fill 32 bits, which rotate like them.
    let source = match width {
        Width::B1 => {
            let (a, ones) = (l.zext(a, width), l.b.imm(0x0101_0101));
            l.alu_temp(Opcode::Mul, a, ones)
        }
        Width::B2 => {
            let (a, ones) = (l.zext(a, width), l.b.imm(0x0001_0001));
            l.alu_temp(Opcode::Mul, a, ones)
        }
        _ => a,
    };
    let wide = width == Width::B8;
    let overflow = rotate_overflow(l, width, left, a);
    let target = target(l, &place);
    match (count, left, wide) {
        (Count::Literal(n), false, true) => l.b.alu_imm(Opcode::RorI, target, source, i32::from(n)),
        (Count::Literal(n), false, false) => {
            l.b.alu_imm(Opcode::RorI32, target, source, i32::from(n))
        }
        (Count::Literal(n), true, true) => l.b.alu_imm(
            Opcode::RorI,
            target,
            source,
            i32::from(n).wrapping_neg() & 63,
        ),
        (Count::Literal(n), true, false) => {
            l.b.alu_imm(
                Opcode::RorI32,
                target,
                source,
                i32::from(n).wrapping_neg() & 31,
            );
        }
        (Count::Dynamic(n), true, true) => l.b.alu(Opcode::Rol, target, source, n),
        (Count::Dynamic(n), true, false) => l.b.alu(Opcode::Rol32, target, source, n),
        (Count::Dynamic(n), false, true) => l.b.alu(Opcode::Ror, target, source, n),
        (Count::Dynamic(n), false, false) => l.b.alu(Opcode::Ror32, target, source, n),
    }
    close(l, &place, width, target);
    let kept = matches!((&place, count), (Place::Register(..), Count::Literal(2..)));
    rotate_flags(l, width, left, count, target, (!kept).then_some(overflow));
    Ok(())
}

/// OF, in its place in the flag word: whether a rotate of `a` by one changes the top bit. The manual leaves other counts
/// open; silicon does the same for them, but keeps OF if it rotates a register by a literal.
fn rotate_overflow(l: &mut Lifter, width: Width, left: bool, a: Reg) -> Reg {
    let top = width.bits() as i32 - 1;
    let changed = if left {
        let next = l.imm_temp(Opcode::ShlI, a, 1);
        let differ = l.alu_temp(Opcode::Xor, a, next);
        l.imm_temp(Opcode::ShrI, differ, top)
    } else {
        let high = l.imm_temp(Opcode::ShrI, a, top);
        l.alu_temp(Opcode::Xor, a, high)
    };
    l.b.alu_imm(Opcode::AndI, changed, changed, 1);
    l.imm_temp(Opcode::ShlI, changed, flags::OF.trailing_zeros() as i32)
}

/// CF is the bit that went round last.
fn rotate_flags(
    l: &mut Lifter,
    width: Width,
    left: bool,
    count: Count,
    result: Reg,
    overflow: Option<Reg>,
) {
    if matches!(count, Count::Literal(0)) {
        return;
    }
    let last = if left {
        result
    } else {
        l.imm_temp(Opcode::ShrI, result, width.bits() as i32 - 1)
    };
    let carry = l.imm_temp(Opcode::AndI, last, 1);
    let old = l.b.temp();
    l.b.get_flags(old);
    let changed = if overflow.is_some() {
        flags::CF | flags::OF
    } else {
        flags::CF
    };
    let word = l.imm_temp(Opcode::AndI, old, !(changed as i32));
    l.b.alu(Opcode::Or, word, word, carry);
    if let Some(overflow) = overflow {
        l.b.alu(Opcode::Or, word, word, overflow);
    }
    if let Count::Dynamic(n) = count {
        l.b.alu(Opcode::MovZ, word, n, old);
    }
    l.b.set_flags(FlagKind::Raw, Width::B8, word, ZERO);
}

/// A call's number for a width, as the payload says it.
const fn payload(width: Width) -> u16 {
    width.bytes() as u16
}

fn count_register(l: &mut Lifter, count: Count) -> Reg {
    match count {
        Count::Literal(n) => l.b.imm(u64::from(n)),
        Count::Dynamic(n) => n,
    }
}

/// RCL RCR: rare enough for a call.
pub fn rotate_through_carry(l: &mut Lifter) -> Lift {
    let width = l.width(0)?;
    let count = count(l, 1, width);
    let (place, a) = open(l, width)?;
    let call = if l.insn.mnemonic() == Mnemonic::Rcl {
        id::RCL
    } else {
        id::RCR
    };
    let (n, result) = (count_register(l, count), l.b.temp());
    l.b.call(call, payload(width), result, a, n);
    write_result(l, &place, width, result);
    Ok(())
}

/// SHLD SHRD: a call.
pub fn double(l: &mut Lifter) -> Lift {
    let width = l.width(0)?;
    let count = count(l, 2, width);
    let (place, a) = open(l, width)?;
    let b = l.read_low(1)?;
    let call = if l.insn.mnemonic() == Mnemonic::Shld {
        id::SHLD
    } else {
        id::SHRD
    };
    let n = count_register(l, count);
    let result = l.copy(n);
    l.b.call(call, payload(width), result, a, b);
    write_result(l, &place, width, result);
    Ok(())
}

fn write_result(l: &mut Lifter, place: &Place, width: Width, result: Reg) {
    match *place {
        Place::Register(reg, part) => l.write_part(reg, part, result),
        Place::Memory(base, disp) => l.store(Address::Based { base, disp }, width, result),
    }
}
