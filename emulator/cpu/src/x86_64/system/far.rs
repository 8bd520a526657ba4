//! Far control transfer at one privilege, and RETF to a lower one (SDM vol. 3, 5.8).

use crate::x86_64::cpu::Cpu;
use crate::x86_64::paging::canonical;
use crate::x86_64::reg::{self, SEG_BASE};
use crate::x86_64::segment::{self, Descriptor, selector_error};
use crate::x86_64::state::{Segment, seg};
use crate::x86_64::trap::{Trap, vector};
use base::{Bus, Observer, Width};
use ir::{Flow, Guest};

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    pub(super) fn far_jump(&mut self, selector: u16, offset: u64, at: u64) -> Result<Flow, Trap> {
        if segment::real_mode(self.hart) {
            self.hart.segs[seg::CS].selector = selector;
            self.hart.regs[usize::from(SEG_BASE) + seg::CS] = u64::from(selector) << 4;
            self.hart.pc = offset;
            self.hart.refresh();
            return Ok(Flow::Jump);
        }
        let code = self.far_target(selector, at)?;
        let offset = if self.hart.long() && code.long() {
            offset
        } else {
            offset & 0xffff_ffff
        };
        if self.hart.long() && code.long() && !canonical(offset) {
            return Err(Trap::GP0);
        }
        self.enter_code(selector, code, self.hart.cpl, offset);
        Ok(Flow::Jump)
    }

    /// The code segment of a far jump or call at the same privilege. Call gates and task gates are not implemented.
    pub(super) fn far_target(&mut self, selector: u16, at: u64) -> Result<Descriptor, Trap> {
        if selector & 0xfffc == 0 {
            return Err(Trap::GP0);
        }
        let error = selector_error(selector);
        let code = self.descriptor(selector, vector::GP, at)?;
        let rpl = (selector & 3) as u8;
        // Long mode knows call gates only; a task or task gate is #GP there (SDM vol. 3, 5.8.3.1).
        let leads = match code.kind() {
            12 => true,
            1 | 4 | 5 | 9 => !self.hart.long(),
            _ => false,
        };
        if !code.code_or_data() && leads && code.dpl() >= rpl.max(self.hart.cpl) {
            return Err(self.gap("a far transfer through a gate or task"));
        }
        let allowed = if code.conforming() {
            code.dpl() <= self.hart.cpl
        } else {
            code.dpl() == self.hart.cpl && rpl <= self.hart.cpl
        };
        if !code.code() || !allowed || (self.hart.long() && code.long() && code.big()) {
            return Err(Trap::fault_code(vector::GP, error));
        }
        if !code.present() {
            return Err(Trap::fault_code(vector::NP, error));
        }
        self.mark_accessed(selector, code, at)
    }

    pub(super) fn far_call(
        &mut self,
        selector: u16,
        offset: u64,
        next: u64,
        size: Width,
        at: u64,
    ) -> Result<Flow, Trap> {
        let mode = self.hart.mode();
        let rsp = self.hart.regs[usize::from(reg::RSP)];
        let stack_base = if mode.long() {
            0
        } else {
            self.hart.base(seg::SS)
        };
        let stack_mask = self.stack_mask();
        let place =
            |n: u64| (rsp.wrapping_sub(n * size.bytes()) & stack_mask).wrapping_add(stack_base);
        self.probe_write(place(1), size.bytes(), at)?;
        self.probe_write(place(2), size.bytes(), at)?;
        let old = self.hart.segs[seg::CS].selector;
        let flow = self.far_jump(selector, offset, at)?;
        self.store(place(1), size, u64::from(old), at)?;
        self.store(place(2), size, next, at)?;
        self.hart.regs[usize::from(reg::RSP)] =
            rsp & !stack_mask | rsp.wrapping_sub(2 * size.bytes()) & stack_mask;
        Ok(flow)
    }

    pub(super) fn far_ret(&mut self, size: Width, extra: u64, at: u64) -> Result<Flow, Trap> {
        let pc = self.read_stack(0, size, at)?;
        let selector = self.read_stack(1, size, at)? as u16;
        let popped = 2 * size.bytes() + extra;
        if segment::real_mode(self.hart) {
            let flow = self.far_jump(selector, pc, at)?;
            self.drop_from_stack(popped);
            return Ok(flow);
        }
        let (code, pc) = self.return_target(selector, pc, at)?;
        let rpl = (selector & 3) as u8;
        if rpl == self.hart.cpl {
            let code = self.mark_accessed(selector, code, at)?;
            self.drop_from_stack(popped);
            self.enter_code(selector, code, rpl, pc);
            return Ok(Flow::Jump);
        }
        let skip = extra / size.bytes();
        let new_rsp = self.read_stack(2 + skip, size, at)?;
        let ss = self.read_stack(3 + skip, size, at)? as u16;
        let stack = self.check_stack_segment(ss, rpl, self.hart.long() && code.long(), at)?;
        let code = self.mark_accessed(selector, code, at)?;
        self.enter_code(selector, code, rpl, pc);
        match stack {
            Some(descriptor) => segment::set(self.hart, seg::SS, ss, descriptor),
            None => {
                self.hart.segs[seg::SS] = Segment {
                    selector: ss,
                    ..Segment::default()
                }
            }
        }
        self.hart.regs[usize::from(reg::RSP)] = new_rsp.wrapping_add(extra);
        self.drop_privileged_segments();
        self.hart.refresh();
        Ok(Flow::Jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::{Board, CODE64, DATA, STACK};

    /// A busy 64-bit TSS and a call gate that anybody may use.
    const TSS: u64 = 0x0000_8b00_0000_0067;
    const CALL_GATE: u64 = 0x0000_ec00_0008_0000;

    fn board() -> Board {
        let mut board = Board::new();
        board.set_descriptors(&[0, CODE64, DATA, TSS, CALL_GATE]);
        board
    }

    #[test]
    fn only_a_call_gate_that_may_be_used_is_a_gap_in_long_mode() {
        let jump = |selector| board().run(|cpu| cpu.far_jump(selector, 0, 0));
        assert_eq!(jump(0x18), Err(Trap::fault_code(vector::GP, 0x18)));
        assert!(matches!(jump(0x20), Err(Trap::Gap(_))));
        let mut user = board();
        user.hart.cpl = 3;
        user.hart.refresh();
        let through_tss = user.run(|cpu| cpu.far_jump(0x1b, 0, 0));
        assert_eq!(through_tss, Err(Trap::fault_code(vector::GP, 0x18)));
    }

    #[test]
    fn a_far_return_never_goes_through_a_gate() {
        let mut board = board();
        board.set_stack(&[0, 0x20]);
        let refused = board.run(|cpu| cpu.far_ret(Width::B8, 0, 0));
        assert_eq!(refused, Err(Trap::fault_code(vector::GP, 0x20)));
        board.set_stack(&[1 << 63, 8]);
        let refused = board.run(|cpu| cpu.far_ret(Width::B8, 0, 0));
        assert_eq!(refused, Err(Trap::GP0));
    }

    #[test]
    fn a_far_return_in_real_mode_moves_the_stack_pointer_alone() {
        let mut board = board();
        board.hart.init();
        board.set_stack(&[0x0000_1234]);
        board.hart.regs[usize::from(reg::RSP)] = 0xffff_0000 | STACK;
        assert_eq!(
            board.run(|cpu| cpu.far_ret(Width::B2, 0xf000, 0)),
            Ok(Flow::Jump)
        );
        let wrapped = 0xffff_0000 | (STACK + 4 + 0xf000) & 0xffff;
        assert_eq!(board.hart.regs[usize::from(reg::RSP)], wrapped);
    }
}
