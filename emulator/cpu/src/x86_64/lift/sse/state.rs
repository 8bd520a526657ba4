//! The unit's control register and the FXSAVE area.

use super::moves::address;
use crate::x86_64::fpu::id as fpu;
use crate::x86_64::fpu::image::Layout;
use crate::x86_64::lift::{Lift, Lifter};
use crate::x86_64::reg::MXCSR;
use crate::x86_64::sse::memory::id;
use base::Width;
use iced_x86::Mnemonic as M;
use ir::reg::ZERO;

/// LDMXCSR and STMXCSR.
pub fn mxcsr(l: &mut Lifter) -> Lift {
    let address = l.ea();
    if l.insn.mnemonic() == M::Stmxcsr {
        l.store(address, Width::B4, MXCSR);
    } else {
        let value = l.b.temp();
        l.load(value, address, Width::B4);
        l.b.call(id::LDMXCSR, 0, ZERO, value, ZERO);
    }
    Ok(())
}

/// FXSAVE and FXRSTOR, in both forms.
pub fn fxsave(l: &mut Lifter) -> Lift {
    let mnemonic = l.insn.mnemonic();
    let layout = Layout {
        wide: matches!(mnemonic, M::Fxsave64 | M::Fxrstor64),
        long: l.mode.long(),
    };
    let call = if matches!(mnemonic, M::Fxsave | M::Fxsave64) {
        fpu::FXSAVE
    } else {
        fpu::FXRSTOR
    };
    let at = address(l);
    l.b.call(call, layout.payload(), ZERO, at, ZERO);
    Ok(())
}
