//! Lifting: from instruction bytes to micro-ops, a file a family.
//!
//! [`insn`] has the fields, [`compressed`] turns 16-bit instructions into the long ones that they stand for. What is not
//! decoded is reserved or absent, and raises an illegal-instruction exception with the instruction's bits.

mod atomic;
mod base;
mod bits;
mod compressed;
mod float;
mod insn;
mod multiply;
mod system;

use super::call::{float as float_id, system as id};
use super::mode::Mode;
use super::reg::{source, target};
use crate::hart::Lifted;
use crate::probes::Probes;
use ::base::event::COMPILED_IN;
use insn::Insn;
use ir::Builder;
use ir::Reg;
use ir::reg::ZERO;

/// A family's verdict on an instruction that is none of its: reserved, absent, or not allowed here.
pub struct Illegal;

/// How a family's lifting ends.
pub type Lift = Result<(), Illegal>;

/// A block being lifted.
pub struct Lifter {
    /// The block.
    pub b: Builder,
    /// What may be assumed.
    pub mode: Mode,
    /// The instruction, in its long form.
    pub insn: Insn,
    /// Where it is.
    pub pc: u64,
    /// Where the next one is.
    pub next: u64,
    /// The instruction's bits as they are in memory.
    pub bits: u32,
}

impl Lifter {
    /// Where the result goes.
    pub const fn rd(&self) -> Reg {
        target(self.insn.rd())
    }

    /// The first operand.
    pub const fn rs1(&self) -> Reg {
        source(self.insn.rs1())
    }

    /// The second operand.
    pub const fn rs2(&self) -> Reg {
        source(self.insn.rs2())
    }
}

/// Lifts at most `limit` instructions at `pc` from `code`, the bytes from there to the end of the page. The block ends
/// early at control flow and in front of an instruction that the bytes do not hold whole.
pub fn lift_block(code: &[u8], pc: u64, mode: Mode, limit: usize, probes: &Probes) -> Lifted {
    let mut l = Lifter {
        b: Builder::new(pc),
        mode,
        insn: Insn(0),
        pc,
        next: pc,
        bits: 0,
    };
    // Most instructions have nothing that anybody watches.
    let watched_from = |at| match () {
        () if mode.instructions() => at,
        () if mode.probes() => probes.next(at),
        () => u64::MAX,
    };
    let mut watched = watched_from(pc);
    let mut rest = code;
    while l.b.insns() < limit && !l.b.ended() {
        let Some((insn, bits, len)) = fetch(rest) else {
            break;
        };
        l.pc = l.next;
        l.next = l.pc.wrapping_add(len as u64);
        l.bits = bits;
        let here = (l.pc >= watched).then_some(probes);
        if here.is_some() {
            watched = watched_from(l.next);
        }
        begin(&mut l, here);
        let verdict = match insn {
            Some(insn) => {
                l.insn = Insn(insn);
                family(&mut l)
            }
            None => Err(Illegal),
        };
        if verdict.is_err() {
            l.b.abandon();
            begin(&mut l, here);
            let bits = l.b.imm(u64::from(l.bits));
            l.b.call_end(id::ILLEGAL, 0, ZERO, bits, ZERO);
        }
        rest = &rest[len..];
        if here.is_some_and(|probes| probes.inject_at(l.pc)) {
            break;
        }
    }
    if l.b.insns() == 0 {
        return Lifted::Straddles;
    }
    let next = l.next;
    Lifted::Block(l.b.finish(next))
}

/// The instruction at the beginning of `code`: in its long form if it has one, as it is, and its length.
fn fetch(code: &[u8]) -> Option<(Option<u32>, u32, usize)> {
    let low = u16::from_le_bytes(*code.first_chunk()?);
    if low & 3 != 3 {
        return Some((compressed::expand(low), u32::from(low), 2));
    }
    let long = u32::from_le_bytes(*code.first_chunk()?);
    // Longer instructions (all of bits 4..2 set) are reserved.
    Some(((long & 0x1c != 0x1c).then_some(long), long, 4))
}

fn begin(l: &mut Lifter, probes: Option<&Probes>) {
    l.b.begin(l.pc);
    if let Some(probes) = probes {
        if COMPILED_IN && l.mode.instructions() {
            l.b.report(None);
        }
        for probe in probes.at(l.pc) {
            l.b.report(Some(probe as u32));
        }
    }
}

/// The families, by major opcode (Unprivileged spec, "RV32/64G Instruction Set Listings").
fn family(l: &mut Lifter) -> Lift {
    match l.insn.opcode() {
        0x00 => base::load(l),
        0x03 => system::misc_mem(l),
        0x04 => base::immediate(l).or_else(|Illegal| bits::immediate(l)),
        0x05 => base::auipc(l),
        0x06 => base::immediate_32(l).or_else(|Illegal| bits::immediate_32(l)),
        0x08 => base::store(l),
        0x0b => atomic::lift(l),
        0x0c if l.insn.funct7() == 1 => multiply::lift(l),
        0x0c => base::register(l).or_else(|Illegal| bits::register(l)),
        0x0d => base::lui(l),
        0x0e if l.insn.funct7() == 1 => multiply::lift_32(l),
        0x0e => base::register_32(l).or_else(|Illegal| bits::register_32(l)),
        0x01 | 0x09 | 0x10..=0x14 if l.mode.float() => float::lift(l),
        0x18 => base::branch(l),
        0x19 => base::jalr(l),
        0x1b => base::jal(l),
        0x1c => system::lift(l),
        _ => Err(Illegal),
    }
}

/// Marks floating-point state dirty before the first instruction that writes it: the instruction is entered again with
/// the mark, which is part of the lift's assumptions. Whether it had to.
fn mark_float(l: &mut Lifter) -> bool {
    let needed = !l.mode.dirty();
    if needed {
        l.b.call_end(float_id::MARK, 0, ZERO, ZERO, ZERO);
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lift(code: &[u8]) -> String {
        match lift_block(
            code,
            0x1000,
            Mode::new(true, true, false, false),
            64,
            &Probes::default(),
        ) {
            Lifted::Block(block) => block.to_string(),
            Lifted::Straddles => "straddles".into(),
        }
    }

    #[test]
    fn a_block_ends_at_a_branch_and_fuses_the_comparison() {
        // addi a0, a0, -1; bnez a0, .-4
        let text = lift(&[0x13, 0x05, 0xf5, 0xff, 0xe3, 0x1e, 0x05, 0xfe]);
        assert!(text.contains("BrNe"), "{text}");
        assert!(text.contains("taken 0x1000"), "{text}");
    }

    #[test]
    fn half_an_instruction_straddles() {
        assert_eq!(lift(&[0x13, 0x05]), "straddles");
        assert_eq!(lift(&[0x01]), "straddles");
    }

    #[test]
    fn an_illegal_instruction_ends_the_block() {
        let text = lift(&[0, 0, 0, 0]);
        assert!(text.contains("CallEnd"), "{text}");
    }
}
