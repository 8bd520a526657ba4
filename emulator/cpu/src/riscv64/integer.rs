//! Calls of the integer instructions: division and ORC.B.
//!
//! Division by zero gives all ones, its remainder the dividend; the one overflow gives the dividend, its remainder zero
//! (Unprivileged spec, 12.2).

use super::call::integer as id;
use super::cpu::Cpu;
use super::trap::Trap;
use base::{Bus, Observer};
use ir::{Flow, Op};

/// Answers a call of page 1.
pub fn call<B: Bus, O: Observer>(cpu: &mut Cpu<'_, B, O>, id: u16, op: Op) -> Result<Flow, Trap> {
    let (a, b) = (
        cpu.hart.regs[usize::from(op.a)],
        cpu.hart.regs[usize::from(op.b)],
    );
    let (aw, bw) = (a as u32, b as u32);
    let extended = |value: u32| value as i32 as u64;
    cpu.hart.regs[usize::from(op.d)] = match id {
        id::DIV if b == 0 => u64::MAX,
        id::DIV => (a as i64).wrapping_div(b as i64) as u64,
        id::DIVU => a.checked_div(b).unwrap_or(u64::MAX),
        id::REM if b == 0 => a,
        id::REM => (a as i64).wrapping_rem(b as i64) as u64,
        id::REMU => a.checked_rem(b).unwrap_or(a),
        id::DIVW if bw == 0 => u64::MAX,
        id::DIVW => (aw as i32).wrapping_div(bw as i32) as u64,
        id::DIVUW => extended(aw.checked_div(bw).unwrap_or(u32::MAX)),
        id::REMW if bw == 0 => extended(aw),
        id::REMW => (aw as i32).wrapping_rem(bw as i32) as u64,
        id::REMUW => extended(aw.checked_rem(bw).unwrap_or(aw)),
        id::ORC_B => u64::from_le_bytes(a.to_le_bytes().map(|b| if b == 0 { 0 } else { 0xff })),
        _ => return Err(cpu.gap("this call")),
    };
    Ok(Flow::Next)
}
