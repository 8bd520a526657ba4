//! The SSE calls that are no plain function of registers: they look at control registers or at memory.

use super::mxcsr;
use crate::x86_64::cpu::Cpu;
use crate::x86_64::state::bits;
use crate::x86_64::trap::{Trap, vector};
use base::{Bus, Observer, Width};
use ir::{Flow, Guest, Op};

/// The calls' numbers.
pub mod id {
    /// Faults as an SSE instruction does while the unit is switched off.
    pub const UNUSABLE: u16 = 0x2f0;
    /// MXCSR = the low half of a
    pub const LDMXCSR: u16 = 0x2f1;
    /// Stores the bytes of pair a whose byte in pair b has its top bit set, at the address in d.
    pub const MASKMOVDQU: u16 = 0x2f2;
}

/// Answers a call that is no row of the table.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    id: u16,
    op: Op,
    at: u64,
) -> Result<Flow, Trap> {
    match id {
        id::UNUSABLE => {
            // SDM vol. 3, table 14-1: #UD comes before #NM.
            let exists = cpu.hart.cr0 & bits::CR0_EM == 0 && cpu.hart.cr4 & bits::CR4_OSFXSR != 0;
            return Err(Trap::fault(if exists { vector::NM } else { vector::UD }));
        }
        id::LDMXCSR => {
            let value = cpu.hart.regs[usize::from(op.a)] & 0xffff_ffff;
            if value & !mxcsr::IMPLEMENTED != 0 {
                return Err(Trap::GP0);
            }
            mxcsr::set(&mut cpu.hart.regs, value);
        }
        id::MASKMOVDQU => store_masked(cpu, op, at)?,
        _ => return Err(cpu.gap("SSE instruction")),
    }
    Ok(Flow::Next)
}

/// MASKMOVDQU touches only the bytes it stores, and stores none if one of them faults.
fn store_masked<B: Bus, O: Observer>(cpu: &mut Cpu<'_, B, O>, op: Op, at: u64) -> Result<(), Trap> {
    let regs = &cpu.hart.regs;
    let addr = regs[usize::from(op.d)];
    let (data, mask) = (super::pair(regs, op.a), super::pair(regs, op.b));
    let selected = (0..16u32).filter(|i| mask >> (8 * i + 7) & 1 != 0);
    for i in selected.clone() {
        cpu.probe_write(addr.wrapping_add(u64::from(i)), 1, at)?;
    }
    for i in selected {
        let byte = (data >> (8 * i)) as u64 & 0xff;
        cpu.store(addr.wrapping_add(u64::from(i)), Width::B1, byte, at)?;
    }
    Ok(())
}
