//! Entering a handler outside long mode: through the vector table of real mode (SDM vol. 3, 21.1.4) and through the
//! 8-byte gates of protected mode (6.12).
//!
//! ```text
//! real mode        +4 FLAGS   +2 CS   +0 IP                                    (16-bit slots)
//! protected mode   +20 SS   +16 ESP   +12 EFLAGS   +8 CS   +4 EIP   +0 error   (SS and ESP only from lower privilege)
//! ```

use super::{Origin, with_external};
use crate::x86_64::cpu::Cpu;
use crate::x86_64::reg::{self, SEG_BASE, rflags};
use crate::x86_64::segment::{self, Descriptor, selector_error};
use crate::x86_64::state::{Hart, seg};
use crate::x86_64::trap::{Exception, Trap, vector};
use base::{Bus, Observer, Width};
use ir::Guest;

/// A stack that a frame goes to.
struct Stack {
    /// The segment, if it is a new one: selector and descriptor.
    segment: Option<(u16, Descriptor)>,
    base: u64,
    mask: u64,
    pointer: u64,
}

impl Stack {
    /// The stack in use.
    fn current(hart: &Hart) -> Self {
        Self {
            segment: None,
            base: hart.base(seg::SS),
            mask: mask(hart.mode().stack32()),
            pointer: hart.regs[usize::from(reg::RSP)],
        }
    }
}

const fn mask(big: bool) -> u64 {
    if big { 0xffff_ffff } else { 0xffff }
}

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// Enters a handler of real mode. No error code is pushed there.
    pub(super) fn enter_real(&mut self, exception: Exception, at: u64) -> Result<(), Trap> {
        let offset = u64::from(exception.vector) * 4;
        if offset + 3 > u64::from(self.hart.idtr.1) {
            return Err(Trap::fault(vector::GP));
        }
        let addr = self.hart.idtr.0.wrapping_add(offset);
        let entry = self.load(addr, Width::B4, false, at)?;
        let selector = self.hart.segs[seg::CS].selector;
        let frame = [self.hart.pc, u64::from(selector), self.hart.rflags()];
        let stack = Stack::current(self.hart);
        self.push(&stack, &frame, Width::B2, at)?;
        self.hart.regs[usize::from(reg::RFLAGS)] &= !(rflags::IF | rflags::TF | rflags::AC);
        self.hart.segs[seg::CS].selector = (entry >> 16) as u16;
        self.hart.regs[usize::from(SEG_BASE) + seg::CS] = entry >> 16 << 4;
        self.hart.pc = entry & 0xffff;
        self.hart.refresh();
        Ok(())
    }

    /// Enters a handler of protected mode.
    pub(super) fn enter_protected(
        &mut self,
        exception: Exception,
        origin: Origin,
        at: u64,
    ) -> Result<(), Trap> {
        let software = matches!(origin, Origin::Software { .. });
        let external = u32::from(!software);
        let offset = u64::from(exception.vector) * 8;
        let gate_fault = |v| Err(Trap::fault_code(v, offset as u32 + 2 + external));
        if offset + 7 > u64::from(self.hart.idtr.1) {
            return gate_fault(vector::GP);
        }
        let addr = self.hart.idtr.0.wrapping_add(offset);
        let gate = Descriptor(self.as_supervisor(|cpu| cpu.load(addr, Width::B8, false, at))?);
        let (size, interrupt_gate) = match (gate.code_or_data(), gate.kind()) {
            (false, 0x6) => (Width::B2, true),
            (false, 0x7) => (Width::B2, false),
            (false, 0xe) => (Width::B4, true),
            (false, 0xf) => (Width::B4, false),
            (false, 0x5) => return Err(self.gap("a task gate")),
            _ => return gate_fault(vector::GP),
        };
        if software && gate.dpl() < self.hart.cpl {
            return gate_fault(vector::GP);
        }
        if !gate.present() {
            return gate_fault(vector::NP);
        }
        let selector = (gate.0 >> 16) as u16;
        if selector & 0xfffc == 0 {
            return Err(Trap::fault_code(vector::GP, external));
        }
        let code = self
            .descriptor(selector, vector::GP, at)
            .map_err(|trap| with_external(trap, external))?;
        let selector_fault = |v| Err(Trap::fault_code(v, selector_error(selector) + external));
        if !code.code() || code.dpl() > self.hart.cpl {
            return selector_fault(vector::GP);
        }
        if !code.present() {
            return selector_fault(vector::NP);
        }
        let cpl = if code.conforming() {
            self.hart.cpl
        } else {
            code.dpl()
        };
        let mut frame = Vec::with_capacity(6);
        frame.extend(exception.error.map(u64::from));
        frame.extend([
            self.hart.pc,
            u64::from(self.hart.segs[seg::CS].selector),
            self.hart.rflags() | super::resume(exception.vector, origin),
        ]);
        let stack = if cpl < self.hart.cpl {
            frame.extend([
                self.hart.regs[usize::from(reg::RSP)] & 0xffff_ffff,
                u64::from(self.hart.segs[seg::SS].selector),
            ]);
            self.inner_stack(cpl, external, at)?
        } else {
            Stack::current(self.hart)
        };
        let code = self.mark_accessed(selector, code, at)?;
        let old_cpl = self.hart.cpl;
        self.hart.cpl = cpl;
        self.hart.refresh_view();
        if let Err(trap) = self.push(&stack, &frame, size, at) {
            self.hart.cpl = old_cpl;
            self.hart.refresh_view();
            return Err(trap);
        }
        if let Some((selector, descriptor)) = stack.segment {
            segment::set(self.hart, seg::SS, selector, descriptor);
        }
        let mut cleared = rflags::TF | rflags::NT;
        if interrupt_gate {
            cleared |= rflags::IF;
        }
        self.hart.regs[usize::from(reg::RFLAGS)] &= !cleared;
        let high = if size == Width::B4 { gate.0 >> 32 } else { 0 };
        self.enter_code(selector, code, cpl, gate.0 & 0xffff | high & 0xffff_0000);
        Ok(())
    }

    /// The stack that the task-state segment names for privilege `cpl`.
    fn inner_stack(&mut self, cpl: u8, external: u32, at: u64) -> Result<Stack, Trap> {
        let tr = self.hart.tr;
        if tr.attr & 8 == 0 {
            return Err(self.gap("a 16-bit task-state segment"));
        }
        let field = 4 + u64::from(cpl) * 8;
        if field + 5 > u64::from(tr.limit) {
            let error = selector_error(tr.selector) + external;
            return Err(Trap::fault_code(vector::TS, error));
        }
        let (pointer, selector) = self.as_supervisor(|cpu| {
            let addr = tr.base.wrapping_add(field);
            let pointer = cpu.load(addr, Width::B4, false, at)?;
            let selector = cpu.load(addr.wrapping_add(4), Width::B2, false, at)?;
            Ok((pointer, selector as u16))
        })?;
        if selector & 0xfffc == 0 {
            return Err(Trap::fault_code(vector::TS, external));
        }
        let error = selector_error(selector) + external;
        let descriptor = self
            .descriptor(selector, vector::TS, at)
            .map_err(|trap| with_external(trap, external))?;
        let writable =
            descriptor.code_or_data() && !descriptor.code() && descriptor.kind() & 2 != 0;
        if selector & 3 != u16::from(cpl) || descriptor.dpl() != cpl || !writable {
            return Err(Trap::fault_code(vector::TS, error));
        }
        if !descriptor.present() {
            return Err(Trap::fault_code(vector::SS, error));
        }
        Ok(Stack {
            segment: Some((selector, descriptor)),
            base: descriptor.base(),
            mask: mask(descriptor.big()),
            pointer,
        })
    }

    /// Puts `words` on `stack`, the first lowest, and the stack pointer at it.
    fn push(&mut self, stack: &Stack, words: &[u64], size: Width, at: u64) -> Result<(), Trap> {
        let bottom = stack
            .pointer
            .wrapping_sub(words.len() as u64 * size.bytes());
        for (offset, word) in (0..).step_by(size.bytes() as usize).zip(words) {
            let addr = (bottom.wrapping_add(offset) & stack.mask).wrapping_add(stack.base);
            self.store(addr & 0xffff_ffff, size, *word, at)?;
        }
        let rsp = &mut self.hart.regs[usize::from(reg::RSP)];
        *rsp = stack.pointer & !stack.mask & 0xffff_ffff | bottom & stack.mask;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::deliver::Delivered;
    use crate::x86_64::state::bits;
    use crate::x86_64::testing::{Board, DATA, FREE, STACK};
    use base::Phys;

    const CODE32: u64 = 0x00cf_9b00_0000_ffff;
    const USER_DATA: u64 = 0x00cf_f300_0000_ffff;
    const TSS: u64 = FREE + 0x1000;
    const PC: u64 = 0x777;

    /// A board in 32-bit protected mode without paging, its handlers at 0x12345.
    fn board() -> Board {
        let mut board = Board::new();
        board.hart.cr0 &= !bits::CR0_PG;
        board.hart.efer = 0;
        board.set_descriptors(&[0, CODE32, DATA, USER_DATA]);
        board.set_stack(&[]);
        segment::set(&mut board.hart, seg::CS, 8, Descriptor(CODE32));
        segment::set(&mut board.hart, seg::SS, 0x10, Descriptor(DATA));
        for gate in 0..16 {
            let low = 0x2345 | 8 << 16 | 0x8e << 40 | 1 << 48;
            board.ram.write(Phys(FREE + 8 * gate), Width::B8, low);
        }
        board.hart.idtr = (FREE, 127);
        board.hart.pc = PC;
        board
    }

    fn fault(vector: u8, error: Option<u32>) -> Exception {
        Exception {
            vector,
            error,
            address: None,
        }
    }

    fn pushed(board: &Board, n: u64) -> Vec<u64> {
        let rsp = board.hart.regs[usize::from(reg::RSP)];
        let word = |i| board.ram.read(Phys(rsp + 4 * i), Width::B4).unwrap();
        (0..n).map(word).collect()
    }

    #[test]
    fn protected_mode_pushes_32_bit_words_on_the_same_stack() {
        let mut board = board();
        let exception = fault(vector::GP, Some(0x18));
        let ended = board.run(|cpu| cpu.deliver(exception, Origin::Exception, 0));
        assert_eq!(ended, Ok(Delivered::Entered));
        assert_eq!(board.hart.pc, 0x1_2345);
        let flags = rflags::RF | rflags::FIXED;
        assert_eq!(pushed(&board, 4), [0x18, PC, 8, flags]);
    }

    #[test]
    fn a_handler_of_higher_privilege_has_the_stack_of_the_task() {
        let mut board = board();
        board.hart.cpl = 3;
        segment::set(&mut board.hart, seg::SS, 0x1b, Descriptor(USER_DATA));
        board.hart.tr.attr = 0x8b;
        (board.hart.tr.base, board.hart.tr.limit) = (TSS, 0x67);
        board.ram.write(Phys(TSS + 4), Width::B4, STACK + 0x800);
        board.ram.write(Phys(TSS + 8), Width::B4, 0x10);
        let ended = board.run(|cpu| cpu.deliver(fault(vector::UD, None), Origin::External, 0));
        assert_eq!(ended, Ok(Delivered::Entered));
        assert_eq!(
            (board.hart.cpl, board.hart.segs[seg::SS].selector),
            (0, 0x10)
        );
        assert_eq!(pushed(&board, 5), [PC, 8, rflags::FIXED, STACK, 0x1b]);
        assert_eq!(board.hart.regs[usize::from(reg::RSP)], STACK + 0x800 - 20);
    }

    #[test]
    fn real_mode_takes_its_handler_from_the_vector_table() {
        let mut board = board();
        board.hart.init();
        board.hart.sipi(1);
        board.hart.regs[usize::from(reg::RSP)] = STACK;
        board.hart.regs[usize::from(reg::RFLAGS)] |= rflags::IF;
        board.hart.idtr = (0, 0x3ff);
        board.ram.write(Phys(4 * 6), Width::B4, 0x1234_0056);
        let ended = board.run(|cpu| cpu.deliver(fault(vector::UD, None), Origin::Exception, 0));
        assert_eq!(ended, Ok(Delivered::Entered));
        assert_eq!(board.hart.linear_pc(), 0x1_2396);
        assert!(!board.hart.interrupts_on());
        let word = |at| board.ram.read(Phys(STACK - at), Width::B2).unwrap();
        assert_eq!([word(6), word(4), word(2)], [0, 0x100, rflags::IF | 2]);
    }

    #[test]
    fn without_a_table_any_exception_ends_in_a_triple_fault() {
        let mut board = board();
        board.hart.idtr = (0, 0);
        let ended = board.run(|cpu| cpu.deliver(fault(vector::UD, None), Origin::Exception, 0));
        assert_eq!(ended, Ok(Delivered::TripleFault));
    }
}
