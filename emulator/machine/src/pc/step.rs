//! One CPU's step: interrupts in, instructions, traps out.

use super::Pc;
use crate::board::Step;
use crate::clock::Clock;
use crate::outcome::{Hang, Outcome};
use base::Observer;
use cpu::x86_64::deliver::{Delivered, Origin};
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
        self.chips.begin(cpu, clock);
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
            if shadow {
                left = 1;
            }
            hart.attention = false;
            let kernel = usize::from(hart.cpl == 0);
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
            self.harts[cpu].counters.instructions[kernel] += done;
            self.chips.set_retired(retired);
            if done > 0 {
                self.barren[cpu] = 0;
            }
            if let Stop::Trap(trap) = stop {
                match self.trap(cpu, trap, observer) {
                    Ok(completed) => {
                        retired += completed;
                        self.harts[cpu].counters.instructions[kernel] += completed;
                    }
                    Err(outcome) => break Some(outcome),
                }
            }
            if let Some(site) = self.harts[cpu].probe.take() {
                self.kernel.pass(cpu, site, &self.harts[cpu], &self.ram);
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
        Trap::Fault(_) | Trap::Software { .. } => Outcome::TripleFault { cpu },
    }
}
