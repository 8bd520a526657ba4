//! One hart's step: interrupts in, instructions, traps out.

use super::Virt;
use super::htif::Request;
use super::sbi;
use crate::board::Step;
use crate::clock::Clock;
use crate::outcome::{Hang, Outcome};
use base::{Bus, Event, Observer, Stamp, Time};
use cpu::memory::Memory;
use cpu::riscv64::csr::interrupt;
use cpu::riscv64::trap::cause;
use cpu::riscv64::{Activity, Cpu, Hart, Privilege, Trap};
use engine::{Run, Stop};

/// Traps in a row, without one completed instruction, that make a hang.
const BARREN: u32 = 100_000;

impl Virt {
    /// Runs hart number `cpu` for at most `budget` instructions, until something wants the run loop's eye.
    pub(super) fn step_hart<O: Observer>(
        &mut self,
        cpu: usize,
        clock: &Clock,
        budget: u64,
        observer: &mut O,
    ) -> Step {
        self.chips.listen(O::ON);
        self.chips.begin(clock);
        // What input from the host has changed comes before what the CPU makes of it.
        self.tell(cpu, observer);
        // This hart may write anywhere: from now on the others have nothing reserved.
        for (n, hart) in self.harts.iter_mut().enumerate() {
            if n != cpu {
                hart.reservation = None;
            }
        }
        let mut retired = 0;
        let outcome = loop {
            self.chips.set_retired(retired);
            self.interrupt(cpu, observer);
            let hart = &mut self.harts[cpu];
            if hart.activity != Activity::Running || retired >= budget || self.chips.wants_loop() {
                break None;
            }
            // A deadline that the guest has set since the run began ends it, too.
            let due = crate::board::Board::deadline(self);
            let due = clock.until(due).saturating_sub(retired);
            let left = (budget - retired).min(due.max(1));
            let hart = &mut self.harts[cpu];
            hart.host.attention = false;
            let kernel = usize::from(hart.privilege != Privilege::User);
            hart.tlb.follow(&self.ram);
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
            let hart = &mut self.harts[cpu];
            hart.host.counters.instructions[kernel] += done;
            hart.retired = hart.retired.wrapping_add(done);
            self.chips.set_retired(retired);
            self.tell(cpu, observer);
            if done > 0 {
                self.barren[cpu] = 0;
            }
            // What the kernel finds at an injection point is chosen before anything else happens to the hart.
            if self.harts[cpu].host.held {
                break None;
            }
            if let Stop::Trap(trap) = stop {
                match self.trap(cpu, trap, observer) {
                    Ok(completed) => {
                        retired += completed;
                        let hart = &mut self.harts[cpu];
                        hart.host.counters.instructions[kernel] += completed;
                        hart.retired = hart.retired.wrapping_add(completed);
                    }
                    Err(outcome) => break Some(outcome),
                }
            }
            self.chips.set_retired(retired);
            let now = self.chips.now(0);
            if let Some(outcome) = self.requests(now) {
                break Some(outcome);
            }
            self.follow_lines(now);
            if let Some(outcome) = self.chips.outcome() {
                break Some(outcome);
            }
        };
        Step { retired, outcome }
    }

    /// What the program has asked for through HTIF.
    fn requests(&mut self, now: Time) -> Option<Outcome> {
        let htif = self.htif.as_ref()?;
        while let Some(request) = htif.take(&mut self.ram) {
            match request {
                Request::End(0) => return Some(Outcome::PowerOff),
                Request::End(test) => return Some(Outcome::TestFailed { test }),
                Request::Print(byte) => self.chips.print(byte, now),
            }
        }
        htif.watch(&mut self.ram);
        None
    }

    /// Enters the handler that a trap asks for, or answers S-mode's call; says how many instructions that completes.
    fn trap<O: Observer>(
        &mut self,
        cpu: usize,
        trap: Trap,
        observer: &mut O,
    ) -> Result<u64, Outcome> {
        let exception = match trap {
            Trap::Exception(exception) => exception,
            Trap::Gap(gap) => return Err(Outcome::Gap { cpu, gap }),
        };
        self.barren[cpu] += 1;
        if self.barren[cpu] > BARREN {
            return Err(Outcome::Hang(Hang::TrapLoop { cpu }));
        }
        let hart = &self.harts[cpu];
        if exception.cause == cause::ECALL_S && hart.sbi && hart.medeleg >> cause::ECALL_S & 1 == 0
        {
            let now = self.chips.now(0);
            return match sbi::call(self, cpu, now) {
                Some(outcome) => Err(outcome),
                None => Ok(1),
            };
        }
        let mut guest = Cpu {
            hart: &mut self.harts[cpu],
            index: cpu as u8,
            ram: &mut self.ram,
            bus: &mut self.chips,
            observer,
            probes: &self.probes,
        };
        guest.deliver_exception(exception, 0);
        Ok(0)
    }

    /// Takes a waiting interrupt, if the hart may.
    fn interrupt<O: Observer>(&mut self, cpu: usize, observer: &mut O) {
        let now = self.chips.now(0);
        let ticks = self.chips.clint.mtime(now);
        let hart = &mut self.harts[cpu];
        if hart.activity == Activity::Stopped {
            return;
        }
        if hart.activity == Activity::Waiting && hart.wakes(ticks) {
            hart.activity = Activity::Running;
        }
        if hart.activity != Activity::Running {
            return;
        }
        if let Some(number) = hart.interrupt(ticks) {
            let mut guest = Cpu {
                hart,
                index: cpu as u8,
                ram: &mut self.ram,
                bus: &mut self.chips,
                observer,
                probes: &self.probes,
            };
            guest.deliver_interrupt(number, 0);
            self.chips.taken(cpu, number);
            self.follow_lines(now);
        }
    }

    /// Carries the chips' lines to the harts, and wakes those that wait for what has come.
    pub(super) fn follow_lines(&mut self, now: Time) {
        let ticks = self.chips.clint.mtime(now);
        let due = |set, (n, hart): (usize, &Hart)| set | u32::from(hart.timer_due(ticks)) << n;
        self.chips
            .follow_timers(self.harts.iter().enumerate().fold(0, due));
        for (n, hart) in self.harts.iter_mut().enumerate() {
            let own = self.chips.own_timer(n);
            hart.lines = self.chips.lines(n) | if own.seen { interrupt::STIP } else { 0 };
            hart.timer_hidden = own.hidden;
            hart.time_offset = self.chips.clint.offset();
            hart.timer_seen = ticks >= hart.stimecmp;
            if hart.activity == Activity::Waiting && hart.wakes(ticks) {
                hart.activity = Activity::Running;
            }
        }
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
}
