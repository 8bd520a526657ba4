//! A board put together: CPUs, RAM and a chip set. What all boards do alike is here; what is one board's own it has in
//! its [`ChipSet`].

mod step;

use crate::aside::Aside;
use crate::board::{Board, ConsoleUse, CpuActivity, Step};
use crate::chipset::ChipSet;
use crate::clock::Clock;
use crate::fault;
use crate::loader::sdt;
use crate::outcome::Outcome;
use crate::watch::{UnknownRegister, Watch, injections, points, probes};
use base::event::{PROBE_ARGS, Peek};
use base::{Chooser, Codec, CodecError, Event, Observer, Ram, Stamp, State, Struck, Time, Width};
use cpu::hart::Hart;
use cpu::memory::{Memory, peek};
use cpu::probes::Probes;
use engine::Engine;

/// The board.
pub struct Mainboard<C: ChipSet> {
    /// The CPUs.
    pub harts: Vec<C::Hart>,
    /// Guest memory.
    pub ram: Ram,
    /// All other chips.
    pub chips: C,
    /// Lifted code; the host's, no machine state.
    pub(crate) engine: Engine,
    /// Where somebody looks; the host's.
    pub(crate) probes: Probes,
    /// The probes that the kernel brought.
    sites: Vec<sdt::Site>,
    /// The names of its injection points, in the order of their numbers.
    points: Vec<String>,
    /// Traps in a row without an instruction completed, for each CPU.
    barren: Vec<u32>,
}

impl<C: ChipSet> Mainboard<C> {
    /// Puts a board together; the kernel in its memory has brought the probes `sites`.
    pub(crate) fn assemble(harts: Vec<C::Hart>, ram: Ram, chips: C, sites: Vec<sdt::Site>) -> Self {
        let mut board = Self {
            barren: vec![0; harts.len()],
            harts,
            ram,
            chips,
            engine: Engine::default(),
            probes: Probes::default(),
            points: points(&sites),
            sites,
        };
        // A note may name what is no register; such a kernel's switches are not known.
        let _ = board.watch(&[], false);
        board
    }

    /// Blocks lifted so far.
    pub const fn lifted(&self) -> u64 {
        self.engine.lifted()
    }

    /// Copies of the blocks that were lifted since the last time it was asked, in order, each with its place; from the
    /// first time on.
    pub fn take_lifts(&mut self) -> Vec<(ir::Place, ir::Block)> {
        self.engine.take_lifts()
    }

    /// The probes that the kernel brought.
    pub fn sites(&self) -> &[sdt::Site] {
        &self.sites
    }

    /// The names of the kernel's injection points; the number of a name is that of [`base::Site::Point`].
    pub fn points(&self) -> &[String] {
        &self.points
    }

    /// What the kernel's last `sched_switch` on CPU number `cpu` said, if it has that probe.
    pub fn switched(&self, cpu: usize) -> Option<&[u64; PROBE_ARGS]> {
        self.harts.get(cpu)?.host().switched.as_ref()
    }

    /// The virtual memory of CPU number `cpu` as it is now, to look at; no trace is left.
    pub fn memory(&self, cpu: usize) -> impl Peek {
        Memory {
            hart: &self.harts[cpu],
            ram: &self.ram,
        }
    }

    /// Reads the virtual memory of CPU number `cpu`; no trace is left.
    pub fn peek(&self, cpu: usize, addr: u64, width: Width) -> Option<u64> {
        peek(&self.harts[cpu], &self.ram, addr, width)
    }

    /// Carries the chips' lines to the CPUs.
    pub(crate) fn settle(&mut self, now: Time) {
        self.chips.settle(&mut self.harts, now);
    }

    /// Tells the observer what happened to the chips.
    fn tell<O: Observer>(&mut self, cpu: usize, observer: &mut O) {
        let log = &mut self.chips.peripherals_mut().log;
        if O::ON && !log.is_empty() {
            for (time, event) in log.take() {
                self.emit(cpu, time, &event, observer);
            }
        }
    }

    /// Tells the observer of an event of CPU number `cpu`.
    pub(crate) fn emit<O: Observer>(
        &self,
        cpu: usize,
        time: Time,
        event: &Event,
        observer: &mut O,
    ) {
        let memory = Memory {
            hart: &self.harts[cpu],
            ram: &self.ram,
        };
        let cpu = cpu as u8;
        observer.event(Stamp { time, cpu }, event, &memory);
    }
}

impl<C: ChipSet> Board for Mainboard<C> {
    type Aside = Aside;

    fn aside(&self) -> Aside {
        let peripherals = self.chips.peripherals();
        Aside::new(
            &self.harts,
            &self.barren,
            peripherals.output(),
            peripherals.console_use(),
        )
    }

    fn set_aside(&mut self, aside: &Aside) {
        aside.give_figures(&mut self.harts);
        self.barren.clone_from(&aside.barren);
        let peripherals = self.chips.peripherals_mut();
        peripherals.go_on_from(aside.output.clone(), aside.console);
    }

    fn cpus(&self) -> usize {
        self.harts.len()
    }

    fn ram(&mut self) -> &mut Ram {
        &mut self.ram
    }

    fn activity(&self, cpu: usize) -> CpuActivity {
        C::activity(&self.harts[cpu])
    }

    fn interrupts_on(&self, cpu: usize) -> bool {
        C::interrupts_on(&self.harts[cpu])
    }

    fn user_retired(&self) -> u64 {
        let of = |hart: &C::Hart| hart.host().counters.instructions[0];
        self.harts.iter().map(of).sum()
    }

    fn disk_completions(&self) -> u64 {
        self.chips.peripherals().disk_completions()
    }

    fn console_use(&self) -> ConsoleUse {
        self.chips.peripherals().console_use()
    }

    fn listens(&self) -> bool {
        self.chips.peripherals().serial.listens()
    }

    fn deadline(&self) -> Time {
        self.chips.deadline(&self.harts)
    }

    fn advance<O: Observer>(&mut self, cpu: usize, now: Time, observer: &mut O) {
        self.chips.peripherals_mut().listen(O::ON);
        self.chips.advance(&mut self.harts, &mut self.ram, now);
        self.tell(cpu, observer);
        self.settle(now);
    }

    fn watch(&mut self, watches: &[Watch], instructions: bool) -> Result<(), UnknownRegister> {
        let register = C::Hart::register;
        let mut wanted = probes(watches, &self.sites, register)?;
        let output = C::Hart::output;
        wanted.extend(injections(&self.sites, &self.points, register, output)?);
        self.probes = Probes::new(wanted);
        for hart in &mut self.harts {
            hart.observe(!self.probes.is_empty(), instructions);
        }
        // Blocks were lifted with the old probes in them.
        self.engine.clear();
        Ok(())
    }

    fn step<O: Observer>(
        &mut self,
        cpu: usize,
        clock: &Clock,
        budget: u64,
        observer: &mut O,
    ) -> Step {
        self.run_cpu(cpu, clock, budget, observer)
    }

    fn vary<O: Observer>(
        &mut self,
        cpu: usize,
        now: Time,
        chooser: &mut dyn Chooser,
        observer: &mut O,
    ) {
        let peripherals = self.chips.peripherals_mut();
        peripherals.listen(O::ON);
        let held = fault::pass(&mut self.harts[cpu], peripherals, chooser, now);
        if !held && !self.chips.asks() {
            return;
        }
        self.chips.vary(chooser, now);
        self.tell(cpu, observer);
        self.settle(now);
    }

    fn await_points(&mut self, chooser: &dyn Chooser) {
        for hart in &mut self.harts {
            fault::await_points(hart, self.points.len(), chooser);
        }
    }

    fn strike<O: Observer>(&mut self, cpu: usize, now: Time, struck: Struck, observer: &mut O) {
        let peripherals = self.chips.peripherals_mut();
        peripherals.listen(O::ON);
        fault::strike(struck, &mut self.ram, peripherals, now);
        self.tell(cpu, observer);
    }

    fn ended(&self) -> Option<Outcome> {
        if self.chips.peripherals().is_off() {
            return Some(Outcome::PowerCut);
        }
        self.chips.ended()
    }

    fn type_in(&mut self, bytes: &[u8], now: Time) {
        self.chips.peripherals_mut().serial.push_input(bytes);
        self.chips.follow_wires(now);
        self.settle(now);
    }

    fn supply(&mut self, port: u32, bytes: &[u8], now: Time) {
        let peripherals = self.chips.peripherals_mut();
        peripherals.supply(&mut self.ram, port, bytes, now);
        self.chips.follow_wires(now);
        self.settle(now);
    }

    fn wanted_input(&self) -> Option<(u32, usize)> {
        self.chips.peripherals().wanted_input()
    }
}

impl<C: ChipSet> State for Mainboard<C> {
    /// Everything but RAM, which is hashed and saved by pages.
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section(C::NAME, 2)?;
        let mut cpus = self.harts.len();
        codec.usize(&mut cpus)?;
        if cpus != self.harts.len() {
            return Err(CodecError::BadValue {
                field: "number of CPUs",
            });
        }
        self.harts
            .iter_mut()
            .try_for_each(|hart| hart.state(codec))?;
        self.chips.state(codec)
    }
}
