//! The stack: PUSH, POP, PUSHA, POPA, ENTER, LEAVE (SDM vol. 1, 6.2, 6.6).

use super::lifter::{Part, gpr};
use super::{Address, Lift, Lifter, Refusal};
use crate::x86_64::integer::id;
use crate::x86_64::reg::{RAX, RBP, RSP};
use base::Width;
use iced_x86::{Mnemonic, OpKind};
use ir::reg::ZERO;
use ir::{Opcode, Reg};

/// PUSH POP PUSHA POPA ENTER LEAVE.
pub fn lift(l: &mut Lifter) -> Lift {
    let segment = l.insn.op_count() > 0
        && l.insn.op0_kind() == OpKind::Register
        && gpr(l.insn.op0_register()).is_none();
    if segment {
        return super::system::lift(l);
    }
    match l.insn.mnemonic() {
        Mnemonic::Push => push(l),
        Mnemonic::Pop => pop(l),
        Mnemonic::Pusha => push_all(l, Width::B2),
        Mnemonic::Pushad => push_all(l, Width::B4),
        Mnemonic::Popa => pop_all(l, Width::B2),
        Mnemonic::Popad => pop_all(l, Width::B4),
        Mnemonic::Enter => enter(l),
        Mnemonic::Leave => leave(l),
        _ => Err(Refusal::Gap),
    }
}

/// Pushes the low bits of `value`, read before the stack pointer moves.
pub fn push_value(l: &mut Lifter, value: Reg, width: Width) {
    let size = width.bytes() as i32;
    let (base, disp) = l.stack_slot(-size);
    l.store(Address::Based { base, disp }, width, value);
    l.move_sp(-size);
}

fn push(l: &mut Lifter) -> Lift {
    let width = width_by_pointer(-l.insn.stack_pointer_increment())?;
    let value = l.read_low(0)?;
    push_value(l, value, width);
    Ok(())
}

fn width_by_pointer(bytes: i32) -> Result<Width, Refusal> {
    u64::try_from(bytes)
        .ok()
        .and_then(Width::from_bytes)
        .ok_or(Refusal::Gap)
}

fn pop(l: &mut Lifter) -> Lift {
    let width = width_by_pointer(l.insn.stack_pointer_increment())?;
    let size = width.bytes() as i32;
    let (base, disp) = l.stack_slot(0);
    let top = Address::Based { base, disp };
    if l.is_memory(0) {
        let value = l.b.temp();
        l.load(value, top, width);
        let address = l.ea_after_pop(size);
        l.store(address, width, value);
        l.move_sp(size);
        return Ok(());
    }
    let (reg, part) = l.register(0)?;
    if reg == RSP || !matches!(part, Part::Quad | Part::Dword) {
        // The popped value wins over the increment.
        let value = l.b.temp();
        l.load(value, top, width);
        l.move_sp(size);
        l.write_part(reg, part, value);
    } else {
        l.load(reg, top, width);
        l.move_sp(size);
    }
    Ok(())
}

fn push_all(l: &mut Lifter, width: Width) -> Lift {
    let size = width.bytes() as i32;
    let (base, disp) = l.stack_slot(-8 * size);
    // RAX goes first, to the highest slot; what was pushed in front of a fault stays in memory.
    for (slot, reg) in (0..8).rev().zip(RAX..8) {
        l.store(
            Address::Based {
                base,
                disp: disp + slot * size,
            },
            width,
            reg,
        );
    }
    l.move_sp(-8 * size);
    Ok(())
}

fn pop_all(l: &mut Lifter, width: Width) -> Lift {
    let size = width.bytes() as i32;
    let part = if width == Width::B2 {
        Part::Word
    } else {
        Part::Dword
    };
    let (base, disp) = l.stack_slot(0);
    let mut values = Vec::with_capacity(8);
    for (slot, reg) in (0..8).zip((RAX..8).rev()) {
        if reg == RSP {
            continue; // its image is thrown away
        }
        let value = l.b.temp();
        l.load(
            value,
            Address::Based {
                base,
                disp: disp + slot * size,
            },
            width,
        );
        values.push((reg, value));
    }
    for (reg, value) in values {
        l.write_part(reg, part, value);
    }
    l.move_sp(8 * size);
    Ok(())
}

/// How ENTER and LEAVE write RBP, by operand size.
const fn part_of(width: Width) -> Part {
    match width {
        Width::B8 => Part::Quad,
        Width::B4 => Part::Dword,
        _ => Part::Word,
    }
}

/// ENTER with nesting level 0 is PUSH, MOV and SUB; nested frames copy pointers, which is a call's work.
fn enter(l: &mut Lifter) -> Lift {
    let frame = i32::from(l.insn.immediate16());
    let level = i32::from(l.insn.immediate8_2nd() & 31);
    let total = -l.insn.stack_pointer_increment();
    let width = width_by_pointer((total - frame) / (level + 1))?;
    if level != 0 {
        let frame = l.b.imm(frame as u64);
        let payload = level as u16 | (width.bytes() as u16) << 8;
        l.b.call(id::ENTER, payload, ZERO, frame, ZERO);
        return Ok(());
    }
    let size = width.bytes() as i32;
    let (base, disp) = l.stack_slot(-size);
    l.store(Address::Based { base, disp }, width, RBP);
    // The new top of the stack must be writable, though nothing is written there.
    let (base, disp) = l.stack_slot(-size - frame);
    l.b.op(Opcode::ProbeWrite, ZERO, base, size as Reg, disp);
    let top = l.imm_temp(Opcode::AddI, RSP, -size);
    l.write_part(RBP, part_of(width), top);
    l.move_sp(-size - frame);
    Ok(())
}

fn leave(l: &mut Lifter) -> Lift {
    let width = match l.insn.code() {
        iced_x86::Code::Leavew => Width::B2,
        iced_x86::Code::Leaved => Width::B4,
        _ => Width::B8,
    };
    let size = width.bytes() as i32;
    let value = l.b.temp();
    if l.mode.long() {
        l.load(value, Address::Based { base: RBP, disp: 0 }, width);
        l.b.alu_imm(Opcode::AddI, RSP, RBP, size);
    } else {
        let (stack, part) = if l.mode.stack32() {
            (Width::B4, Part::Dword)
        } else {
            (Width::B2, Part::Word)
        };
        let frame = l.zext(RBP, stack);
        let address = l.linear(
            Address::Based {
                base: frame,
                disp: 0,
            },
            iced_x86::Register::SS,
        );
        l.load(value, address, width);
        let top = l.imm_temp(Opcode::AddI, frame, size);
        l.write_part(RSP, part, top);
    }
    l.write_part(RBP, part_of(width), value);
    Ok(())
}
