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
