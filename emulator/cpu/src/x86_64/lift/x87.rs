//! Lifting the x87 control instructions that kernels use; x87 arithmetic is a gap.

use super::{Lift, Lifter, Refusal};
use crate::x86_64::fpu::id;
use base::Width;
use iced_x86::Mnemonic as M;
use ir::reg::ZERO;

/// Lifts the instruction in hand. Whether the unit may be used is looked at when the call runs.
pub fn lift(l: &mut Lifter) -> Lift {
    match l.insn.mnemonic() {
        M::Fninit => l.b.call(id::FNINIT, 0, ZERO, ZERO, ZERO),
        M::Fnclex => l.b.call(id::FNCLEX, 0, ZERO, ZERO, ZERO),
        M::Wait => l.b.call(id::FWAIT, 0, ZERO, ZERO, ZERO),
        M::Fldcw => {
            let value = l.read_low(0)?;
            l.b.call(id::FLDCW, 0, ZERO, value, ZERO);
        }
        M::Fnstcw => return store(l, id::FNSTCW),
        M::Fnstsw => return store(l, id::FNSTSW),
        _ => return Err(Refusal::Gap),
    }
    Ok(())
}

/// A 16-bit control or status word to memory or AX.
fn store(l: &mut Lifter, call: u16) -> Lift {
    if l.width(0)? != Width::B2 {
        return Err(Refusal::Gap);
    }
    let value = l.b.temp();
    l.b.call(call, 0, value, ZERO, ZERO);
    l.write_operand(0, value)
}
