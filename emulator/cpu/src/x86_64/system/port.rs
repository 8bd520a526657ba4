//! Port I/O: the permission bitmap, INS and OUTS.

use super::{iopl, width};
use crate::x86_64::cpu::Cpu;
use crate::x86_64::reg::{self, rflags};
use crate::x86_64::segment;
use crate::x86_64::trap::Trap;
use base::{Bus, Observer, Space, Width};
use ir::{Flow, Guest};

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// Port access beyond IOPL is decided by the task's permission bitmap (SDM vol. 1, 19.5.2).
    pub(super) fn check_port(&mut self, port: u16, bytes: u64, at: u64) -> Result<(), Trap> {
        if segment::real_mode(self.hart) || self.hart.cpl <= iopl(self) {
            return Ok(());
        }
        let tr = self.hart.tr;
        if u64::from(tr.limit) < 103 {
            return Err(Trap::GP0);
        }
        let offset =
            self.as_supervisor(|cpu| cpu.load(tr.base.wrapping_add(102), Width::B2, false, at))?;
        let byte = offset + u64::from(port) / 8;
        if byte + 1 > u64::from(tr.limit) {
            return Err(Trap::GP0);
        }
        let map =
            self.as_supervisor(|cpu| cpu.load(tr.base.wrapping_add(byte), Width::B2, false, at))?;
        let wanted = ((1u64 << bytes) - 1) << (port & 7);
        if map & wanted == 0 {
            Ok(())
        } else {
            Err(Trap::GP0)
        }
    }

    /// INS and OUTS, one or (with REP) as many as the run allows.
    pub(super) fn port_string(
        &mut self,
        payload: u16,
        base: u64,
        address_bits: u64,
        at: u64,
        left: u64,
    ) -> Result<Flow, Trap> {
        let bytes = u64::from(payload & 15);
        let size = width(payload & 15);
        let (out, rep) = (payload & 0x10 != 0, payload & 0x20 != 0);
        let mask = u64::MAX >> (64 - address_bits);
        let port = self.hart.regs[usize::from(reg::RDX)] & 0xffff;
        self.check_port(port as u16, bytes, at)?;
        let index = usize::from(if out { reg::RSI } else { reg::RDI });
        let down = self.hart.regs[usize::from(reg::RFLAGS)] & rflags::DF != 0;
        let step = if down { bytes.wrapping_neg() } else { bytes };
        let rcx = usize::from(reg::RCX);
        let mut done = 0;
        loop {
            if rep && self.hart.regs[rcx] & mask == 0 {
                return Ok(Flow::Counted(done.max(1)));
            }
            // Each access may have raised an interrupt, which comes between two iterations.
            if done == left || (done > 0 && self.hart.host.attention) {
                return Ok(Flow::Again(done));
            }
            let addr = base.wrapping_add(self.hart.regs[index] & mask);
            let moved = self.port_element(out, addr, port, size, at + done);
            if let Err(trap) = moved {
                // What is done stays done; the run takes the fault when it comes back with nothing done.
                return if done == 0 {
                    Err(trap)
                } else {
                    Ok(Flow::Again(done))
                };
            }
            let next = self.hart.regs[index].wrapping_add(step);
            self.hart.regs[index] = self.hart.regs[index] & !mask | next & mask;
            done += 1;
            if !rep {
                return Ok(Flow::Next);
            }
            let count = self.hart.regs[rcx];
            self.hart.regs[rcx] = count & !mask | count.wrapping_sub(1) & mask;
        }
    }

    pub(super) fn port_element(
        &mut self,
        out: bool,
        addr: u64,
        port: u64,
        size: Width,
        at: u64,
    ) -> Result<(), Trap> {
        if out {
            let value = self.load(addr, size, false, at)?;
            self.write_device(Space::Port, port, size, value, at);
            return Ok(());
        }
        self.probe_write(addr, size.bytes(), at)?;
        let value = self.read_device(Space::Port, port, size, at);
        self.store(addr, size, value, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::{Board, FREE};
    use crate::x86_64::trap::vector;
    use base::Phys;

    /// REP OUTSB from [`FREE`] on.
    fn rep_outsb(board: &mut Board, left: u64) -> Result<Flow, Trap> {
        board.run(|cpu| {
            cpu.hart.host.attention = false;
            cpu.port_string(1 | 0x10 | 0x20, 0, 64, 0, left)
        })
    }

    #[test]
    fn the_run_loop_may_look_between_two_iterations_of_outs() {
        let mut board = Board::new();
        board.hart.regs[usize::from(reg::RSI)] = FREE;
        board.hart.regs[usize::from(reg::RCX)] = 3;
        let flows = [(); 3].map(|()| rep_outsb(&mut board, 100));
        assert_eq!(
            flows,
            [Ok(Flow::Again(1)), Ok(Flow::Again(1)), Ok(Flow::Counted(1))]
        );
        assert_eq!(board.hart.regs[usize::from(reg::RSI)], FREE + 3);
    }

    #[test]
    fn the_bitmap_of_the_task_opens_single_ports() {
        const TSS: u64 = FREE;
        let mut board = Board::new();
        board.hart.cpl = 3;
        (board.hart.tr.base, board.hart.tr.limit) = (TSS, 103 + 8);
        board.ram.write(Phys(TSS + 102), Width::B2, 104);
        board.ram.write(Phys(TSS + 104), Width::B8, !0b110);
        let mut check = |port, bytes| board.run(|cpu| cpu.check_port(port, bytes, 0));
        assert_eq!([check(1, 1), check(2, 1), check(1, 2)], [Ok(()); 3]);
        assert_eq!([check(0, 1), check(2, 2)], [Err(Trap::GP0); 2]);
        let beyond = check(0x40, 1);
        assert_eq!(beyond, Err(Trap::fault_code(vector::GP, 0)));
    }
}
