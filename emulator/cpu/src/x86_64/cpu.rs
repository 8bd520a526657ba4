//! The x86-64 CPU as the shared part of a CPU sees it.

use super::lift;
use super::mode::Mode;
use super::paging::{self, canonical};
use super::reg;
use super::state::Hart;
use super::trap::{Exception, Trap};
use crate::guest;
use crate::hart::{self, Gap, Host, Lifted};
use crate::mmu::tlb::{Entry, Tlb};
use crate::probes::Probes;
use base::event::{Access, Path, Registers};
use base::{Bus, Observer, Phys, Ram};
use ir::{Flow, Op, Reg, Regs};

/// An x86-64 CPU at work.
pub type Cpu<'a, B, O> = guest::Cpu<'a, Hart, B, O>;

impl hart::Hart for Hart {
    type Trap = Trap;

    const LONGEST: usize = 15;
    /// Nobody drives the bus, and all ones are an invalid opcode.
    const NOWHERE: &'static [u8] = &[0xff; Self::LONGEST];

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
        self.linear_pc()
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

    fn asid(&self, _: Access) -> u16 {
        paging::asid(self)
    }

    fn user(&self) -> bool {
        self.cpl == 3
    }

    fn registers(&self) -> Registers {
        let mut registers = Registers::default();
        // What SYSCALL and its result overwrite, and everything else but the stack pointer.
        let lost = [reg::RAX, reg::RCX, reg::R11].map(usize::from);
        registers.lost = lost.map(|register| self.regs[register]);
        let kept = (0..16).filter(|register| !lost.contains(register));
        let kept = kept.filter(|register| *register != usize::from(reg::RSP));
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

    fn check_address(&self, addr: u64, _: Access) -> Result<(), Trap> {
        if self.long() && !canonical(addr) {
            return Err(Trap::GP0);
        }
        Ok(())
    }

    fn misaligned(&self, _: u64) -> Trap {
        Trap::GP0
    }

    fn gap(gap: Gap) -> Trap {
        Trap::Gap(gap)
    }

    fn fault_code(trap: &Trap) -> u32 {
        match trap {
            Trap::Fault(Exception {
                error: Some(error), ..
            }) => *error,
            _ => 0,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::Board;
    use ir::{Guest, Place};

    #[test]
    fn code_where_there_is_no_ram_is_an_invalid_opcode_and_not_kept() {
        let mut board = Board::new();
        let place = Place {
            phys: Phys(1 << 32),
            pc: 0x1000,
            mode: board.hart.mode().0,
        };
        let block = board.run(|cpu| cpu.lift(place, 64, 0)).unwrap();
        assert!(!block.cacheable);
        let raised = board.run(|cpu| cpu.call(block.ops[0], 0, 1));
        assert_eq!(raised, Err(Trap::UD));
    }
}
