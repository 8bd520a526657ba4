//! Entering a handler: exceptions, software interrupts and external interrupts in long mode (SDM vol. 3, 6.14), with
//! the rules for double and triple faults (6.15, table 6-5). Other modes' handlers are entered by [`legacy`].
//!
//! Frame in long mode, pushed at a 16-byte boundary:
//!
//! ```text
//! +40 SS   +32 RSP   +24 RFLAGS   +16 CS   +8 RIP   +0 error code (some vectors)
//! ```

mod legacy;
mod stack;

use super::cpu::Cpu;
use super::paging::canonical;
use super::reg::{self, rflags};
use super::segment::{self, Descriptor};
use super::state::{Activity, Segment, seg};
use super::trap::{Exception, Trap, vector};
use base::event::{Cause, Event};
use base::{Bus, Observer, Virt, Width};
use ir::Guest;

/// Where a delivery comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An exception of the CPU's own.
    Exception,
    /// INT n, INT3, INTO: the gate's privilege is checked, and the handler returns to `next`.
    Software {
        /// The instruction after INT.
        next: u64,
    },
    /// An interrupt from outside.
    External,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The handler is entered.
    Entered,
    /// A fault while delivering a double fault: the CPU is shut down.
    TripleFault,
}

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// Delivers `exception`, escalating to a double and a triple fault as the manual's table says.
    /// `Err` only for an emulator gap.
    pub fn deliver(
        &mut self,
        exception: Exception,
        origin: Origin,
        at: u64,
    ) -> Result<Delivered, Trap> {
        let mut current = match origin {
            Origin::Exception => self.with_segment(exception),
            Origin::Software { .. } | Origin::External => exception,
        };
        let mut origin = origin;
        loop {
            if let Some(address) = current.address {
                self.hart.cr2 = address.0;
            }
            let pc = self.hart.pc;
            if let Origin::Software { next } = origin {
                self.hart.pc = next;
            }
            match self.enter(current, origin, at) {
                Ok(()) => return Ok(Delivered::Entered),
                Err(Trap::Fault(second)) => {
                    self.hart.pc = pc;
                    let first = if origin == Origin::Exception {
                        class(current.vector)
                    } else {
                        Class::Benign
                    };
                    current = match (first, class(second.vector)) {
                        (Class::Double, _) => {
                            self.hart.activity = Activity::Shutdown;
                            self.hart.host.attention = true;
                            return Ok(Delivered::TripleFault);
                        }
                        (Class::Contributory, Class::Contributory)
                        | (Class::PageFault, Class::Contributory | Class::PageFault) => Exception {
                            vector: vector::DF,
                            error: Some(0),
                            address: None,
                        },
                        _ => second,
                    };
                    if let Some(address) = second.address {
                        self.hart.cr2 = address.0;
                    }
                    origin = Origin::Exception;
                }
                Err(other) => return Err(other),
            }
        }
    }

    fn enter(&mut self, exception: Exception, origin: Origin, at: u64) -> Result<(), Trap> {
        let (from, user) = (self.hart.linear_pc(), self.hart.cpl == 3);
        let stack = self.hart.regs[usize::from(reg::RSP)];
        if self.hart.long() {
            self.enter_long(exception, origin, at)?;
        } else if segment::real_mode(self.hart) {
            self.enter_real(exception, at)?;
        } else {
            self.enter_protected(exception, origin, at)?;
        }
        if exception.vector == vector::NMI && origin == Origin::External {
            self.hart.nmi_blocked = true;
        }
        self.hart.shadow = false;
        self.hart.activity = Activity::Running;
        self.hart.host.counters.traps[usize::from(exception.vector)] += 1;
        let event = Event::Trap {
            cause: match origin {
                Origin::Exception => Cause::Exception,
                Origin::Software { .. } => Cause::Software,
                Origin::External => Cause::Interrupt,
            },
            number: u16::from(exception.vector),
            error: exception.error,
            address: exception.address,
            from: Virt(from),
            to: Virt(self.hart.linear_pc()),
            stack: Virt(stack),
            user,
            call: None,
        };
        self.emit(at, &event);
        Ok(())
    }

    fn enter_long(&mut self, exception: Exception, origin: Origin, at: u64) -> Result<(), Trap> {
        let software = matches!(origin, Origin::Software { .. });
        let external = u32::from(!software);
        let gate_error = u32::from(exception.vector) * 8 + 2 + external;
        let offset = u64::from(exception.vector) * 16;
        let gate_fault = |v: u8| Err(Trap::fault_code(v, gate_error));
        if offset + 15 > u64::from(self.hart.idtr.1) {
            return gate_fault(vector::GP);
        }
        let base = self.hart.idtr.0.wrapping_add(offset);
        let (low, high) = self.as_supervisor(|cpu| {
            Ok((
                cpu.load(base, Width::B8, false, at)?,
                cpu.load(base.wrapping_add(8), Width::B8, false, at)?,
            ))
        })?;
        let gate = Descriptor(low);
        let interrupt_gate = match (gate.code_or_data(), gate.kind()) {
            (false, 0xe) => true,
            (false, 0xf) => false,
            _ => return gate_fault(vector::GP),
        };
        if software && gate.dpl() < self.hart.cpl {
            return gate_fault(vector::GP);
        }
        if !gate.present() {
            return gate_fault(vector::NP);
        }
        let selector = (low >> 16) as u16;
        let target = low & 0xffff | low >> 32 & 0xffff_0000 | high << 32;
        if selector & 0xfffc == 0 {
            return Err(Trap::fault_code(vector::GP, external));
        }
        let code = self
            .descriptor(selector, vector::GP, at)
            .map_err(|trap| with_external(trap, external))?;
        let selector_fault = |v: u8| {
            Err(Trap::fault_code(
                v,
                segment::selector_error(selector) + external,
            ))
        };
        if !code.code() || code.dpl() > self.hart.cpl || !code.long() || code.big() {
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
        let ist = low >> 32 & 7;
        let changes = cpl != self.hart.cpl;
        let top = if ist != 0 {
            self.task_state(28 + ist * 8, external, at)?
        } else if changes {
            self.task_state(4 + u64::from(cpl) * 8, external, at)?
        } else {
            self.hart.regs[usize::from(reg::RSP)]
        };
        if !canonical(top) || !canonical(target) {
            return Err(Trap::fault_code(
                if canonical(target) {
                    vector::SS
                } else {
                    vector::GP
                },
                external,
            ));
        }
        let stack = top & !15;
        let frame = [
            self.hart.pc,
            u64::from(self.hart.segs[seg::CS].selector),
            self.hart.rflags() | resume(exception.vector, origin),
            self.hart.regs[usize::from(reg::RSP)],
            u64::from(self.hart.segs[seg::SS].selector),
        ];
        let code = self.mark_accessed(selector, code, at)?;
        let bytes = 40 + if exception.error.is_some() { 8 } else { 0 };
        let bottom = stack.wrapping_sub(bytes);
        let (old_cpl, old_flags) = (self.hart.cpl, self.hart.regs[usize::from(reg::RFLAGS)]);
        self.hart.cpl = cpl;
        // SMAP does not let a handler's frame go to user pages: AC does not count for implicit accesses (4.6).
        self.hart.regs[usize::from(reg::RFLAGS)] &= !rflags::AC;
        self.hart.refresh_view();
        let pushed = self.push_frame(bottom, exception.error, &frame, at);
        self.hart.regs[usize::from(reg::RFLAGS)] = old_flags;
        if let Err(trap) = pushed {
            self.hart.cpl = old_cpl;
            self.hart.refresh_view();
            return Err(trap);
        }
        self.hart.regs[usize::from(reg::RSP)] = bottom;
        if changes {
            self.hart.segs[seg::SS] = Segment {
                selector: u16::from(cpl),
                attr: 0,
                limit: 0,
                base: 0,
            };
        }
        let mut cleared = rflags::TF | rflags::NT | rflags::RF | rflags::VM;
        if interrupt_gate {
            cleared |= rflags::IF;
        }
        self.hart.regs[usize::from(reg::RFLAGS)] &= !cleared;
        self.enter_code(selector, code, cpl, target);
        Ok(())
    }

    fn push_frame(
        &mut self,
        bottom: u64,
        error: Option<u32>,
        frame: &[u64; 5],
        at: u64,
    ) -> Result<(), Trap> {
        let mut addr = bottom;
        if let Some(error) = error {
            self.store(addr, Width::B8, u64::from(error), at)?;
            addr = addr.wrapping_add(8);
        }
        for word in frame {
            self.store(addr, Width::B8, *word, at)?;
            addr = addr.wrapping_add(8);
        }
        Ok(())
    }

    /// A 64-bit field of the task-state segment; beyond its limit is #TS, with `external` in the error code.
    fn task_state(&mut self, offset: u64, external: u32, at: u64) -> Result<u64, Trap> {
        let tr = self.hart.tr;
        if offset + 7 > u64::from(tr.limit) {
            return Err(Trap::fault_code(
                vector::TS,
                segment::selector_error(tr.selector) + external,
            ));
        }
        self.as_supervisor(|cpu| cpu.load(tr.base.wrapping_add(offset), Width::B8, false, at))
    }
}

/// RF of the pushed RFLAGS: set where the handler returns to the instruction that faulted (SDM vol. 3, 18.3.1.1).
fn resume(v: u8, origin: Origin) -> u64 {
    if origin == Origin::Exception && v != vector::DB {
        rflags::RF
    } else {
        0
    }
}

/// A selector's fault with the bit that says what it happened in (SDM vol. 3, 6.13).
fn with_external(trap: Trap, external: u32) -> Trap {
    match trap {
        Trap::Fault(Exception {
            vector: v @ (vector::GP | vector::TS),
            error: Some(error),
            ..
        }) => Trap::fault_code(v, error | external),
        other => other,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Benign,
    Contributory,
    PageFault,
    Double,
}

const fn class(v: u8) -> Class {
    match v {
        vector::DE | vector::TS | vector::NP | vector::SS | vector::GP => Class::Contributory,
        vector::PF => Class::PageFault,
        vector::DF => Class::Double,
        _ => Class::Benign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::{Board, CODE64, DATA, FREE, STACK};
    use base::Phys;

    const HANDLER: u64 = 0x4321;

    /// A board with an interrupt gate for every vector below 16.
    fn board(code: u64) -> Board {
        let mut board = Board::new();
        board.set_descriptors(&[0, code, DATA]);
        board.set_stack(&[]);
        for gate in 0..16 {
            let low = HANDLER | 8 << 16 | 0x8e << 40;
            board.ram.write(Phys(FREE + 16 * gate), Width::B8, low);
        }
        board.hart.idtr = (FREE, 255);
        board
    }

    fn exception(vector: u8) -> Exception {
        Exception {
            vector,
            error: None,
            address: None,
        }
    }

    fn deliver(board: &mut Board, vector: u8, origin: Origin) -> Result<Delivered, Trap> {
        board.run(|cpu| cpu.deliver(exception(vector), origin, 0))
    }

    #[test]
    fn the_frame_of_a_fault_asks_to_resume_and_others_do_not() {
        let origins = [
            (vector::UD, Origin::Exception, rflags::RF),
            (vector::UD, Origin::External, 0),
            (vector::BP, Origin::Software { next: 1 }, 0),
        ];
        for (vector, origin, wanted) in origins {
            let mut board = board(CODE64);
            assert_eq!(deliver(&mut board, vector, origin), Ok(Delivered::Entered));
            let pushed = board.ram.read(Phys(STACK - 24), Width::B8).unwrap();
            assert_eq!(pushed & rflags::RF, wanted, "{origin:?}");
            assert_eq!(board.hart.pc, HANDLER);
        }
    }

    #[test]
    fn only_an_nmi_from_outside_holds_back_others() {
        let mut board = board(CODE64);
        deliver(&mut board, vector::NMI, Origin::Software { next: 1 }).unwrap();
        assert!(!board.hart.nmi_blocked);
        deliver(&mut board, vector::NMI, Origin::External).unwrap();
        assert!(board.hart.nmi_blocked);
    }

    #[test]
    fn a_code_segment_that_cannot_be_marked_leaves_the_privilege_alone() {
        let mut board = board(CODE64 & !(1 << 40));
        board.protect(board.hart.gdtr.0);
        board.hart.cpl = 3;
        board.hart.tr.base = FREE + 0x1000;
        let ended = deliver(&mut board, vector::UD, Origin::Exception);
        assert_eq!(ended, Ok(Delivered::TripleFault));
        let rsp = board.hart.regs[usize::from(reg::RSP)];
        assert_eq!((board.hart.cpl, rsp), (3, STACK));
    }
}
