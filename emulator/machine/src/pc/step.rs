//! One CPU's step: interrupts in, instructions, traps out.

use super::Pc;
use crate::board::Step;
use crate::clock::Clock;
use crate::outcome::{Hang, Outcome};
use base::{Bus, Event, Observer, Stamp, Time};
use cpu::memory::Memory;
use cpu::x86_64::deliver::{Delivered, Origin};
use cpu::x86_64::reg::{self, rflags};
use cpu::x86_64::trap::vector;
use cpu::x86_64::{Activity, Cpu, Exception, Trap};
use devices::local_apic::Signal;
use engine::{Run, Stop};

/// Deliveries in a row, without one completed instruction, that make a hang.
const BARREN: u32 = 100_000;

impl Pc {
    /// Runs CPU number `cpu` for at most `budget` instructions, until something wants the run loop's eye.
    pub(super) fn step_cpu<O: Observer>(
        &mut self,
        cpu: usize,
        clock: &Clock,
        budget: u64,
        observer: &mut O,
    ) -> Step {
        self.chips.listen(O::ON);
        self.chips.begin(cpu, clock);
        // What input from the host has changed comes before what the CPU makes of it.
        self.tell(cpu, observer);
        let mut retired = 0;
        let outcome = loop {
            match self.interrupt(cpu, retired, observer) {
                Ok(None) => {}
                Ok(Some(outcome)) => break Some(outcome),
                Err(trap) => break Some(fatal(cpu, trap)),
            }
            let hart = &mut self.harts[cpu];
            if hart.activity != Activity::Running || retired >= budget || self.chips.wants_loop() {
                break None;
            }
            // A deadline that the guest has set since the run began ends it, too.
            let due = clock.until(self.chips.deadline()).saturating_sub(retired);
            let mut left = (budget - retired).min(due.max(1));
            let shadow = std::mem::take(&mut hart.shadow);
            let stepping = hart.regs[usize::from(reg::RFLAGS)] & rflags::TF != 0;
            // An interrupt that waits is taken behind the shadow's one instruction; one that comes later ends the run itself.
            let waiting = hart.nmi_pending || self.chips.interrupt_pending(cpu);
            if stepping || shadow && waiting {
                left = 1;
            }
            hart.host.attention = false;
            let user = hart.cpl != 0;
            let kernel = usize::from(!user);
            hart.tlb.follow(&self.ram);
            self.chips.set_retired(retired);
            let mut guest = Cpu {
                hart,
                index: cpu as u8,
                ram: &mut self.ram,
                bus: &mut self.chips,
                observer,
                probes: &self.probes,
            };
            let Run {
                retired: done,
                stop,
            } = self.engine.run(&mut guest, left);
            retired += done;
            self.harts[cpu].host.counters.instructions[kernel] += done;
            self.chips.set_retired(retired);
            self.tell(cpu, observer);
            if done > 0 {
                self.barren[cpu] = 0;
            }
            // What the kernel finds at an injection point is chosen before anything else happens to the CPU.
            if self.harts[cpu].host.held {
                break None;
            }
            let delivered = match stop {
                Stop::Trap(trap) => self.trap(cpu, trap, observer),
                Stop::Budget | Stop::Attention if stepping => self.single_step(cpu, user, observer),
                Stop::Budget | Stop::Attention => Ok(0),
            };
            match delivered {
                Ok(completed) => {
                    retired += completed;
                    self.harts[cpu].host.counters.instructions[kernel] += completed;
                }
                Err(outcome) => break Some(outcome),
            }
            self.apply_signals();
            if let Some(outcome) = self.chips.outcome() {
                break Some(outcome);
            }
        };
        Step { retired, outcome }
    }

    /// Delivers what a trap asks for; says how many instructions that completes.
    fn trap<O: Observer>(
        &mut self,
        cpu: usize,
        trap: Trap,
        observer: &mut O,
    ) -> Result<u64, Outcome> {
        let (exception, origin, completed) = match trap {
            Trap::Fault(exception) => (exception, Origin::Exception, 0),
            Trap::Software { exception, next } => (exception, Origin::Software { next }, 1),
            Trap::Debug { next } => {
                self.harts[cpu].pc = next;
                (Exception::DEBUG, Origin::Exception, 1)
            }
            Trap::Gap(_) => return Err(fatal(cpu, trap)),
        };
        self.barren[cpu] += 1;
        if self.barren[cpu] > BARREN {
            return Err(Outcome::Hang(Hang::TrapLoop { cpu }));
        }
        match self.deliver(cpu, exception, origin, observer) {
            Ok(Delivered::Entered) => Ok(completed),
            Ok(Delivered::TripleFault) => Err(Outcome::TripleFault { cpu }),
            Err(trap) => Err(fatal(cpu, trap)),
        }
    }

    /// The trap behind an instruction that began with RFLAGS.TF set (SDM vol. 3, 18.3.1.4), in user mode or not. A load
    /// of SS puts it off by one instruction, and a SYSCALL that masks TF does away with it.
    fn single_step<O: Observer>(
        &mut self,
        cpu: usize,
        user: bool,
        observer: &mut O,
    ) -> Result<u64, Outcome> {
        const BS: u64 = 1 << 14;
        let hart = &mut self.harts[cpu];
        let masked = hart.regs[usize::from(reg::RFLAGS)] & rflags::TF == 0;
        if hart.shadow || (user && hart.cpl == 0 && masked) {
            return Ok(0);
        }
        hart.dr[6] |= BS;
        match self.deliver(cpu, Exception::DEBUG, Origin::Exception, observer) {
            Ok(Delivered::Entered) => Ok(0),
            Ok(Delivered::TripleFault) => Err(Outcome::TripleFault { cpu }),
            Err(trap) => Err(fatal(cpu, trap)),
        }
    }

    /// Takes a waiting interrupt, if the CPU may.
    fn interrupt<O: Observer>(
        &mut self,
        cpu: usize,
        retired: u64,
        observer: &mut O,
    ) -> Result<Option<Outcome>, Trap> {
        let hart = &mut self.harts[cpu];
        if hart.shadow || !matches!(hart.activity, Activity::Running | Activity::Halted) {
            return Ok(None);
        }
        self.chips.set_retired(retired);
        let (number, origin) = if hart.nmi_pending && !hart.nmi_blocked {
            hart.nmi_pending = false;
            (vector::NMI, Origin::External)
        } else if hart.interrupts_on() {
            match self.chips.acknowledge(cpu) {
                Some(number) => (number, Origin::External),
                None => return Ok(None),
            }
        } else {
            return Ok(None);
        };
        if O::ON {
            let number = u16::from(number);
            self.emit(cpu, self.chips.now(0), &Event::IrqAck { number }, observer);
        }
        self.harts[cpu].activity = Activity::Running;
        let exception = Exception {
            vector: number,
            error: None,
            address: None,
        };
        Ok(match self.deliver(cpu, exception, origin, observer)? {
            Delivered::Entered => None,
            Delivered::TripleFault => Some(Outcome::TripleFault { cpu }),
        })
    }

    /// Tells the observer what happened to the chips.
    pub(super) fn tell<O: Observer>(&mut self, cpu: usize, observer: &mut O) {
        if O::ON && self.chips.has_news() {
            for (time, event) in self.chips.take_news() {
                self.emit(cpu, time, &event, observer);
            }
        }
    }

    fn emit<O: Observer>(&self, cpu: usize, time: Time, event: &Event, observer: &mut O) {
        let memory = Memory {
            hart: &self.harts[cpu],
            ram: &self.ram,
        };
        let cpu = cpu as u8;
        observer.event(Stamp { time, cpu }, event, &memory);
    }

    fn deliver<O: Observer>(
        &mut self,
        cpu: usize,
        exception: Exception,
        origin: Origin,
        observer: &mut O,
    ) -> Result<Delivered, Trap> {
        let mut guest = Cpu {
            hart: &mut self.harts[cpu],
            index: cpu as u8,
            ram: &mut self.ram,
            bus: &mut self.chips,
            observer,
            probes: &self.probes,
        };
        guest.deliver(exception, origin, 0)
    }

    /// Carries INIT, start-up and NMI signals from the local APICs to their CPUs, and wakes halted CPUs that have an
    /// interrupt to take.
    pub(super) fn apply_signals(&mut self) {
        for (cpu, hart) in self.harts.iter_mut().enumerate() {
            while let Some(signal) = self.chips.take_signal(cpu) {
                match signal {
                    Signal::Init => hart.init(),
                    Signal::StartUp(page) => hart.sipi(page),
                    Signal::Nmi => hart.nmi_pending = true,
                }
            }
            let nmi = hart.nmi_pending && !hart.nmi_blocked;
            let wakes = nmi || (hart.interrupts_on() && self.chips.interrupt_pending(cpu));
            if hart.activity == Activity::Halted && wakes {
                hart.activity = Activity::Running;
            }
        }
    }
}

fn fatal(cpu: usize, trap: Trap) -> Outcome {
    match trap {
        Trap::Gap(gap) => Outcome::Gap { cpu, gap },
        Trap::Fault(_) | Trap::Software { .. } | Trap::Debug { .. } => Outcome::TripleFault { cpu },
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::machine;
    use crate::{Limits, Outcome};
    use base::Silent;

    /// Loads an IDT whose gate 1 leads to a handler that counts in EBX the instructions stepped over, then steps.
    #[rustfmt::skip]
    const STEPPED: &[u8] = &[
        0xeb, 0x16,                                 // 00 jmp 18
        0x43,                                       // 02 inc ebx
        0xcf,                                       // 03 iret
        0, 0, 0, 0,
        0x02, 0, 0x08, 0, 0, 0x8e, 0x10, 0,         // 08 gate 1: 8:100002
        0x0f, 0x00, 0x00, 0x00, 0x10, 0x00, 0, 0,   // 10 limit, base: 100000
        0xbc, 0x00, 0x00, 0x20, 0x00,               // 18 mov esp, 200000
        0x0f, 0x01, 0x15, 0x30, 0x00, 0x10, 0x00,   // 1d lgdt [100030]
        0x0f, 0x01, 0x1d, 0x10, 0x00, 0x10, 0x00,   // 24 lidt [100010]
        0x31, 0xdb,                                 // 2b xor ebx, ebx
        0x90, 0xeb, 0x20,                           // 2d nop; jmp 50
        0x17, 0x00, 0x36, 0x00, 0x10, 0x00,         // 30 limit, base: 100036
        0, 0, 0, 0, 0, 0, 0, 0,
        0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0,         // 3e selector 8: code
        0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0,         // 46 selector 10: data
        0x90, 0x90,
        0x9c,                                       // 50 pushf
        0x81, 0x0c, 0x24, 0x00, 0x01, 0x00, 0x00,   //    or dword [esp], 100
        0x9d,                                       //    popf
        0x90,                                       //    nop
        0x66, 0x8c, 0xd0, 0x8e, 0xd0,               //    mov ax, ss; mov ss, ax
        0x90,                                       //    nop: no trap between the load and this
        0x9c,                                       //    pushf
        0x81, 0x24, 0x24, 0xff, 0xfe, 0xff, 0xff,   //    and dword [esp], ~100
        0x9d,                                       //    popf: the last that traps
        0x90,                                       //    nop
        0x89, 0xd8, 0xe7, 0xf4,                     //    mov eax, ebx; out f4, eax
    ];

    #[test]
    fn tf_traps_behind_each_instruction_and_not_behind_a_load_of_ss() {
        let mut machine = machine(STEPPED, 1);
        let outcome = machine.run(&Limits::default(), &mut Silent);
        // nop, mov ax, (mov ss and) nop, pushf, and, popf
        assert_eq!(outcome, Outcome::Exit(6));
    }
}
