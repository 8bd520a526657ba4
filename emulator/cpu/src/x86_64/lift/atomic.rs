//! Read-modify-write of the exchange kind: XADD, CMPXCHG, CMPXCHG8B, CMPXCHG16B (SDM vol. 1, 7.3.1.2).
//!
//! LOCK needs nothing: CPUs run in turns, and no turn ends inside an instruction.

use super::lifter::Part;
use super::{Address, Lift, Lifter, Refusal};
use crate::x86_64::integer::id;
use crate::x86_64::reg::RAX;
use base::Width;
use iced_x86::Mnemonic;
use ir::Opcode;
use ir::flags::FlagKind;
use ir::reg::ZERO;

/// XADD CMPXCHG CMPXCHG8B CMPXCHG16B.
pub fn lift(l: &mut Lifter) -> Lift {
    match l.insn.mnemonic() {
        Mnemonic::Xadd => xadd(l),
        Mnemonic::Cmpxchg => cmpxchg(l),
        Mnemonic::Cmpxchg8b => pair(l, id::CMPXCHG8B),
        Mnemonic::Cmpxchg16b => pair(l, id::CMPXCHG16B),
        _ => Err(Refusal::Gap),
    }
}

fn xadd(l: &mut Lifter) -> Lift {
    let width = l.width(0)?;
    let (reg, part) = l.register(1)?;
    let b = l.low_part(reg, part);
    let (a, sum) = (l.b.temp(), l.b.temp());
    if l.is_memory(0) {
        let address = l.ea();
        let (base, disp) = l.based(address);
        l.load_for_write(a, base, disp, width);
        l.b.alu(Opcode::Add, sum, a, b);
        l.store(Address::Based { base, disp }, width, sum);
        l.b.set_flags(FlagKind::Add, width, a, b);
        l.write_part(reg, part, a);
        return Ok(());
    }
    let (first, first_part) = l.register(0)?;
    let value = l.low_part(first, first_part);
    l.b.mov(a, value);
    l.b.alu(Opcode::Add, sum, a, b);
    l.b.set_flags(FlagKind::Add, width, a, b);
    // The sum is written last: it wins if both operands are one register.
    l.write_part(reg, part, a);
    l.write_part(first, first_part, sum);
    Ok(())
}

/// The accumulator's part for a width.
const fn accumulator(width: Width) -> Part {
    match width {
        Width::B1 => Part::Low,
        Width::B2 => Part::Word,
        Width::B4 => Part::Dword,
        Width::B8 => Part::Quad,
    }
}

fn cmpxchg(l: &mut Lifter) -> Lift {
    let width = l.width(0)?;
    let (reg, part) = l.register(1)?;
    let source = l.low_part(reg, part);
    let memory = if l.is_memory(0) {
        let address = l.ea();
        Some(l.based(address))
    } else {
        None
    };
    let old = match memory {
        Some((base, disp)) => {
            let t = l.b.temp();
            l.load_for_write(t, base, disp, width);
            t
        }
        None => {
            let low = l.read_low(0)?;
            let whole = l.zext(low, width);
            l.copy(whole)
        }
    };
    let expected = l.zext(RAX, width);
    let equal = l.alu_temp(Opcode::Seq, old, expected);
    // Memory is written in either case; a 32-bit register keeps its upper half on failure.
    let new = match memory {
        None if width == Width::B4 => l.copy(l.register(0)?.0),
        _ => l.copy(old),
    };
    let source = l.zext(source, width);
    l.b.alu(Opcode::MovNz, new, equal, source);
    if let Some((base, disp)) = memory {
        l.store(Address::Based { base, disp }, width, new);
    }
    l.b.set_flags(FlagKind::Sub, width, RAX, old);
    // On success the accumulator stays whole; its upper half is cleared only by a write.
    match accumulator(width) {
        Part::Quad | Part::Dword => l.b.alu(Opcode::MovZ, RAX, equal, old),
        narrow => {
            let kept = l.copy(RAX);
            l.b.alu(Opcode::MovZ, kept, equal, old);
            l.write_part(RAX, narrow, kept);
        }
    }
    if memory.is_none() {
        let (first, first_part) = l.register(0)?;
        match first_part {
            // Comparing the accumulator with itself succeeds, so `new` is right for it too.
            Part::Quad | Part::Dword => l.b.mov(first, new),
            narrow => l.write_part(first, narrow, new),
        }
    }
    Ok(())
}

fn pair(l: &mut Lifter, call: u16) -> Lift {
    let address = l.ea();
    let address = l.address(address);
    l.b.call(call, 0, ZERO, address, ZERO);
    Ok(())
}
