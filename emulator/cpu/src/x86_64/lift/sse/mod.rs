//! Lifting SSE, SSE2 and FXSAVE (SDM vol. 1, chapters 10 and 11).
//!
//! Moves and the common packed operations become micro-ops, scalar arithmetic becomes the float ops that try the
//! host's arithmetic first, and the rest calls its row of `sse::table`. What decides whether the unit may be used is
//! looked at here, once per block: the mode is part of the block's key.

mod arithmetic;
mod moves;
mod operand;
mod shuffle;
mod state;

use super::{Lift, Lifter, Refusal};
use crate::x86_64::sse::memory::id;
use iced_x86::{Mnemonic as M, OpKind};
use ir::reg::ZERO;

/// Lifts the instruction in hand.
pub fn lift(l: &mut Lifter) -> Lift {
    if matches!(
        l.insn.mnemonic(),
        M::Fxsave | M::Fxsave64 | M::Fxrstor | M::Fxrstor64
    ) {
        // These look at CR0 alone, and do it when they run.
        return state::fxsave(l);
    }
    if !l.mode.sse() {
        l.b.call_end(id::UNUSABLE, 0, ZERO, ZERO, ZERO);
        return Ok(());
    }
    let uses_mmx = |n| l.insn.op_kind(n) == OpKind::Register && l.insn.op_register(n).is_mm();
    if (0..l.insn.op_count()).any(uses_mmx) {
        return Err(Refusal::Gap);
    }
    match l.insn.mnemonic() {
        M::Movaps | M::Movapd | M::Movdqa | M::Movntps | M::Movntpd | M::Movntdq => {
            moves::full(l, true)
        }
        M::Movups | M::Movupd | M::Movdqu => moves::full(l, false),
        M::Movss | M::Movsd => moves::scalar(l),
        M::Movd | M::Movq => moves::word(l),
        M::Movlps | M::Movlpd => moves::half(l, 0),
        M::Movhps | M::Movhpd => moves::half(l, 1),
        M::Movhlps | M::Movlhps => moves::cross(l),
        M::Movmskps | M::Movmskpd | M::Pmovmskb => moves::mask(l),
        M::Maskmovdqu => moves::masked(l),
        M::Ldmxcsr | M::Stmxcsr => state::mxcsr(l),
        M::Unpcklpd | M::Punpcklqdq | M::Unpckhpd | M::Punpckhqdq => shuffle::unpack_words(l),
        M::Shufpd | M::Pshufd => shuffle::pick(l),
        M::Pextrw | M::Pinsrw => shuffle::word(l),
        M::Pslldq | M::Psrldq => shuffle::bytes(l),
        M::Psllw | M::Pslld | M::Psllq | M::Psrlw | M::Psrld | M::Psrlq | M::Psraw | M::Psrad => {
            arithmetic::shift(l)
        }
        M::Comiss | M::Comisd | M::Ucomiss | M::Ucomisd => arithmetic::compare(l),
        M::Cvtsd2si | M::Cvtss2si | M::Cvttsd2si | M::Cvttss2si => arithmetic::to_integer(l),
        M::Cvtsi2sd | M::Cvtsi2ss => arithmetic::from_integer(l),
        _ => arithmetic::lift(l),
    }
}

#[cfg(test)]
mod tests {
    use crate::probes::Probes;
    use crate::x86_64::lift::{Lifted, lift_block};
    use crate::x86_64::mode::Mode;
    use crate::x86_64::sse::memory::id::UNUSABLE;
    use crate::x86_64::sse::table;
    use crate::x86_64::system::id::{GAP, RAISE};
    use iced_x86::Mnemonic as M;
    use ir::{Op, Opcode};

    fn ops(code: &[u8], usable: bool) -> Vec<Op> {
        let mode = Mode::new(64, false, false, usable, false, true);
        match lift_block(code, 0, mode, 1, &Probes::default()) {
            Lifted::Block(block) => block.ops,
            Lifted::Straddles => panic!("cut short"),
        }
    }

    fn check(code: &[u8], expected: &[Opcode]) {
        let codes: Vec<Opcode> = ops(code, true).iter().map(|op| op.code).collect();
        assert_eq!(codes, [expected, &[Opcode::Next]].concat());
    }

    #[test]
    fn whole_registers_move_in_one_access_that_checks_its_alignment() {
        check(&[0x0f, 0x28, 0x08], &[Opcode::CheckAlign, Opcode::Ld128]); // movaps xmm1, [rax]
        check(&[0x0f, 0x10, 0x08], &[Opcode::Ld128]); // movups xmm1, [rax]
        check(&[0x0f, 0x29, 0x08], &[Opcode::CheckAlign, Opcode::St128]); // movaps [rax], xmm1
    }

    #[test]
    fn scalar_arithmetic_names_its_exact_form() {
        let op = ops(&[0xf2, 0x0f, 0x58, 0xca], true)[0]; // addsd xmm1, xmm2
        assert_eq!((op.code, op.d, op.a, op.b), (Opcode::FAdd64, 18, 18, 20));
        assert_eq!(Some(op.imm as u16), table::number(M::Addsd));
    }

    #[test]
    fn a_packed_operation_reads_memory_before_it_writes() {
        check(
            &[0x66, 0x0f, 0xfc, 0x08],
            &[Opcode::CheckAlign, Opcode::Ld128, Opcode::VAdd8],
        ); // paddb
        check(
            &[0x66, 0x0f, 0xec, 0x08],
            &[Opcode::CheckAlign, Opcode::Ld128, Opcode::Call],
        ); // paddsb
    }

    #[test]
    fn a_switched_off_unit_is_a_fault_and_a_missing_one_a_gap() {
        let id = |code: &[u8], usable| ops(code, usable)[0].imm as u16;
        assert_eq!(id(&[0x0f, 0x58, 0xca], false), UNUSABLE);
        assert_eq!(
            id(&[0x0f, 0x2a, 0xca], true),
            GAP,
            "cvtpi2ps reads an MMX register"
        );
        assert_eq!(id(&[0x66, 0x0f, 0x7c, 0xca], true), RAISE, "haddpd is SSE3");
    }
}
