//! Removes what is dead inside a block: temporaries nobody reads and flags that are overwritten unseen.
//!
//! One backward pass over liveness. The ISA's registers are always live. Temporaries die with their instruction, so
//! nothing is live in them at the end of the block. The lazy flags are live at the end and in front of every op at
//! which the guest could look ([`Opcode::observes`](crate::Opcode::observes)): a fault there must find them exact.

use crate::block::Block;
use crate::op::Form;
use crate::reg::{FLAG_B, FLAG_KIND, is_temp};

/// Deletes dead ops and moves the instructions' op indices along.
pub fn optimize(block: &mut Block) {
    let mut live = [true; 256];
    live[usize::from(crate::reg::TEMP)..usize::from(crate::reg::TEMP_END)].fill(false);
    let mut keep = vec![true; block.ops.len()];
    let mut flags_live = true;
    for (index, op) in block.ops.iter().enumerate().rev() {
        if op.code.form() == Form::Flags {
            if !flags_live {
                keep[index] = false;
                continue;
            }
            flags_live = false; // `reads` lists the triple again where the old flags may stay
        } else if let Some(d) = op.pure_result()
            && is_temp(d)
        {
            if !live[usize::from(d)] {
                keep[index] = false;
                continue;
            }
            if !matches!(op.code.form(), Form::UpdateA | Form::UpdateAB) {
                live[usize::from(d)] = false;
            }
        }
        if op.code.observes() {
            flags_live = true;
        }
        match op.reads() {
            None => live.fill(true),
            Some(regs) => {
                for r in regs {
                    live[usize::from(r)] = true;
                    flags_live |= (FLAG_KIND..=FLAG_B).contains(&r);
                }
            }
        }
    }
    if keep.iter().all(|&k| k) {
        return;
    }
    let mut kept_before = 0u16;
    let mut new_index = Vec::with_capacity(keep.len() + 1);
    for &k in &keep {
        new_index.push(kept_before);
        kept_before += u16::from(k);
    }
    new_index.push(kept_before);
    for insn in &mut block.insns {
        insn.op = new_index[usize::from(insn.op)];
    }
    let mut keep = keep.iter();
    block.ops.retain(|_| *keep.next().unwrap_or(&true));
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
}
