//! The x86-64 board: a PC without legacy video, keyboard or PCI, compatible with QEMU's `microvm`.
//!
//! ```text
//! memory                                          ports
//! 0x0000_0000  RAM                                0x020 0x0a0  PIC pair
//! 0x0009_0000  boot information (loader::pvh)     0x040        PIT
//! 0x000e_0000  ACPI tables                        0x061        PIT gate and output
//! 0x000f_0000  MP table                           0x070        RTC
//! 0xfeb0_0000  virtio-mmio, 512 bytes each        0x0e9        debug console
//! 0xfec0_0000  IOAPIC                             0x0f4        debug exit
//! 0xfee0_0000  local APIC, each CPU's own         0x3f8        COM1
//!                                                 0x510        fw_cfg
//!                                                 0x604        power-off
//! ```
//!
//! [`chips`] is everything but CPUs and RAM, and the CPUs' way to it; `start` builds a machine ready to run a kernel;
//! `step` runs one CPU with its interrupts.

pub mod chips;
pub mod probe;
mod start;
mod step;

pub use cpu::mmu::tlb::Shape;
pub use cpu::x86_64;
pub use devices::virtio::block::{Change, Disk, Medium, MediumError, SECTOR, View};
pub use start::Config;

use crate::aside::Aside;
use crate::board::{Board, ConsoleUse, CpuActivity, Step};
use crate::clock::Clock;
use crate::fault;
use crate::loader::sdt;
use crate::outcome::Outcome;
use crate::watch::{UnknownRegister, Watch, injections, probes};
use base::event::PROBE_ARGS;
use base::{Chooser, Codec, CodecError, Observer, Ram, State, Struck, Time};
use chips::Chips;
use cpu::probes::Probes;
use cpu::x86_64::{Activity, Hart};
use engine::Engine;

/// The board.
pub struct Pc {
    /// The CPUs.
    pub harts: Vec<Hart>,
    /// Guest memory.
    pub ram: Ram,
    /// All other chips.
    pub chips: Chips,
    /// Lifted code; the host's, no machine state.
    engine: Engine,
    /// Where somebody looks; the host's.
    probes: Probes,
    /// The probes that the kernel brought.
    sites: Vec<sdt::Site>,
    /// The names of its injection points, in the order of their numbers.
    points: Vec<String>,
    /// Deliveries in a row without an instruction completed, for each CPU.
    barren: Vec<u32>,
}

impl Pc {
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
        self.harts.get(cpu)?.host.switched.as_ref()
    }

    /// The virtual memory of CPU number `cpu` as it is now, to look at; no trace is left.
    pub fn memory(&self, cpu: usize) -> impl base::event::Peek {
        cpu::memory::Memory {
            hart: &self.harts[cpu],
            ram: &self.ram,
        }
    }

    /// Reads the virtual memory of CPU number `cpu`; no trace is left.
    pub fn peek(&self, cpu: usize, addr: u64, width: base::Width) -> Option<u64> {
        cpu::memory::peek(&self.harts[cpu], &self.ram, addr, width)
    }
}

impl Board for Pc {
    type Aside = Aside;

    fn aside(&self) -> Aside {
        Aside::new(
            &self.harts,
            &self.barren,
            self.chips.output(),
            self.chips.console_use(),
        )
    }

    fn set_aside(&mut self, aside: &Aside) {
        aside.give_figures(&mut self.harts);
        self.barren.clone_from(&aside.barren);
        self.chips.go_on_from(aside.output.clone(), aside.console);
    }

    fn cpus(&self) -> usize {
        self.harts.len()
    }

    fn ram(&mut self) -> &mut Ram {
        &mut self.ram
    }

    fn activity(&self, cpu: usize) -> CpuActivity {
        match self.harts[cpu].activity {
            Activity::Running => CpuActivity::Running,
            Activity::Halted => CpuActivity::Halted,
            Activity::WaitForSipi | Activity::Shutdown => CpuActivity::Off,
        }
    }

    fn interrupts_on(&self, cpu: usize) -> bool {
        self.harts[cpu].interrupts_on()
    }

    fn user_retired(&self) -> u64 {
        self.harts
            .iter()
            .map(|hart| hart.host.counters.instructions[0])
            .sum()
    }

    fn disk_completions(&self) -> u64 {
        self.chips.disk_completions()
    }

    fn console_use(&self) -> ConsoleUse {
        self.chips.console_use()
    }

    fn listens(&self) -> bool {
        self.chips.com1.listens()
    }

    fn deadline(&self) -> Time {
        self.chips.deadline()
    }

    fn advance<O: Observer>(&mut self, cpu: usize, now: Time, observer: &mut O) {
        self.chips.listen(O::ON);
        self.chips.advance(&mut self.ram, now);
        self.tell(cpu, observer);
        self.apply_signals();
    }

    fn watch(&mut self, watches: &[Watch], instructions: bool) -> Result<(), UnknownRegister> {
        let mut wanted = probes(watches, &self.sites, probe::register)?;
        wanted.extend(injections(&self.sites, &self.points, probe::register)?);
        self.probes = Probes::new(wanted);
        for hart in &mut self.harts {
            hart.probes_on = !self.probes.is_empty();
            hart.instructions_on = instructions;
            let fetch_page = hart.fetch_page; // is machine state, and the mode's change is none of the guest's
            hart.refresh();
            hart.fetch_page = fetch_page;
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
        self.step_cpu(cpu, clock, budget, observer)
    }

    fn vary<O: Observer>(
        &mut self,
        cpu: usize,
        now: Time,
        chooser: &mut dyn Chooser,
        observer: &mut O,
    ) {
        self.chips.listen(O::ON);
        let held = fault::pass(&mut self.harts[cpu], &mut self.chips, chooser, now);
        if !held && !self.chips.wants_chooser() {
            return;
        }
        self.chips.vary(chooser, now);
        self.tell(cpu, observer);
        self.apply_signals();
    }

    fn await_points(&mut self, chooser: &dyn Chooser) {
        for hart in &mut self.harts {
            fault::await_points(hart, self.points.len(), chooser);
        }
    }

    fn strike<O: Observer>(&mut self, cpu: usize, now: Time, struck: Struck, observer: &mut O) {
        self.chips.listen(O::ON);
        fault::strike(struck, &mut self.ram, &mut self.chips, now);
        self.tell(cpu, observer);
    }

    fn ended(&self) -> Option<Outcome> {
        self.chips.outcome()
    }

    fn type_in(&mut self, bytes: &[u8], now: Time) {
        self.chips.com1.push_input(bytes);
        self.chips.follow_wires(now);
        self.apply_signals();
    }

    fn supply(&mut self, port: u32, bytes: &[u8], now: Time) {
        self.chips.supply(&mut self.ram, port, bytes, now);
        self.apply_signals();
    }

    fn wanted_input(&self) -> Option<(u32, usize)> {
        self.chips.wanted_input()
    }
}

impl State for Pc {
    /// Everything but RAM, which is hashed and saved by pages.
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("pc", 1)?;
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
