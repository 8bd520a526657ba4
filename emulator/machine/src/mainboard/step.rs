//! One CPU's turn: interrupts in, instructions, traps out.

use super::Mainboard;
use crate::board::{Board as _, CpuActivity, Step};
use crate::chipset::ChipSet;
use crate::clock::Clock;
use crate::outcome::{Hang, Outcome};
use base::Observer;
use cpu::guest::Cpu;
use cpu::hart::Hart;
use engine::{Run, Stop};

/// Traps in a row, without one completed instruction, that make a hang.
const BARREN: u32 = 100_000;

impl<C: ChipSet> Mainboard<C> {
    /// Runs CPU number `cpu` for at most `budget` instructions, until something wants the run loop's eye.
    pub(super) fn run_cpu<O: Observer>(
        &mut self,
        cpu: usize,
        clock: &Clock,
        budget: u64,
        observer: &mut O,
    ) -> Step {
        self.chips.peripherals_mut().listen(O::ON);
        self.chips.begin(&mut self.harts, cpu, clock);
        // What input from the host has changed comes before what the CPU makes of it.
        self.tell(cpu, observer);
        let mut retired = 0;
        let outcome = loop {
            self.chips.peripherals_mut().set_retired(retired);
            if let Err(outcome) = C::interrupt(self, cpu, observer) {
                break Some(outcome);
            }
            let running = C::activity(&self.harts[cpu]) == CpuActivity::Running;
            if !running || retired >= budget || self.wants_loop() {
                break None;
            }
            // A deadline that the guest has set since the run began ends it, too.
            let due = clock.until(self.deadline()).saturating_sub(retired);
            let left = (budget - retired).min(due.max(1));
            let (left, stepping) = C::prepare(self, cpu, left);
            let hart = &mut self.harts[cpu];
            hart.host_mut().attention = false;
            let kernel = usize::from(!hart.user());
            hart.tlb_mut().follow(&self.ram);
            let (mut guest, engine) = self.cpu_and_engine(cpu, observer);
            let Run {
                retired: done,
                stop,
            } = engine.run(&mut guest, left);
            retired += done;
            self.retire(cpu, kernel, done);
            self.chips.peripherals_mut().set_retired(retired);
            self.tell(cpu, observer);
            if done > 0 {
                self.barren[cpu] = 0;
            }
            // What the kernel finds at an injection point is chosen before anything else happens to the CPU.
            if self.harts[cpu].host().held {
                break None;
            }
            if let Stop::Trap(_) = stop {
                self.barren[cpu] += 1;
                if self.barren[cpu] > BARREN {
                    break Some(Outcome::Hang(Hang::TrapLoop { cpu }));
                }
            }
            match C::stopped(self, cpu, stop, stepping, observer) {
                Ok(completed) => {
                    retired += completed;
                    self.retire(cpu, kernel, completed);
                }
                Err(outcome) => break Some(outcome),
            }
            self.chips.peripherals_mut().set_retired(retired);
            let now = self.chips.now(0);
            if let Some(outcome) = self.chips.requests(&mut self.ram, now) {
                break Some(outcome);
            }
            self.settle(now);
            if let Some(outcome) = self.ended() {
                break Some(outcome);
            }
        };
        Step { retired, outcome }
    }

    /// Whether the run loop should come round: a deadline may have moved, or the chooser or the host is wanted.
    fn wants_loop(&self) -> bool {
        self.chips.asks() || self.deadline() <= self.chips.now(0) || self.wanted_input().is_some()
    }

    /// Counts what CPU number `cpu` has completed, in the kernel's privilege or not.
    fn retire(&mut self, cpu: usize, kernel: usize, count: u64) {
        let hart = &mut self.harts[cpu];
        hart.host_mut().counters.instructions[kernel] += count;
        C::retire(hart, count);
    }

    /// CPU number `cpu` at work.
    pub(crate) fn cpu<'a, O: Observer>(
        &'a mut self,
        cpu: usize,
        observer: &'a mut O,
    ) -> Cpu<'a, C::Hart, C, O> {
        self.cpu_and_engine(cpu, observer).0
    }

    fn cpu_and_engine<'a, O: Observer>(
        &'a mut self,
        cpu: usize,
        observer: &'a mut O,
    ) -> (Cpu<'a, C::Hart, C, O>, &'a mut engine::Engine) {
        let guest = Cpu {
            hart: &mut self.harts[cpu],
            index: cpu as u8,
            ram: &mut self.ram,
            bus: &mut self.chips,
            observer,
            probes: &self.probes,
        };
        (guest, &mut self.engine)
    }
}
