//! The workload's one run: every write and flush that the disk carried out, and what had been printed by then.

use crate::guest::silicas;
use base::{Chooser, Observer, Time};
use machine::AnyBoard;
use machine::pc::Change;
use machine::peripherals::Output;
use machine::{Limits, Machine, Outcome};

/// The console ports of the command's standard input and output.
const STDIN: u32 = 1;
const STDOUT: usize = 2;

/// Bytes written and printed that are remembered at most.
const MOST: usize = 1 << 30;

/// One thing that the disk did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It wrote.
    Write {
        /// The first byte on the disk.
        offset: u64,
        /// What was written there: whole sectors.
        bytes: Vec<u8>,
        /// Bytes that the command had printed by then.
        printed: usize,
    },
    /// It made everything durable.
    Flush {
        /// Bytes that the command had printed by then.
        printed: usize,
    },
}

impl Step {
    /// Bytes that the command had printed by then.
    pub const fn printed(&self) -> usize {
        match self {
            Self::Write { printed, .. } | Self::Flush { printed } => *printed,
        }
    }
}

/// What a workload did to its disk, from power-on to its end.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// In the order in which the disk carried it out.
    pub steps: Vec<Step>,
    /// What the command printed.
    pub printed: Vec<u8>,
}

/// The workload writes more than can be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch;

/// The workload's surroundings.
pub trait Host {
    /// At most `capacity` bytes for the command's standard input; none means its end.
    fn input(&mut self, capacity: usize) -> Vec<u8>;
    /// What the machine put out since the last call.
    fn output(&mut self, output: &Output);
}

impl Recording {
    /// How many writes there are.
    pub fn writes(&self) -> u64 {
        let writes = |step: &&Step| matches!(step, Step::Write { .. });
        self.steps.iter().filter(writes).count() as u64
    }

    /// How many bytes they wrote.
    pub fn bytes(&self) -> u64 {
        let bytes = |step: &Step| match step {
            Step::Write { bytes, .. } => bytes.len() as u64,
            Step::Flush { .. } => 0,
        };
        self.steps.iter().map(bytes).sum()
    }

    /// How many flushes there are.
    pub fn flushes(&self) -> u64 {
        self.steps.len() as u64 - self.writes()
    }
}

/// Runs `machine` to its end, from power-on as a rule, and records what it does to its disk.
///
/// # Errors
/// It writes or prints more than 1 GiB.
pub fn record<C: Chooser, O: Observer>(
    machine: &mut Machine<AnyBoard, C>,
    limits: &Limits,
    host: &mut impl Host,
    observer: &mut O,
) -> Result<(Recording, Outcome), TooMuch> {
    let mut recording = Recording::default();
    let mut held = 0;
    if let Some(disk) = machine.board.disk_content() {
        disk.record(true);
    }
    loop {
        let limits = Limits {
            time: quiet_until(machine).min(limits.time),
            ..*limits
        };
        let outcome = machine.run(&limits, observer);
        let board = &mut machine.board;
        let output = board.take_output();
        recording.printed.extend(&output.ports[STDOUT]);
        held += output.ports[STDOUT].len();
        host.output(&output);
        let changes = board.disk_content().map(|disk| disk.take_changes());
        for change in changes.into_iter().flatten() {
            let printed = recording.printed.len();
            recording.steps.push(match change {
                Change::Flush => Step::Flush { printed },
                Change::Write { offset, bytes } => {
                    held += bytes.len();
                    Step::Write {
                        offset,
                        bytes,
                        printed,
                    }
                }
            });
            held += size_of::<Step>();
        }
        if held > MOST {
            return Err(TooMuch);
        }
        match outcome {
            Outcome::TimeUp => {}
            Outcome::Input { port, capacity } => {
                let data = match port {
                    STDIN => host.input(capacity),
                    _ => Vec::new(),
                };
                machine.supply(port, &data);
            }
            outcome => return Ok((recording, silicas(outcome, machine.board.arch()))),
        }
    }
}

/// The instant up to which the disk carries nothing out. A request that does not exist yet takes its fixed time at
/// least, so everything that is printed before this instant is printed before the next change.
fn quiet_until<C: Chooser>(machine: &Machine<AnyBoard, C>) -> Time {
    let disk = machine.board.disk();
    let fixed = disk.map_or(1_000_000, |disk| disk.backend().latency().fixed.max(1));
    let due = disk.map_or(Time::NEVER, base::Device::deadline);
    due.min(machine.now() + Time(fixed))
        .max(machine.now() + Time(1))
}
