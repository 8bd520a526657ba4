//! Entering and leaving handlers (Privileged spec, 3.1.6.1, 3.1.7, 3.1.8): delegation, the stack of one bit for each
//! mode, vectored interrupts; MRET and SRET; which interrupt comes first.

use super::cpu::Cpu;
use super::csr::{interrupt, status};
use super::state::{Activity, Hart, Privilege, TrapCsrs};
use super::trap::{Exception, Trap, cause};
use base::event::{Cause, Event};
use base::{Bus, Observer, Virt, Width};
use ir::Flow;

use super::reg;

/// Interrupts in the order of their priority (3.1.9).
const PRIORITY: [u64; 6] = [
    interrupt::MEIP,
    interrupt::MSIP,
    interrupt::MTIP,
    interrupt::SEIP,
    interrupt::SSIP,
    interrupt::STIP,
];

impl Hart {
    /// The interrupt to take now, if any: its number. `ticks` is the timer's present value.
    pub fn interrupt(&self, ticks: u64) -> Option<u64> {
        let ready = self.pending(ticks) & self.mie;
        if ready == 0 {
            return None;
        }
        let machine = match self.privilege {
            Privilege::Machine => self.mstatus & status::MIE != 0,
            Privilege::Supervisor | Privilege::User => true,
        };
        let supervisor = match self.privilege {
            Privilege::Machine => false,
            Privilege::Supervisor => self.mstatus & status::SIE != 0,
            Privilege::User => true,
        };
        let first = |open: bool, set: u64| {
            PRIORITY
                .iter()
                .find(|bit| open && set & **bit != 0)
                .map(|bit| u64::from(bit.trailing_zeros()))
        };
        first(machine, ready & !self.mideleg).or_else(|| first(supervisor, ready & self.mideleg))
    }

    /// Whether an interrupt ends WFI: one that is enabled one by one, whatever mstatus says (3.3.3).
    pub const fn wakes(&self, ticks: u64) -> bool {
        self.pending(ticks) & self.mie != 0
    }
}

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// Enters the handler of an exception.
    pub fn deliver_exception(&mut self, exception: Exception, at: u64) {
        let mut value = exception.value;
        if Trap::Exception(exception) == Trap::ILLEGAL_IN_MEMORY {
            let half = |cpu: &mut Self, offset| {
                let pc = cpu.hart.pc.wrapping_add(offset);
                cpu.peek(pc, Width::B2).unwrap_or(0)
            };
            value = half(self, 0);
            if value & 3 == 3 {
                value |= half(self, 2) << 16;
            }
        }
        self.enter(exception.cause, value, at);
    }

    /// Enters the handler of interrupt `number`.
    pub fn deliver_interrupt(&mut self, number: u64, at: u64) {
        self.hart.activity = Activity::Running;
        self.emit(
            at,
            &Event::IrqAck {
                number: number as u16,
            },
        );
        self.enter(cause::INTERRUPT | number, 0, at);
    }

    fn enter(&mut self, cause: u64, value: u64, at: u64) {
        let hart = &mut *self.hart;
        let number = cause & !cause::INTERRUPT;
        let is_interrupt = cause != number;
        let from_user = hart.privilege == Privilege::User;
        let delegated = if is_interrupt {
            hart.mideleg
        } else {
            hart.medeleg
        } >> number
            & 1
            != 0;
        let to_supervisor = delegated && hart.privilege != Privilege::Machine;
        let from = hart.pc;
        let old = hart.privilege;
        let csrs: &mut TrapCsrs = if to_supervisor {
            &mut hart.s
        } else {
            &mut hart.m
        };
        csrs.epc = from;
        csrs.cause = cause;
        csrs.tval = value;
        let vectored = is_interrupt && csrs.tvec & 3 == 1;
        hart.pc = (csrs.tvec & !3).wrapping_add(if vectored { number * 4 } else { 0 });
        let bit = |set: bool, mask: u64| if set { mask } else { 0 };
        if to_supervisor {
            let enabled = hart.mstatus & status::SIE != 0;
            hart.mstatus &= !(status::SIE | status::SPIE | status::SPP);
            hart.mstatus |=
                bit(enabled, status::SPIE) | bit(old == Privilege::Supervisor, status::SPP);
            hart.privilege = Privilege::Supervisor;
        } else {
            let enabled = hart.mstatus & status::MIE != 0;
            hart.mstatus &= !(status::MIE | status::MPIE | status::MPP);
            hart.mstatus |= bit(enabled, status::MPIE) | (old as u64) << status::MPP_SHIFT;
            hart.privilege = Privilege::Machine;
        }
        hart.refresh();
        let calls = !is_interrupt && (cause::ECALL_U..=cause::ECALL_M).contains(&number);
        // A kernel's calls of its firmware are traps like others.
        if calls && from_user {
            hart.host.counters.syscalls += 1;
        } else {
            let place = (number as usize & 31) + if is_interrupt { 32 } else { 0 };
            hart.host.counters.traps[place] += 1;
        }
        let to = hart.pc;
        let argument = |n: u8| self.hart.regs[usize::from(reg::A0 + n)];
        // Linux's convention (syscall(2), "Architecture calling conventions").
        let call = (calls && from_user).then(|| {
            let args = [0, 1, 2, 3, 4, 5].map(argument);
            (self.hart.regs[usize::from(reg::A7)], args)
        });
        let has_address = !is_interrupt
            && matches!(
                number,
                cause::FETCH_ACCESS
                    | cause::LOAD_MISALIGNED
                    | cause::LOAD_ACCESS
                    | cause::STORE_MISALIGNED
                    | cause::STORE_ACCESS
                    | cause::FETCH_PAGE
                    | cause::LOAD_PAGE
                    | cause::STORE_PAGE
            );
        let event = Event::Trap {
            cause: match (is_interrupt, calls) {
                (true, _) => Cause::Interrupt,
                (_, true) => Cause::SystemCall,
                _ => Cause::Exception,
            },
            number: number as u16,
            error: None,
            address: has_address.then_some(Virt(value)),
            from: Virt(from),
            to: Virt(to),
            stack: Virt(self.hart.regs[usize::from(reg::SP)]),
            user: from_user,
            call,
        };
        self.emit(at, &event);
    }

    /// MRET.
    pub(super) fn mret(&mut self, bits: u32, at: u64) -> Result<Flow, Trap> {
        let hart = &mut *self.hart;
        if hart.privilege != Privilege::Machine {
            return Err(Trap::illegal(bits));
        }
        let to = Privilege::decode(hart.mstatus >> status::MPP_SHIFT).unwrap_or(Privilege::User);
        let enabled = hart.mstatus & status::MPIE != 0;
        hart.mstatus &= !(status::MPP | status::MIE);
        hart.mstatus |= status::MPIE | if enabled { status::MIE } else { 0 };
        let pc = hart.m.epc;
        self.leave(to, pc, at);
        Ok(Flow::Jump)
    }

    /// SRET; mstatus.TSR keeps it for M-mode.
    pub(super) fn sret(&mut self, bits: u32, at: u64) -> Result<Flow, Trap> {
        let hart = &mut *self.hart;
        let trapped = hart.privilege == Privilege::Supervisor && hart.mstatus & status::TSR != 0;
        if hart.privilege == Privilege::User || trapped {
            return Err(Trap::illegal(bits));
        }
        let to = if hart.mstatus & status::SPP != 0 {
            Privilege::Supervisor
        } else {
            Privilege::User
        };
        let enabled = hart.mstatus & status::SPIE != 0;
        hart.mstatus &= !(status::SPP | status::SIE);
        hart.mstatus |= status::SPIE | if enabled { status::SIE } else { 0 };
        let pc = hart.s.epc;
        self.leave(to, pc, at);
        Ok(Flow::Jump)
    }

    fn leave(&mut self, to: Privilege, pc: u64, at: u64) {
        let hart = &mut *self.hart;
        let from = hart.pc;
        if to != Privilege::Machine {
            hart.mstatus &= !status::MPRV;
        }
        hart.privilege = to;
        hart.pc = pc;
        hart.refresh();
        let event = Event::Return {
            from: Virt(from),
            to: Virt(pc),
            user: to == Privilege::User,
            stack: Virt(self.hart.regs[usize::from(reg::SP)]),
            result: self.hart.regs[usize::from(reg::A0)],
        };
        self.emit(at, &event);
    }
}
