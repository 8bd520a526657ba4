//! The numbers of the calls that lifted x86 code makes, a page of 256 for each room that answers them.
//!
//! What a call does and takes stands at its implementation: `system` (page 0), `integer` and `string` (page 1),
//! `sse` (page 2), `fpu` (page 3).

use super::cpu::Cpu;
use super::trap::Trap;
use super::{fpu, integer, sse, system};
use base::{Bus, Observer};
use ir::{Flow, Op};

/// Answers call number `op.imm & 0xffff`.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    op: Op,
    at: u64,
    left: u64,
) -> Result<Flow, Trap> {
    let id = op.imm as u16;
    match id >> 8 {
        0 => system::call(cpu, id, op, at, left),
        1 => integer::call(cpu, id, op, at, left),
        2 => sse::call(cpu, id, op, at),
        _ => fpu::call(cpu, id, op, at),
    }
}

/// The call's own 16 bits.
pub const fn payload(op: Op) -> u16 {
    (op.imm as u32 >> 16) as u16
}
