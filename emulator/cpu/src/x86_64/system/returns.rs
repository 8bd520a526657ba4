//! System calls and returns: SYSCALL, SYSRET, IRET, and the flags and segments that a return changes.

use super::iopl;
use crate::x86_64::cpu::Cpu;
use crate::x86_64::paging::canonical;
use crate::x86_64::reg::{self, SEG_BASE, rflags};
use crate::x86_64::segment::{self, Descriptor, selector_error};
use crate::x86_64::state::{Segment, bits, seg};
use crate::x86_64::trap::{Trap, vector};
use base::event::{Cause, Event};
use base::{Bus, Observer, Virt, Width};
use ir::{Flow, Guest, Reg};

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// SYSCALL (SDM vol. 2): to LSTAR at CPL 0, with RCX and R11 holding the way back.
    pub(super) fn syscall(&mut self, next: u64, at: u64) -> Result<Flow, Trap> {
        if self.hart.efer & bits::EFER_SCE == 0 || !self.hart.mode().long() {
            return Err(Trap::UD);
        }
        let flags = self.hart.rflags();
        self.hart.host.counters.syscalls += 1;
        let user = self.hart.cpl == 3;
        let r = |register: Reg| self.hart.regs[usize::from(register)];
        // Linux's convention (syscall(2), "Architecture calling conventions").
        let args = [reg::RDI, reg::RSI, reg::RDX, reg::R10, reg::R8, reg::R9].map(r);
        let event = Event::Trap {
            cause: Cause::SystemCall,
            number: 0,
            error: None,
            address: None,
            from: Virt(next),
            to: Virt(self.hart.syscall[1]),
            stack: Virt(r(reg::RSP)),
            user,
            call: Some((r(reg::RAX), args)),
        };
        self.emit(at, &event);
        self.hart.regs[usize::from(reg::RCX)] = next;
        self.hart.regs[usize::from(reg::R11)] = flags & !rflags::RF;
        self.hart.set_rflags(flags & !self.hart.syscall[3]);
        let selector = (self.hart.syscall[0] >> 32) as u16 & 0xfffc;
        segment::set(
            self.hart,
            seg::SS,
            selector.wrapping_add(8),
            segment::flat(false, false, 0),
        );
        let target = self.hart.syscall[1];
        self.enter_code(selector, segment::flat(true, true, 0), 0, target);
        Ok(Flow::Jump)
    }

    /// SYSRET: back to CPL 3. A non-canonical RCX faults in the kernel, as on Intel's processors.
    pub(super) fn sysret(&mut self, long: bool, at: u64) -> Result<Flow, Trap> {
        if self.hart.efer & bits::EFER_SCE == 0 || !self.hart.mode().long() {
            return Err(Trap::UD);
        }
        let target = self.hart.regs[usize::from(reg::RCX)];
        if long && !canonical(target) {
            return Err(Trap::GP0);
        }
        let flags = self.hart.regs[usize::from(reg::R11)];
        self.hart.set_rflags(flags & !(rflags::RF | rflags::VM));
        let base = (self.hart.syscall[0] >> 48) as u16;
        let code = if long { base.wrapping_add(16) } else { base };
        segment::set(
            self.hart,
            seg::SS,
            base.wrapping_add(8) | 3,
            segment::flat(false, false, 3),
        );
        let target = if long { target } else { target & 0xffff_ffff };
        let from = self.hart.linear_pc();
        self.enter_code(code, segment::flat(true, long, 3), 3, target);
        self.hart.refresh_view();
        self.returned(from, at);
        Ok(Flow::Jump)
    }

    pub(super) fn read_stack(&mut self, slot: u64, size: Width, at: u64) -> Result<u64, Trap> {
        let mut rsp = self.hart.regs[usize::from(reg::RSP)].wrapping_add(slot * size.bytes());
        if !self.hart.mode().long() {
            rsp &= self.stack_mask();
            rsp = rsp.wrapping_add(self.hart.base(seg::SS)) & 0xffff_ffff;
        }
        self.load(rsp, size, false, at)
    }

    /// The bits of RSP that count as the stack pointer.
    pub(super) const fn stack_mask(&self) -> u64 {
        let mode = self.hart.mode();
        match (mode.long(), mode.stack32()) {
            (true, _) => u64::MAX,
            (false, true) => 0xffff_ffff,
            (false, false) => 0xffff,
        }
    }

    /// Moves the stack pointer up, in the mode that is.
    pub(super) fn drop_from_stack(&mut self, bytes: u64) {
        let mask = self.stack_mask();
        let rsp = &mut self.hart.regs[usize::from(reg::RSP)];
        *rsp = *rsp & !mask | rsp.wrapping_add(bytes) & mask;
    }

    /// The code segment and offset that a far return through `selector` leads to (SDM vol. 2, IRET and RET).
    pub(super) fn return_target(
        &mut self,
        selector: u16,
        pc: u64,
        at: u64,
    ) -> Result<(Descriptor, u64), Trap> {
        if selector & 0xfffc == 0 {
            return Err(Trap::GP0);
        }
        let error = selector_error(selector);
        let rpl = (selector & 3) as u8;
        let code = self.descriptor(selector, vector::GP, at)?;
        let privilege_ok = if code.conforming() {
            code.dpl() <= rpl
        } else {
            code.dpl() == rpl
        };
        let to_long = self.hart.long() && code.long();
        if !code.code() || rpl < self.hart.cpl || !privilege_ok || (to_long && code.big()) {
            return Err(Trap::fault_code(vector::GP, error));
        }
        if !code.present() {
            return Err(Trap::fault_code(vector::NP, error));
        }
        if to_long && !canonical(pc) {
            return Err(Trap::GP0);
        }
        Ok((code, if to_long { pc } else { pc & 0xffff_ffff }))
    }

    /// IRET (SDM vol. 2): RIP, CS, RFLAGS, and in long mode or to lower privilege RSP and SS.
    pub(super) fn iret(&mut self, size: Width, at: u64) -> Result<Flow, Trap> {
        let pc = self.read_stack(0, size, at)?;
        let selector = self.read_stack(1, size, at)? as u16;
        let flags = self.read_stack(2, size, at)?;
        if segment::real_mode(self.hart) {
            self.drop_from_stack(3 * size.bytes());
            self.write_flags(flags, size);
            self.hart.nmi_blocked = false;
            return self.far_jump(selector, pc, at);
        }
        if self.hart.regs[usize::from(reg::RFLAGS)] & rflags::NT != 0 {
            return Err(if self.hart.long() {
                Trap::GP0
            } else {
                self.gap("a return to an outer task")
            });
        }
        if flags & rflags::VM != 0 && size == Width::B4 && self.hart.cpl == 0 && !self.hart.long() {
            return Err(self.gap("virtual-8086 mode"));
        }
        let from = self.hart.linear_pc();
        let (code, pc) = self.return_target(selector, pc, at)?;
        let rpl = (selector & 3) as u8;
        let to_long = self.hart.long() && code.long();
        let outward = rpl > self.hart.cpl;
        let mut stack = None;
        if self.hart.mode().long() || outward {
            let new_rsp = self.read_stack(3, size, at)?;
            let ss = self.read_stack(4, size, at)? as u16;
            stack = Some((new_rsp, ss, self.check_stack_segment(ss, rpl, to_long, at)?));
        }
        let code = self.mark_accessed(selector, code, at)?;
        let old_cpl = self.hart.cpl;
        self.return_flags(flags, old_cpl, size);
        if stack.is_none() {
            self.drop_from_stack(3 * size.bytes());
        }
        self.enter_code(selector, code, rpl, pc);
        if let Some((new_rsp, ss, descriptor)) = stack {
            self.hart.regs[usize::from(reg::RSP)] = new_rsp;
            match descriptor {
                Some(descriptor) => segment::set(self.hart, seg::SS, ss, descriptor),
                None => {
                    self.hart.segs[seg::SS] = Segment {
                        selector: ss,
                        ..Segment::default()
                    }
                }
            }
        }
        if rpl > old_cpl {
            self.drop_privileged_segments();
        }
        self.hart.nmi_blocked = false;
        self.hart.refresh();
        self.returned(from, at);
        Ok(Flow::Jump)
    }

    /// Reports a return from the handler whose last instruction is at `from`.
    fn returned(&mut self, from: u64, at: u64) {
        let event = Event::Return {
            from: Virt(from),
            to: Virt(self.hart.linear_pc()),
            user: self.hart.cpl == 3,
            stack: Virt(self.hart.regs[usize::from(reg::RSP)]),
            result: self.hart.regs[usize::from(reg::RAX)],
        };
        self.emit(at, &event);
    }

    /// The stack segment of a return to privilege `rpl`: `None` for the null selector that 64-bit code may have.
    pub(super) fn check_stack_segment(
        &mut self,
        ss: u16,
        rpl: u8,
        to_long: bool,
        at: u64,
    ) -> Result<Option<Descriptor>, Trap> {
        if ss & 0xfffc == 0 {
            return if to_long && rpl != 3 && (ss & 3) as u8 == rpl {
                Ok(None)
            } else {
                Err(Trap::GP0)
            };
        }
        let descriptor = self.descriptor(ss, vector::GP, at)?;
        let writable =
            descriptor.code_or_data() && !descriptor.code() && descriptor.kind() & 2 != 0;
        if (ss & 3) as u8 != rpl || !writable || descriptor.dpl() != rpl {
            return Err(Trap::fault_code(vector::GP, selector_error(ss)));
        }
        if !descriptor.present() {
            return Err(Trap::fault_code(vector::SS, selector_error(ss)));
        }
        Ok(Some(descriptor))
    }

    /// On a return outward, data segments that the new privilege may not use become null (SDM vol. 2, IRET).
    pub(super) fn drop_privileged_segments(&mut self) {
        for index in [seg::ES, seg::DS, seg::FS, seg::GS] {
            let s = self.hart.segs[index];
            let dpl = (s.attr >> 5 & 3) as u8;
            let data_or_nonconforming = s.attr & 0x18 == 0x10 || s.attr & 0x1c == 0x18;
            if s.selector & 0xfffc != 0 && data_or_nonconforming && dpl < self.hart.cpl {
                self.hart.segs[index] = Segment::default();
                if index == seg::ES || index == seg::DS {
                    self.hart.regs[usize::from(SEG_BASE) + index] = 0;
                }
            }
        }
    }

    /// RFLAGS from a frame, by the rights of the privilege that returns.
    pub(super) fn return_flags(&mut self, value: u64, cpl: u8, size: Width) {
        let old = self.hart.rflags();
        let mut kept = rflags::VM;
        if cpl > 0 {
            kept |= rflags::IOPL;
        }
        if cpl > iopl(self) {
            kept |= rflags::IF;
        }
        if size == Width::B2 {
            kept |= !0xffff;
        }
        self.hart.set_rflags(value & !kept | old & kept);
        self.hart.host.attention = true;
    }

    /// POPF.
    pub(super) fn write_flags(&mut self, value: u64, size: Width) {
        let cpl = if segment::real_mode(self.hart) {
            0
        } else {
            self.hart.cpl
        };
        self.return_flags(value & !rflags::RF, cpl, size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::{Board, CODE64, DATA, STACK};

    const PC: u64 = 0x1234;

    fn board() -> Board {
        let mut board = Board::new();
        board.set_descriptors(&[0, CODE64, DATA]);
        board.set_stack(&[PC, 8, rflags::FIXED, STACK + 0x100, 0x10]);
        board
    }

    #[test]
    fn iret_in_a_nested_task_is_refused_whatever_the_frame_says() {
        let mut board = board();
        assert_eq!(board.run(|cpu| cpu.iret(Width::B8, 0)), Ok(Flow::Jump));
        assert_eq!(board.hart.pc, PC);
        let mut board = self::board();
        board.hart.set_rflags(rflags::NT);
        let refused = board.run(|cpu| cpu.iret(Width::B8, 0));
        assert_eq!(refused, Err(Trap::GP0));
    }

    #[test]
    fn iret_in_real_mode_takes_as_many_bytes_as_it_reads() {
        for (size, bytes) in [(Width::B2, 6), (Width::B4, 12)] {
            let mut board = board();
            board.hart.init();
            board.hart.regs[usize::from(reg::RSP)] = STACK;
            board.hart.nmi_blocked = true;
            assert_eq!(board.run(|cpu| cpu.iret(size, 0)), Ok(Flow::Jump));
            let rsp = board.hart.regs[usize::from(reg::RSP)];
            assert_eq!((rsp, board.hart.nmi_blocked), (STACK + bytes, false));
        }
    }

    #[test]
    fn a_return_that_cannot_mark_its_code_segment_has_changed_nothing() {
        const UNMARKED: u64 = CODE64 & !(1 << 40);
        let mut board = board();
        board.set_descriptors(&[0, UNMARKED, DATA]);
        board.set_stack(&[PC, 8, rflags::FIXED | rflags::DF, STACK, 0x10]);
        board.protect(board.hart.gdtr.0);
        let (pc, flags) = (board.hart.pc, board.hart.rflags());
        assert!(board.run(|cpu| cpu.iret(Width::B8, 0)).is_err());
        assert_eq!((board.hart.pc, board.hart.rflags()), (pc, flags));
    }
}
