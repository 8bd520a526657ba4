//! The RISC-V hart as the shared part of a CPU sees it.

use super::lift;
use super::mode::Mode;
use super::paging::{self, access_fault};
use super::reg;
use super::state::{Hart, Privilege};
use super::trap::{Exception, Trap, cause};
use crate::guest;
use crate::hart::{self, Gap, Host, Lifted};
use crate::mmu::tlb::{Entry, Tlb};
use crate::probes::Probes;
use base::event::{Access, Path, Registers};
use base::{Bus, Observer, Phys, Ram};
use ir::reg::{SINK, ZERO};
use ir::{Flow, Op, Reg, Regs};

/// A RISC-V hart at work.
pub type Cpu<'a, B, O> = guest::Cpu<'a, Hart, B, O>;

impl hart::Hart for Hart {
    type Trap = Trap;

    const LONGEST: usize = 4;
    /// Fetching where there is nothing is an access fault, so these are never executed.
    const NOWHERE: &'static [u8] = &[0; Self::LONGEST];

    #[inline(always)]
    fn regs(&self) -> &Regs {
        &self.regs
    }

    #[inline(always)]
    fn regs_mut(&mut self) -> &mut Regs {
        &mut self.regs
    }

    #[inline(always)]
    fn pc(&self) -> u64 {
        self.pc
    }

    #[inline(always)]
    fn set_pc(&mut self, pc: u64) {
        self.pc = pc;
    }

    fn linear_pc(&self) -> u64 {
        self.pc
    }

    #[inline(always)]
    fn tlb(&self) -> &Tlb {
        &self.tlb
    }

    #[inline(always)]
    fn tlb_mut(&mut self) -> &mut Tlb {
        &mut self.tlb
    }

    #[inline(always)]
    fn fetch_page(&mut self) -> &mut Option<(u64, u64)> {
        &mut self.fetch_page
    }

    #[inline(always)]
    fn host(&self) -> &Host {
        &self.host
    }

    #[inline(always)]
    fn host_mut(&mut self) -> &mut Host {
        &mut self.host
    }

    fn register(name: &str) -> Option<Reg> {
        reg::named(name)
    }

    fn output(name: &str) -> Option<Reg> {
        reg::named(name).map(|found| if found == ZERO { SINK } else { found })
    }

    fn observe(&mut self, probes: bool, instructions: bool) {
        self.probes_on = probes;
        self.instructions_on = instructions;
        let fetch_page = self.fetch_page; // is machine state, and the mode's change is none of the guest's
        self.refresh();
        self.fetch_page = fetch_page;
    }

    #[inline(always)]
    fn view(&self) -> usize {
        self.view()
    }

    #[inline(always)]
    fn fetch_view(&self) -> usize {
        self.fetch_view()
    }

    fn asid(&self, access: Access) -> u16 {
        paging::asid(self, access)
    }

    fn user(&self) -> bool {
        self.privilege == Privilege::User
    }

    fn registers(&self) -> Registers {
        let mut registers = Registers::default();
        // The result of ECALL, and everything else but zero and the stack pointer.
        registers.lost[0] = self.regs[usize::from(reg::A0)];
        let others = [reg::SP, reg::A0].map(usize::from);
        let kept = (1..32).filter(|register| !others.contains(register));
        for (to, register) in registers.kept.iter_mut().zip(kept) {
            *to = self.regs[register];
        }
        registers
    }

    #[inline(always)]
    fn mode(&self) -> u32 {
        self.mode().0
    }

    fn walk(
        &mut self,
        ram: &mut Ram,
        addr: u64,
        access: Access,
        path: &mut Path,
    ) -> Result<Entry, Trap> {
        paging::walk(self, ram, addr, access, path)
    }

    fn peek(&self, ram: &Ram, addr: u64) -> Option<Phys> {
        paging::peek(self, ram, addr)
    }

    fn check_phys(&self, addr: u64, phys: Phys, len: u64, access: Access) -> Result<bool, Trap> {
        let mode = match access {
            Access::Fetch => self.privilege,
            Access::Read | Access::Write => self.data_privilege(),
        };
        // The fast table serves reads and, where it may, writes.
        let (allowed, whole) = self.pmp.allows(phys, len, access, mode);
        if !allowed {
            return Err(access_fault(addr, access));
        }
        let other = match access {
            Access::Read => self.pmp.allows(phys, len, Access::Write, mode).0,
            _ => self.pmp.allows(phys, len, Access::Read, mode).0,
        };
        Ok(whole && other)
    }

    fn bus_fault(addr: u64, access: Access) -> Option<Trap> {
        Some(access_fault(addr, access))
    }

    fn misaligned(&self, addr: u64) -> Trap {
        Trap::new(cause::STORE_MISALIGNED, addr)
    }

    fn gap(gap: Gap) -> Trap {
        Trap::Gap(gap)
    }

    fn fault_code(trap: &Trap) -> u32 {
        match trap {
            Trap::Exception(Exception { cause, .. }) => *cause as u32,
            Trap::Gap(_) => 0,
        }
    }

    fn lift(code: &[u8], pc: u64, mode: u32, limit: usize, probes: &Probes) -> Lifted {
        lift::lift_block(code, pc, Mode(mode), limit, probes)
    }

    fn call<B: Bus, O: Observer>(
        cpu: &mut Cpu<'_, B, O>,
        op: Op,
        at: u64,
        left: u64,
    ) -> Result<Flow, Trap> {
        super::call::call(cpu, op, at, left)
    }
}
