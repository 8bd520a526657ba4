//! Removes what is dead inside a block: temporaries nobody reads and flags that are overwritten unseen.
//!
//! One backward pass over liveness. The ISA's registers are always live. Temporaries die with their instruction, so
//! nothing is live in them at the end of the block. The lazy flags are live at the end and in front of every op at
//! which the guest could look ([`Opcode::observes`](crate::Opcode::observes)): a fault there must find them exact.

use crate::block::Block;
use crate::op::{Form, Op, Opcode};
use crate::reg::{FLAG_B, FLAG_KIND, Reg, TEMP, TEMP_END, is_temp};

/// The temporaries somebody still reads, a bit each.
#[derive(Clone, Copy)]
struct Live(u128);

impl Live {
    const ALL: Self = Self(u128::MAX >> (128 - (TEMP_END - TEMP) as u32));

    const fn bit(reg: Reg) -> u128 {
        if is_temp(reg) { 1 << (reg - TEMP) } else { 0 }
    }
}

/// Deletes dead ops and moves the instructions' op indices along.
pub fn optimize(block: &mut Block) {
    let mut live = Live(0);
    let mut flags_live = true;
    let mut dead = 0;
    for op in block.ops.iter_mut().rev() {
        if is_dead(op, &mut live, &mut flags_live) {
            op.code = Opcode::Nop;
            dead += 1;
        }
    }
    if dead > 0 {
        compact(block);
    }
}

/// Whether nobody needs what the op does, given what is live behind it; if it stays, what is live in front of it.
fn is_dead(op: &Op, live: &mut Live, flags_live: &mut bool) -> bool {
    let form = op.code.form();
    if form == Form::Flags {
        if !*flags_live {
            return true;
        }
        *flags_live = false; // `reads` lists the triple again where the old flags may stay
    } else if let Some(d) = op.pure_result()
        && is_temp(d)
    {
        if live.0 & Live::bit(d) == 0 {
            return true;
        }
        if !matches!(form, Form::UpdateA | Form::UpdateAB) {
            live.0 &= !Live::bit(d);
        }
    }
    if op.code.observes() {
        *flags_live = true;
    }
    match op.reads() {
        None => *live = Live::ALL,
        Some(regs) => {
            for r in regs {
                live.0 |= Live::bit(r);
                *flags_live |= (FLAG_KIND..=FLAG_B).contains(&r);
            }
        }
    }
    form == Form::None
}

/// Removes the ops that do nothing.
fn compact(block: &mut Block) {
    let mut insns = block.insns.iter_mut().peekable();
    let (mut index, mut kept) = (0u16, 0u16);
    block.ops.retain(|op| {
        while let Some(insn) = insns.next_if(|insn| insn.op == index) {
            insn.op = kept;
        }
        index += 1;
        let keep = op.code != Opcode::Nop;
        kept += u16::from(keep);
        keep
    });
    for insn in insns {
        insn.op = kept;
    }
}

#[cfg(test)]
mod tests {
    use crate::builder::Builder;
    use crate::flags::FlagKind;
    use crate::op::Opcode;
    use base::Width;

    fn codes(build: impl FnOnce(&mut Builder)) -> Vec<Opcode> {
        let mut b = Builder::new(0x1000);
        b.begin(0x1000);
        build(&mut b);
        b.finish(0x1004).ops.iter().map(|op| op.code).collect()
    }

    #[test]
    fn flags_that_are_overwritten_unseen_are_removed() {
        let ops = codes(|b| {
            b.set_flags(FlagKind::Add, Width::B8, 1, 2);
            b.alu(Opcode::Add, 1, 1, 2);
            b.set_flags(FlagKind::Sub, Width::B8, 1, 2);
        });
        assert_eq!(ops, [Opcode::Add, Opcode::SetFlags, Opcode::Next]);
    }

    #[test]
    fn flags_in_front_of_a_fault_are_kept() {
        let ops = codes(|b| {
            b.set_flags(FlagKind::Add, Width::B8, 1, 2);
            b.alu_imm(Opcode::Ld64, 3, 4, 0);
            b.set_flags(FlagKind::Sub, Width::B8, 1, 2);
        });
        assert_eq!(
            ops,
            [
                Opcode::SetFlags,
                Opcode::Ld64,
                Opcode::SetFlags,
                Opcode::Next
            ]
        );
    }

    #[test]
    fn a_temporary_nobody_reads_is_removed_with_what_fed_it() {
        let ops = codes(|b| {
            let t = b.temp();
            b.alu_imm(Opcode::AddI, t, 1, 5);
            let u = b.temp();
            b.alu(Opcode::Add, u, t, t);
        });
        assert_eq!(ops, [Opcode::Next]);
    }

    #[test]
    fn an_instruction_that_lost_all_its_ops_begins_where_the_next_one_does() {
        let mut b = Builder::new(0);
        for pc in 0..3 {
            b.begin(pc);
            b.set_flags(FlagKind::Add, Width::B8, 1, 2);
        }
        b.begin(3);
        b.mov(1, 2);
        let block = b.finish(4);
        let starts: Vec<u16> = block.insns.iter().map(|insn| insn.op).collect();
        assert_eq!(starts, [0, 0, 0, 1]);
    }
}
