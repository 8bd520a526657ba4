//! Calls of the privileged instructions.

use super::call::{payload, system as id};
use super::cpu::Cpu;
use super::csr::{envcfg, status};
use super::paging::access_fault;
use super::state::{Activity, Privilege};
use super::trap::{Trap, cause};
use base::event::{Access, Flush};
use base::{Bus, Observer, Virt, Width};
use ir::{Flow, Guest, Op};

/// Bytes of the block that CBO.ZERO clears, as the device tree says.
pub const CBO_BLOCK: u64 = 64;

/// Answers a call of page 0.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    id: u16,
    op: Op,
    at: u64,
) -> Result<Flow, Trap> {
    let (a, b, d) = (
        cpu.hart.regs[usize::from(op.a)],
        cpu.hart.regs[usize::from(op.b)],
        usize::from(op.d),
    );
    let illegal = |bits: u64| Err(Trap::illegal(bits as u32));
    match id {
        id::ILLEGAL => illegal(a),
        id::ECALL => Err(Trap::new(
            match cpu.hart.privilege {
                Privilege::User => cause::ECALL_U,
                Privilege::Supervisor => cause::ECALL_S,
                Privilege::Machine => cause::ECALL_M,
            },
            0,
        )),
        id::EBREAK => Err(Trap::new(cause::BREAKPOINT, cpu.hart.pc)),
        id::SRET => cpu.sret(a as u32, at),
        id::MRET => cpu.mret(a as u32, at),
        id::WFI => {
            // With TW it may not wait here; U-mode may never (3.1.6.5, 3.3.3).
            let hart = &mut *cpu.hart;
            let trapped = hart.privilege != Privilege::Machine && hart.mstatus & status::TW != 0;
            if trapped || hart.privilege == Privilege::User {
                return illegal(a);
            }
            hart.activity = Activity::Waiting;
            hart.host.attention = true;
            Ok(Flow::Next)
        }
        id::SFENCE_VMA => {
            let trapped =
                cpu.hart.privilege == Privilege::Supervisor && cpu.hart.mstatus & status::TVM != 0;
            if trapped || cpu.hart.privilege == Privilege::User {
                return illegal(cpu.hart.regs[d]);
            }
            match payload(op) {
                0 => cpu.flush(Flush::All, at),
                // An address in all spaces, and the same in one: what is dropped too much is only slower.
                1 | 3 => cpu.flush(Flush::Page(Virt(a)), at),
                _ => cpu.flush(Flush::Space(b as u16 & 0x7fff), at),
            }
            Ok(Flow::Next)
        }
        id::CSRRW | id::CSRRS | id::CSRRC => {
            let bits = b as u32;
            let number = (bits >> 20) as u16;
            // CSRRS and CSRRC with x0, or a zero immediate, write nothing (7.1).
            let writes = id == id::CSRRW || bits >> 15 & 0x1f != 0;
            let old = cpu.access_csr(
                number,
                bits,
                at,
                |old| match id {
                    id::CSRRW => Some(a),
                    _ if !writes => None,
                    id::CSRRS => Some(old | a),
                    _ => Some(old & !a),
                },
                writes,
            )?;
            cpu.hart.regs[d] = old;
            Ok(Flow::Next)
        }
        id::CBO_ZERO => {
            let open = match cpu.hart.privilege {
                Privilege::Machine => envcfg::CBZE,
                Privilege::Supervisor => cpu.hart.envcfg[0],
                Privilege::User => cpu.hart.envcfg[0] & cpu.hart.envcfg[1],
            };
            if open & envcfg::CBZE == 0 {
                return illegal(b);
            }
            let block = a & !(CBO_BLOCK - 1);
            cpu.probe_write(block, CBO_BLOCK, at)
                .map_err(|trap| at_address(trap, a))?;
            for word in (0..CBO_BLOCK).step_by(8) {
                cpu.store(block + word, Width::B8, 0, at)
                    .map_err(|trap| at_address(trap, a))?;
            }
            Ok(Flow::Next)
        }
        _ => Err(cpu.gap("this call")),
    }
}

/// The fault of a block's part as the fault of the address that was given (CMO, 2.5.3).
fn at_address(trap: Trap, addr: u64) -> Trap {
    match trap {
        Trap::Exception(e) if e.cause == cause::STORE_ACCESS => access_fault(addr, Access::Write),
        Trap::Exception(e) => Trap::new(e.cause, addr),
        gap @ Trap::Gap(_) => gap,
    }
}
