//! System calls and returns: SYSCALL, SYSRET, IRET, and the flags and segments that a return changes.

use super::iopl;
use crate::x86_64::cpu::Cpu;
use crate::x86_64::paging::canonical;
use crate::x86_64::reg::{self, SEG_BASE, rflags};
use crate::x86_64::segment::{self, Descriptor, selector_error};
use crate::x86_64::state::{Segment, bits, seg};
use crate::x86_64::trap::{Trap, vector};
use base::{Bus, Observer, Width};
use ir::{Flow, Guest};

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// SYSCALL (SDM vol. 2): to LSTAR at CPL 0, with RCX and R11 holding the way back.
    pub(super) fn syscall(&mut self, next: u64) -> Result<Flow, Trap> {
        if self.hart.efer & bits::EFER_SCE == 0 || !self.hart.mode().long() {
            return Err(Trap::UD);
        }
        let flags = self.hart.rflags();
        self.hart.counters.syscalls += 1;
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
    pub(super) fn sysret(&mut self, long: bool) -> Result<Flow, Trap> {
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
        self.enter_code(code, segment::flat(true, long, 3), 3, target);
        self.hart.refresh_view();
        Ok(Flow::Jump)
    }

    pub(super) fn read_stack(&mut self, slot: u64, size: Width, at: u64) -> Result<u64, Trap> {
        let mode = self.hart.mode();
        let mut rsp = self.hart.regs[usize::from(reg::RSP)].wrapping_add(slot * size.bytes());
        if !mode.long() {
            rsp &= if mode.stack32() { 0xffff_ffff } else { 0xffff };
            rsp = rsp.wrapping_add(self.hart.base(seg::SS)) & 0xffff_ffff;
        }
        self.load(rsp, size, false, at)
    }

    /// IRET (SDM vol. 2): RIP, CS, RFLAGS, and in long mode or to lower privilege RSP and SS.
    pub(super) fn iret(&mut self, size: Width, at: u64) -> Result<Flow, Trap> {
        let pc = self.read_stack(0, size, at)?;
        let selector = self.read_stack(1, size, at)? as u16;
        let flags = self.read_stack(2, size, at)?;
        let rsp = self.hart.regs[usize::from(reg::RSP)];
        if segment::real_mode(self.hart) {
            self.hart.regs[usize::from(reg::RSP)] = rsp & !0xffff | rsp.wrapping_add(6) & 0xffff;
            self.write_flags(flags, size);
            return self.far_jump(selector, pc, at);
        }
        if flags & rflags::NT != 0 && self.hart.regs[usize::from(reg::RFLAGS)] & rflags::NT != 0 {
            return Err(Trap::GP0);
        }
        let rpl = (selector & 3) as u8;
        if selector & 0xfffc == 0 {
            return Err(Trap::GP0);
        }
        let error = selector_error(selector);
        let code = self.descriptor(selector, vector::GP, at)?;
        let privilege_ok = if code.conforming() {
            code.dpl() <= rpl
        } else {
            code.dpl() == rpl
        };
        if !code.code()
            || rpl < self.hart.cpl
            || !privilege_ok
            || (self.hart.long() && code.long() && code.big())
        {
            return Err(Trap::fault_code(vector::GP, error));
        }
        if !code.present() {
            return Err(Trap::fault_code(vector::NP, error));
        }
        let to_long = self.hart.long() && code.long();
        let outward = rpl > self.hart.cpl;
        if to_long && !canonical(pc) {
            return Err(Trap::GP0);
        }
        let mut stack = None;
        if self.hart.mode().long() || outward {
            let new_rsp = self.read_stack(3, size, at)?;
            let ss = self.read_stack(4, size, at)? as u16;
            stack = Some((new_rsp, ss, self.check_stack_segment(ss, rpl, to_long, at)?));
        }
        let old_cpl = self.hart.cpl;
        self.return_flags(flags, old_cpl, size);
        let pc = if to_long { pc } else { pc & 0xffff_ffff };
        let code = self.mark_accessed(selector, code, at)?;
        self.enter_code(selector, code, rpl, pc);
        match stack {
            Some((new_rsp, ss, descriptor)) => {
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
            None => self.hart.regs[usize::from(reg::RSP)] = rsp.wrapping_add(3 * size.bytes()),
        }
        if rpl > old_cpl {
            self.drop_privileged_segments();
        }
        self.hart.nmi_blocked = false;
        self.hart.refresh();
        Ok(Flow::Jump)
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
        self.hart.attention = true;
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
