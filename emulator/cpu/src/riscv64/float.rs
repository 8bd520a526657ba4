//! Calls of the F and D extensions.

use super::call::float as id;
use super::cpu::Cpu;
use super::csr::status;
use super::trap::Trap;
use base::{Bus, Observer};
use ir::{Flow, Op};

/// Answers a call of page 3.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    id: u16,
    _op: Op,
    _at: u64,
) -> Result<Flow, Trap> {
    match id {
        id::MARK => {
            cpu.hart.mstatus |= status::FS;
            let fetch_page = cpu.hart.fetch_page;
            cpu.hart.refresh();
            cpu.hart.fetch_page = fetch_page;
            Ok(Flow::Again(0))
        }
        _ => Err(cpu.gap("this call")),
    }
}
