//! String instructions: MOVS, STOS, LODS, SCAS, CMPS, each a call that may run many iterations (SDM vol. 1, 7.3.9).

use super::{Lift, Lifter, Refusal};
use crate::x86_64::string::{Repeat, Shape, id};
use base::Width;
use iced_x86::{Mnemonic, OpKind, Register};
use ir::reg::ZERO;

/// MOVS STOS LODS SCAS CMPS, with any repeat prefix.
pub fn lift(l: &mut Lifter) -> Lift {
    use Mnemonic as M;
    let (call, width) = match l.insn.mnemonic() {
        M::Movsb => (id::MOVS, Width::B1),
        M::Movsw => (id::MOVS, Width::B2),
        M::Movsd => (id::MOVS, Width::B4),
        M::Movsq => (id::MOVS, Width::B8),
        M::Stosb => (id::STOS, Width::B1),
        M::Stosw => (id::STOS, Width::B2),
        M::Stosd => (id::STOS, Width::B4),
        M::Stosq => (id::STOS, Width::B8),
        M::Lodsb => (id::LODS, Width::B1),
        M::Lodsw => (id::LODS, Width::B2),
        M::Lodsd => (id::LODS, Width::B4),
        M::Lodsq => (id::LODS, Width::B8),
        M::Scasb => (id::SCAS, Width::B1),
        M::Scasw => (id::SCAS, Width::B2),
        M::Scasd => (id::SCAS, Width::B4),
        M::Scasq => (id::SCAS, Width::B8),
        M::Cmpsb => (id::CMPS, Width::B1),
        M::Cmpsw => (id::CMPS, Width::B2),
        M::Cmpsd => (id::CMPS, Width::B4),
        M::Cmpsq => (id::CMPS, Width::B8),
        _ => return Err(Refusal::Gap),
    };
    let repeat = match (l.insn.has_repne_prefix(), l.insn.has_rep_prefix()) {
        (true, _) => Repeat::WhileNotEqual,
        (_, true) => Repeat::WhileEqual,
        _ => Repeat::Once,
    };
    let shape = Shape {
        width,
        address: address_size(l)?,
        repeat,
    };
    let source = l.segment_base(l.insn.memory_segment()).unwrap_or(ZERO);
    let destination = l.segment_base(Register::ES).unwrap_or(ZERO);
    if repeat == Repeat::Once {
        l.b.call(call, shape.pack(), ZERO, source, destination);
    } else {
        l.b.call_end(call, shape.pack(), ZERO, source, destination);
    }
    Ok(())
}

/// The width of the index registers and of the counter.
fn address_size(l: &Lifter) -> Result<Width, Refusal> {
    for n in 0..l.insn.op_count() {
        match l.insn.op_kind(n) {
            OpKind::MemorySegSI | OpKind::MemoryESDI => return Ok(Width::B2),
            OpKind::MemorySegESI | OpKind::MemoryESEDI => return Ok(Width::B4),
            OpKind::MemorySegRSI | OpKind::MemoryESRDI => return Ok(Width::B8),
            _ => {}
        }
    }
    Err(Refusal::Gap)
}
