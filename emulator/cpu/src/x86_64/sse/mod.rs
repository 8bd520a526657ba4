//! SSE and SSE2, as far as they are calls: the answer to call page 2.
//!
//! [`table`] says which row computes what; [`scalar`], [`packed`] and [`integer`] are the computing, free of any CPU.
//! [`mxcsr`] is the unit's control register; [`memory`] holds the few calls that are no plain function of registers.
//! Lifting is `lift::sse`; x87 and the FXSAVE area are `fpu`.

pub mod integer;
pub mod lanes;
pub mod memory;
pub mod mxcsr;
pub mod packed;
pub mod scalar;
pub mod table;

use super::call::payload;
use super::cpu::Cpu;
use super::reg::MXCSR;
use super::state::{Hart, bits};
use super::trap::{Trap, vector};
use base::{Bus, Observer};
use ir::{Flow, Op, Reg, Regs};
use mxcsr::Unit;
use table::Row;

/// Answers an SSE call.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    id: u16,
    op: Op,
    at: u64,
) -> Result<Flow, Trap> {
    let Some(row) = table::row(id) else {
        return memory::call(cpu, id, op, at);
    };
    compute(cpu.hart, row, op)?;
    Ok(Flow::Next)
}

/// Computes a row. If an unmasked exception comes of it, only MXCSR's flags are written.
fn compute(hart: &mut Hart, row: Row, op: Op) -> Result<(), Trap> {
    let imm = payload(op) as u8;
    let regs = &hart.regs;
    let mut unit = Unit::new(regs[usize::from(MXCSR)]);
    let (a, b) = (regs[usize::from(op.a)], regs[usize::from(op.b)]);
    match row {
        Row::Pair(f) => {
            let result = f(pair(regs, op.a), pair(regs, op.b), imm);
            set_pair(&mut hart.regs, op.d, result);
        }
        Row::Float(f) => {
            let result = f(pair(regs, op.a), pair(regs, op.b), imm, &mut unit);
            settle(hart, &unit)?;
            set_pair(&mut hart.regs, op.d, result);
        }
        Row::Word(f) => {
            let result = f(a, b, imm, &mut unit);
            settle(hart, &unit)?;
            hart.regs[usize::from(op.d)] = result;
        }
        Row::Half(f) => {
            let result = f(a, b, imm, &mut unit);
            settle(hart, &unit)?;
            let d = &mut hart.regs[usize::from(op.d)];
            *d = *d & !0xffff_ffff | result;
        }
    }
    Ok(())
}

/// Brings the flags that an operation raised into MXCSR; an unmasked one is a fault.
fn settle(hart: &mut Hart, unit: &Unit) -> Result<(), Trap> {
    if unit.env.flags == 0 {
        return Ok(());
    }
    let (flags, traps) = unit.outcome();
    let before = hart.regs[usize::from(MXCSR)];
    mxcsr::set(&mut hart.regs, before | flags);
    if !traps {
        return Ok(());
    }
    let handled = hart.cr4 & bits::CR4_OSXMMEXCPT != 0;
    Err(Trap::fault(if handled { vector::XM } else { vector::UD }))
}

/// The 128-bit register whose low word is `low`.
fn pair(regs: &Regs, low: Reg) -> u128 {
    let high = regs[usize::from(low.wrapping_add(1))];
    u128::from(high) << 64 | u128::from(regs[usize::from(low)])
}

fn set_pair(regs: &mut Regs, low: Reg, value: u128) {
    regs[usize::from(low)] = value as u64;
    regs[usize::from(low.wrapping_add(1))] = (value >> 64) as u64;
}
