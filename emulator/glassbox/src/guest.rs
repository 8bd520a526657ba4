//! A guest: a machine with a kernel and a disk, run from your own program.
//!
//! This is what the command line's commands are made of, without the command line: no file is opened, nothing is
//! printed. Bytes go in with [`Options`], what the guest prints comes out of [`Guest::run`], and an
//! [`Observer`] hears what happens inside.
//!
//! ```no_run
//! use base::event::Silent;
//! use glassbox::guest::{Guest, Options};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut options = Options::new(std::fs::read("images/x86_64/kernel.elf")?);
//! options.disk = Some(Box::new(std::fs::read("images/x86_64/fs.img")?));
//! options.line = Some("ls /".to_owned());
//! let mut guest = Guest::new(options)?;
//! let outcome = guest.run(&mut Silent, &mut |_, text| print!("{}", text.escape_ascii()));
//! println!("{outcome:?} after {} instructions", guest.machine.retired());
//! # Ok(())
//! # }
//! ```

use crate::fault::{Plan, Spec, SpecError, Target};
use crate::sites;
use crate::trace::follow::Follower;
use crate::trace::kind::{Kind, Kinds};
use crate::trace::meaning::{Meaning, watches};
use crate::trace::tasks;
use abi::boot::ExitWord;
use base::{Observer, Time};
use machine::pc::{self, Pc, Shape};
use machine::peripherals::Output;
use machine::virt::{self, Virt};
use machine::{AnyBoard, Board, Limits, Machine, UnknownRegister};
use std::sync::Arc;

pub use machine::pc::Medium;
pub use machine::{Arch, ConfigError, Outcome};

/// Virtual time between two looks at the host's side while the guest is busy.
const CHUNK: Time = Time::millis(10);

/// The calendar at power-on unless somebody says otherwise: 2026-01-01 00:00:00 UTC.
pub const EPOCH: u64 = 1_767_225_600;

/// What a RISC-V machine runs first. An x86-64 one enters its kernel as PVH has it.
#[derive(Clone, Debug, Default)]
pub enum Boot {
    /// The kernel, in M-mode at its entry, all harts at once.
    #[default]
    Machine,
    /// The kernel, in S-mode over the built-in SBI.
    Supervisor,
    /// This firmware, in M-mode at the beginning of memory.
    Firmware(Vec<u8>),
}

/// What a guest is made of. Make one with [`Options::new`], then set what is to be different.
#[non_exhaustive]
pub struct Options {
    /// The instruction set, and with it the board.
    pub arch: Arch,
    /// The kernel: an ELF file, on x86-64 with a PVH entry; on RISC-V also a Linux `Image` or a flat binary.
    pub kernel: Arc<[u8]>,
    /// On RISC-V, what runs first.
    pub boot: Boot,
    /// On RISC-V, more files for memory, with their physical addresses.
    pub loads: Vec<(u64, Vec<u8>)>,
    /// On RISC-V, whether the virtio transports are of version 1, for kernels of the time before version 2.
    pub legacy_virtio: bool,
    /// The disk; a `Vec<u8>` is one. What the guest writes stays in the machine.
    pub disk: Option<Box<dyn Medium>>,
    /// A RAM disk to hand to the kernel.
    pub initrd: Option<Vec<u8>>,
    /// The shell line that Silica runs before it ends; without one it comes to its prompt.
    pub line: Option<String>,
    /// What is appended to the kernel's command line.
    pub append: Option<String>,
    /// Whether the kernel's log goes out on the console.
    pub verbose: bool,
    /// Number of CPUs, 1 to 8.
    pub cpus: usize,
    /// Bytes of memory, in whole pages.
    pub memory: u64,
    /// Seed of the run's free choices.
    pub seed: u64,
    /// The calendar at power-on, in seconds since 1970.
    pub calendar: u64,
    /// Instructions, over all CPUs, that the run may take.
    pub max_instructions: u64,
    /// Virtual time without progress that makes a hang.
    pub hang_after: Time,
}

impl Options {
    /// One CPU, 128 MiB, no disk.
    pub fn new(kernel: impl Into<Arc<[u8]>>) -> Self {
        Self {
            arch: Arch::default(),
            kernel: kernel.into(),
            boot: Boot::default(),
            loads: Vec::new(),
            legacy_virtio: false,
            disk: None,
            initrd: None,
            line: None,
            append: None,
            verbose: false,
            cpus: 1,
            memory: 128 << 20,
            seed: 0,
            calendar: EPOCH,
            max_instructions: u64::MAX,
            hang_after: Time::secs(10),
        }
    }

    /// The kernel's command line; the board adds its devices.
    fn command_line(&self) -> String {
        let mut words = Vec::new();
        if let Some(line) = &self.line {
            let quoted = line.replace('\\', "\\\\").replace('"', "\\\"");
            words.push(format!("{}=\"{quoted}\"", abi::boot::key::RUN));
        }
        if self.verbose {
            words.push(format!("{}=7", abi::boot::key::LOGLEVEL));
        }
        words.extend(self.append.clone());
        words.join(" ")
    }
}

/// Where the guest printed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The console: a serial port.
    Console,
    /// Standard output of the shell line.
    Out,
    /// Standard error of the shell line.
    Err,
}

/// A machine that a kernel runs on.
pub struct Guest {
    /// The machine.
    pub machine: Machine<AnyBoard, Plan>,
    /// The kernel's ELF file.
    pub kernel: Arc<[u8]>,
    /// Whether the kernel is Silica, so that its exit words mean what `abi` says.
    pub silica: bool,
    limits: Limits,
}

impl Guest {
    /// A guest at power-on.
    ///
    /// # Errors
    /// The kernel cannot be loaded, or there is no such machine.
    pub fn new(options: Options) -> Result<Self, ConfigError> {
        let command_line = options.command_line();
        let command_line = command_line.as_bytes();
        let board: AnyBoard = match options.arch {
            Arch::X86_64 => Pc::new(pc::Config {
                cpus: options.cpus,
                memory: options.memory,
                kernel: &options.kernel,
                command_line,
                initrd: options.initrd.as_deref(),
                disk: options.disk,
                stdio: options.line.is_some(),
                seed: options.seed,
                calendar: options.calendar,
                tlb: Shape::default(),
            })?
            .into(),
            Arch::Riscv64 => Virt::new(virt::Config {
                harts: options.cpus,
                memory: options.memory,
                kernel: &options.kernel,
                boot: match &options.boot {
                    Boot::Machine => virt::Boot::Machine,
                    Boot::Supervisor => virt::Boot::Supervisor,
                    Boot::Firmware(bios) => virt::Boot::Firmware(bios),
                },
                loads: &options
                    .loads
                    .iter()
                    .map(|(at, data)| (*at, &data[..]))
                    .collect::<Vec<_>>(),
                command_line,
                initrd: options.initrd.as_deref(),
                disk: options.disk,
                stdio: options.line.is_some(),
                legacy_virtio: options.legacy_virtio,
                seed: options.seed,
                calendar: options.calendar,
                tlb: Shape::default(),
            })?
            .into(),
        };
        Ok(Self {
            silica: options.line.is_some() || machine::loader::sdt::is_silica(board.sites()),
            machine: Machine::new(board, Plan::new(options.seed, Vec::new())),
            kernel: options.kernel,
            limits: Limits {
                instructions: options.max_instructions,
                hang_after: options.hang_after,
                ..Limits::default()
            },
        })
    }

    /// Has `faults` go wrong from now on, and nothing else.
    ///
    /// # Errors
    /// This machine or its kernel has no such place, or nothing like this can go wrong there.
    pub fn plan(&mut self, faults: &[Spec]) -> Result<(), SpecError> {
        let target = Target {
            board: self.sites(),
            memory: self.machine.board.memory().addresses(),
        };
        let armed = faults.iter().map(|spec| spec.resolve(&target));
        let armed = armed.collect::<Result<_, _>>()?;
        self.machine.chooser_mut().arm(armed);
        Ok(())
    }

    /// What the words for places at which something goes wrong depend on.
    pub fn sites(&self) -> sites::Board {
        sites::Board {
            arch: self.machine.board.arch().name().to_owned(),
            points: self.machine.board.points().to_vec(),
        }
    }

    /// Says whether somebody may still type.
    pub const fn attend(&mut self, attended: bool) {
        self.limits.attended = attended;
    }

    /// What ends a run.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Watches the kernel's own probes of these kinds from now on, and no others; with [`Kind::INSTRUCTION`] each
    /// instruction is an event, too. Says what each site number of [`Event::Probe`](base::Event::Probe) means.
    ///
    /// # Errors
    /// A note of the kernel names a register that there is not.
    pub fn watch(&mut self, wanted: Kinds) -> Result<Vec<Meaning>, UnknownRegister> {
        let board = &mut self.machine.board;
        let (watches, meanings) = watches(board.sites(), |kind| wanted.has(kind));
        board.watch(&watches, wanted.has(Kind::INSTRUCTION))?;
        Ok(meanings)
    }

    /// Watches the probes that tell of processes, and no others, for an observer to follow them.
    ///
    /// # Errors
    /// As for [`Guest::watch`].
    pub fn follow(&mut self) -> Result<Follower, UnknownRegister> {
        self.watch(tasks::kinds()).map(Follower::new)
    }

    /// Runs the guest to its end, standard input being empty. What it prints is handed to `print`.
    pub fn run<O: Observer>(
        &mut self,
        observer: &mut O,
        print: &mut dyn FnMut(Stream, &[u8]),
    ) -> Outcome {
        loop {
            let outcome = self.advance(u64::MAX, false, observer);
            let Output { serial, ports, .. } = self.machine.board.take_output();
            let [.., out, err] = &ports;
            for (stream, text) in [
                (Stream::Console, &serial),
                (Stream::Out, out),
                (Stream::Err, err),
            ] {
                if !text.is_empty() {
                    print(stream, text);
                }
            }
            match outcome {
                None => {}
                Some(Outcome::Input { port, .. }) => self.machine.supply(port, &[]),
                Some(outcome) => return outcome,
            }
        }
    }

    /// Runs on. `None`: go on after a look at the host's side, because a while has passed, or `pause` instructions have
    /// retired since power-on. With `report_idle`, a machine whose CPUs are all halted stops and says so.
    pub fn advance<O: Observer>(
        &mut self,
        pause: u64,
        report_idle: bool,
        observer: &mut O,
    ) -> Option<Outcome> {
        let limits = Limits {
            time: self.machine.now() + CHUNK,
            instructions: self.limits.instructions.min(pause),
            report_idle,
            ..self.limits
        };
        match self.machine.run(&limits, observer) {
            Outcome::TimeUp => None,
            Outcome::Budget if self.machine.retired() < self.limits.instructions => None,
            outcome if self.silica => Some(silicas(outcome, self.machine.board.arch())),
            outcome => Some(outcome),
        }
    }

    /// Executes `count` instructions of whichever CPU has its turn; idle time is jumped over. If it ends before, says
    /// why: [`Outcome::Idle`] then means that nothing but input will wake a CPU.
    pub fn step<O: Observer>(&mut self, count: u64, observer: &mut O) -> Option<Outcome> {
        let target = self.machine.retired().saturating_add(count);
        while self.machine.retired() < target {
            match self.advance(target, true, observer) {
                Some(Outcome::Idle { next: Some(next) }) => self.machine.pass_idle(next),
                None => {}
                outcome => return outcome,
            }
        }
        None
    }
}

/// Silica's exit word, whatever device the board has for it: the finisher of RISC-V's board takes 16 bits of it.
pub(crate) fn silicas(outcome: Outcome, arch: Arch) -> Outcome {
    match (arch, outcome) {
        (Arch::Riscv64, Outcome::PowerOff) => Outcome::Exit(ExitWord::exited(0).0),
        (Arch::Riscv64, Outcome::Exit(code)) => {
            Outcome::Exit(ExitWord::from_finisher_code(code as u16).0)
        }
        (_, outcome) => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_line_is_quoted_for_the_kernel() {
        let mut options = Options::new(Vec::new());
        options.line = Some(r#"echo "a\b""#.to_owned());
        options.append = Some("policy=fifo".to_owned());
        options.verbose = true;
        assert_eq!(
            options.command_line(),
            r#"run="echo \"a\\b\"" loglevel=7 policy=fifo"#
        );
    }

    #[test]
    fn what_is_no_kernel_is_refused() {
        let refused = Guest::new(Options::new(*b"not an ELF file")).err();
        assert!(matches!(refused, Some(ConfigError::Kernel(_))));
    }
}
