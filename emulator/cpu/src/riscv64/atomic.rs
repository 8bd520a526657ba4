//! Calls of the A extension. Harts run in turn, so an AMO is a load and a store with nothing between.
//!
//! A reservation is the hart's own note of 8 physical bytes. The board drops it when another hart or a device has run,
//! since that may have written there; so does any SC. Misaligned addresses fault (13.2, 13.4: no misaligned atomicity granule).

use super::call::{atomic as id, payload};
use super::cpu::Cpu;
use super::trap::{Trap, cause};
use base::{Bus, Observer, Width};
use ir::{Flow, Guest, Op};

/// Answers a call of page 2.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    id: u16,
    op: Op,
    at: u64,
) -> Result<Flow, Trap> {
    let (addr, operand) = (
        cpu.hart.regs[usize::from(op.a)],
        cpu.hart.regs[usize::from(op.b)],
    );
    let width = if payload(op) == 4 {
        Width::B4
    } else {
        Width::B8
    };
    let extended = |value: u64| match width {
        Width::B4 => value as i32 as u64,
        _ => value,
    };
    if addr % width.bytes() != 0 {
        let cause = if id == id::LR {
            cause::LOAD_MISALIGNED
        } else {
            cause::STORE_MISALIGNED
        };
        return Err(Trap::new(cause, addr));
    }
    let d = usize::from(op.d);
    match id {
        id::LR => {
            let value = cpu.load(addr, width, false, at)?;
            cpu.hart.reservation = cpu.reservation(addr);
            cpu.hart.regs[d] = extended(value);
            return Ok(Flow::Next);
        }
        id::SC => {
            cpu.probe_write(addr, width.bytes(), at)?;
            let held = cpu.hart.reservation.take();
            let succeeds = held.is_some() && held == cpu.reservation(addr);
            if succeeds {
                cpu.store(addr, width, operand & width.mask(), at)?;
            }
            cpu.hart.regs[d] = u64::from(!succeeds);
            return Ok(Flow::Next);
        }
        _ => {}
    }
    let old = extended(cpu.load(addr, width, true, at)?);
    let operand = extended(operand);
    let new = match id {
        id::SWAP => operand,
        id::ADD => old.wrapping_add(operand),
        id::XOR => old ^ operand,
        id::AND => old & operand,
        id::OR => old | operand,
        id::MIN => (old as i64).min(operand as i64) as u64,
        id::MAX => (old as i64).max(operand as i64) as u64,
        // Sign extension keeps the order of unsigned 32-bit values, too.
        id::MINU => old.min(operand),
        id::MAXU => old.max(operand),
        _ => return Err(cpu.gap("this call")),
    };
    cpu.store(addr, width, new & width.mask(), at)?;
    cpu.hart.regs[d] = old;
    Ok(Flow::Next)
}

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// The reservation that covers `addr`, which was just accessed.
    fn reservation(&self, addr: u64) -> Option<u64> {
        super::paging::peek(self.hart, self.ram, addr).map(|phys| phys.0 & !7)
    }
}
