//! The RISC-V board, as QEMU lays out its `virt` machine.
//!
//! ```text
//! 0x0010_0000  test finisher                     0x1000_0000  16550, source 10
//! 0x0010_1000  Goldfish RTC, source 11           0x1000_1000  virtio-mmio, 0x1000 apart, sources 1 to 8
//! 0x0200_0000  CLINT                             0x8000_0000  RAM; the device tree lies at its end
//! 0x0c00_0000  PLIC
//! ```
//!
//! [`chips`] is everything but harts and RAM, and the harts' way to it; `start` builds a machine ready to run a kernel,
//! `fdt` its device tree; `step` runs one hart with its interrupts; [`sbi`] answers S-mode's calls where no firmware
//! does; `htif` is the older way to end a test.

pub mod chips;
mod fdt;
mod htif;
pub mod sbi;
mod start;
mod step;

pub use cpu::riscv64;
pub use start::{Boot, Config, ConfigError};

use crate::aside::Aside;
use crate::board::{Board, CpuActivity, Step};
use crate::clock::Clock;
use crate::fault;
use crate::loader::sdt;
use crate::outcome::Outcome;
use crate::watch::{UnknownRegister, Watch, injections, probes};
use base::event::PROBE_ARGS;
use base::{Chooser, Codec, CodecError, Observer, Ram, State, Struck, Time};
use chips::Chips;
use cpu::probes::Probes;
use cpu::riscv64::{Activity, Hart, csr};
use engine::Engine;
use htif::Htif;

/// The board.
pub struct Virt {
    /// The harts.
    pub harts: Vec<Hart>,
    /// Guest memory.
    pub ram: Ram,
    /// All other chips.
    pub chips: Chips,
    htif: Option<Htif>,
    /// Lifted code; the host's, no machine state.
    engine: Engine,
    /// Where somebody looks; the host's.
    probes: Probes,
    /// The probes that the kernel brought.
    sites: Vec<sdt::Site>,
    /// The names of its injection points, in the order of their numbers.
    points: Vec<String>,
    /// Traps in a row without an instruction completed, for each hart.
    barren: Vec<u32>,
}

impl Virt {
    /// Blocks lifted so far.
    pub const fn lifted(&self) -> u64 {
        self.engine.lifted()
    }

    /// The probes that the kernel brought.
    pub fn sites(&self) -> &[sdt::Site] {
        &self.sites
    }

    /// The names of the kernel's injection points; the number of a name is that of [`base::Site::Point`].
    pub fn points(&self) -> &[String] {
        &self.points
    }

    /// What the kernel's last `sched_switch` on hart number `cpu` said, if it has that probe.
    pub fn switched(&self, cpu: usize) -> Option<&[u64; PROBE_ARGS]> {
        self.harts.get(cpu)?.host.switched.as_ref()
    }

    /// Reads the virtual memory of hart number `cpu`; no trace is left.
    pub fn peek(&self, cpu: usize, addr: u64, width: base::Width) -> Option<u64> {
        cpu::memory::peek(&self.harts[cpu], &self.ram, addr, width)
    }

    /// Where a failed test was when it said so, if it spoke through `tohost`.
    pub fn test_failed_at(&self) -> Option<(u64, u64)> {
        self.htif.as_ref().and_then(Htif::failed)
    }
}

impl Board for Virt {
    type Aside = Aside;

    fn aside(&self) -> Aside {
        Aside::new(&self.harts, &self.barren, self.chips.output())
    }

    fn set_aside(&mut self, aside: &Aside) {
        aside.give_figures(&mut self.harts);
        self.barren.clone_from(&aside.barren);
        self.chips.go_on_from(aside.output.clone());
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
            Activity::Waiting => CpuActivity::Halted,
            Activity::Stopped => CpuActivity::Off,
        }
    }

    fn interrupts_on(&self, cpu: usize) -> bool {
        self.harts[cpu].interrupts_on()
    }

    fn user_retired(&self) -> u64 {
        let of = |hart: &Hart| hart.host.counters.instructions[0];
        self.harts.iter().map(of).sum()
    }

    fn disk_completions(&self) -> u64 {
        self.chips.disk_completions()
    }

    fn deadline(&self) -> Time {
        let tick = Time(csr::TICK_NS);
        let own = self
            .harts
            .iter()
            .filter(|hart| !hart.timer_seen)
            .map(|hart| hart.deadline(tick))
            .min();
        self.chips.deadline().min(own.unwrap_or(Time::NEVER))
    }

    fn advance<O: Observer>(&mut self, cpu: usize, now: Time, observer: &mut O) {
        self.chips.listen(O::ON);
        self.chips.advance(&mut self.ram, now);
        self.tell(cpu, observer);
        self.follow_lines(now);
    }

    fn watch(&mut self, watches: &[Watch], instructions: bool) -> Result<(), UnknownRegister> {
        let register = riscv64::reg::named;
        let mut wanted = probes(watches, &self.sites, register)?;
        wanted.extend(injections(&self.sites, &self.points, register)?);
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
        self.step_hart(cpu, clock, budget, observer)
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
        self.follow_lines(now);
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
        self.chips.uart.push_input(bytes);
        self.chips.follow_wires(now);
        self.follow_lines(now);
    }

    fn supply(&mut self, port: u32, bytes: &[u8], now: Time) {
        self.chips.supply(&mut self.ram, port, bytes, now);
        self.follow_lines(now);
    }

    fn wanted_input(&self) -> Option<(u32, usize)> {
        self.chips.wanted_input()
    }
}

impl State for Virt {
    /// Everything but RAM, which is hashed and saved by pages.
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("virt", 1)?;
        let mut harts = self.harts.len();
        codec.usize(&mut harts)?;
        if harts != self.harts.len() {
            return Err(CodecError::BadValue {
                field: "number of harts",
            });
        }
        self.harts
            .iter_mut()
            .try_for_each(|hart| hart.state(codec))?;
        self.chips.state(codec)?;
        if let Some(htif) = &mut self.htif {
            htif.state(codec)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Machine, Outcome};
    use base::{Seeded, Silent};

    /// Runs a flat kernel to its end; what it printed, and how it ended.
    fn run(words: &[u32], harts: usize, boot: Boot<'_>) -> (String, Outcome) {
        let kernel: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let config = Config {
            harts,
            memory: 8 << 20,
            kernel: &kernel,
            boot,
            loads: &[],
            command_line: b"",
            initrd: None,
            disk: None,
            stdio: false,
            seed: 0,
            calendar: 0,
            tlb: cpu::mmu::tlb::Shape::default(),
        };
        let board = Virt::new(config).expect("the board is sound");
        let mut machine = Machine::new(board, Seeded::new(1));
        let limits = Limits {
            instructions: 100_000,
            ..Limits::default()
        };
        let outcome = machine.run(&limits, &mut Silent);
        let serial = machine.board.chips.take_output().serial;
        (String::from_utf8_lossy(&serial).into_owned(), outcome)
    }

    #[test]
    fn a_kernel_in_machine_mode_reaches_the_serial_port_and_the_finisher() {
        // lui a0, 0x10000; li a1, 'A'; sb a1, 0(a0); lui a0, 0x100; li a1, 0x5555; sw a1, 0(a0)
        let kernel = [
            0x1000_0537,
            0x0410_0593,
            0x00b5_0023,
            0x0010_0537,
            0x0000_55b7,
            0x5555_859b,
            0x00b5_2023,
        ];
        let ended = run(&kernel, 1, Boot::Machine);
        assert_eq!(ended, ("A".into(), Outcome::PowerOff));
    }

    #[test]
    fn a_kernel_in_supervisor_mode_is_answered_by_the_sbi() {
        // Legacy call 1 prints 'B'; the system reset extension powers off.
        let kernel = [
            0x0420_0513,
            0x0010_0893,
            0x0000_0073,
            0x0000_0513,
            0x0000_0813,
            0x5352_58b7,
            0x3548_889b,
            0x0000_0073,
        ];
        let ended = run(&kernel, 2, Boot::Supervisor);
        assert_eq!(ended, ("B".into(), Outcome::PowerOff));
    }

    #[test]
    fn an_illegal_instruction_enters_the_handler_with_its_cause() {
        // The handler at 0x28 fails with mcause as the code.
        let kernel = [
            0x0000_0297,
            0x0282_8293,
            0x3052_9073,
            0x0050_0513,
            0x0000_0000,
            0x0010_0537,
            0x0000_35b7,
            0x3335_859b,
            0x00b5_2023,
            0x0000_006f,
            0x3420_25f3,
            0x0105_9593,
            0x0000_3637,
            0x3336_061b,
            0x00c5_e5b3,
            0x0010_0537,
            0x00b5_2023,
        ];
        assert_eq!(run(&kernel, 1, Boot::Machine).1, Outcome::Exit(2));
    }
}
