//! The run loop: slices, deadlines, idle jumps, limits.

use crate::board::{Board, CpuActivity, Step};
use crate::clock::Clock;
use crate::hang::Watch;
use crate::hash::{Hash, PageHashes};
use crate::outcome::{Hang, Limits, Outcome};
use base::{Chooser, Codec, CodecError, Observer, Site, State, Time};

/// Instructions in a slice when several CPUs take turns.
const QUANTUM: u64 = 1000;
/// With one CPU the slice's length shows nowhere; longer ones only cost less.
const QUANTUM_ALONE: u64 = 100_000;

/// A board that runs.
pub struct Machine<B: Board, C: Chooser> {
    /// The board.
    pub board: B,
    chooser: C,
    clock: Clock,
    retired: u64,
    idle: Time,
    pages: PageHashes,
    watch: Watch,
}

impl<B: Board, C: Chooser> Machine<B, C> {
    /// Puts `board` at power-on; `chooser` makes the run's free choices.
    pub fn new(board: B, chooser: C) -> Self {
        let cpus = board.cpus();
        let quantum = if cpus == 1 { QUANTUM_ALONE } else { QUANTUM };
        Self {
            clock: Clock::new(cpus, quantum),
            watch: Watch::new(cpus),
            board,
            chooser,
            retired: 0,
            idle: Time(0),
            pages: PageHashes::default(),
        }
    }

    /// Instructions retired since power-on, by all CPUs.
    pub const fn retired(&self) -> u64 {
        self.retired
    }

    /// Virtual time.
    pub const fn now(&self) -> Time {
        self.clock.now()
    }

    /// Virtual time that passed while all CPUs were halted.
    pub const fn idle_time(&self) -> Time {
        self.idle
    }

    /// Runs until something stops it. Calling again goes on where it stopped, and how often it was stopped makes no
    /// difference to the guest.
    pub fn run<O: Observer>(&mut self, limits: &Limits, observer: &mut O) -> Outcome {
        loop {
            let now = self.clock.now();
            if self.board.deadline() <= now {
                self.board.advance(now);
            }
            if let Some((port, capacity)) = self.board.wanted_input() {
                return Outcome::Input { port, capacity };
            }
            if self.retired >= limits.instructions {
                return Outcome::Budget;
            }
            if now >= limits.time {
                return Outcome::TimeUp;
            }
            let cpu = self.clock.cpu();
            if self.board.activity(cpu) == CpuActivity::Running {
                let wanted = self.board.deadline().min(limits.time);
                let budget = self
                    .clock
                    .left()
                    .min(self.clock.until(wanted).max(1))
                    .min(limits.instructions - self.retired);
                let Step { retired, outcome } = self.board.step(cpu, &self.clock, budget, observer);
                self.clock.pass(retired);
                self.retired += retired;
                self.board.vary(&mut self.chooser);
                if let Some(outcome) = outcome {
                    return outcome;
                }
            } else if self.all_idle() {
                let next = Some(self.board.deadline()).filter(|&t| t != Time::NEVER);
                if let Some(hang) = self.watch.stopped(&self.board, now, limits.hang_after) {
                    return Outcome::Hang(hang);
                }
                if limits.report_idle {
                    return Outcome::Idle { next };
                }
                match next {
                    None => return Outcome::Hang(Hang::AllHalted),
                    Some(next) if next > limits.time => {
                        self.pass_idle(limits.time);
                        return Outcome::TimeUp;
                    }
                    Some(next) => self.pass_idle(next),
                }
                continue;
            } else {
                let until = self.clock.until(self.board.deadline()).max(1);
                self.clock.pass(self.clock.left().min(until));
            }
            if self.clock.slice_over() {
                if let Some(hang) =
                    self.watch
                        .look(&self.board, cpu, self.clock.now(), limits.hang_after)
                {
                    return Outcome::Hang(hang);
                }
                if self.clock.next_slice() && self.board.cpus() > 1 {
                    self.clock.set_first(
                        self.chooser
                            .choose(Site::FirstSlice, self.board.cpus() as u64),
                    );
                }
            }
        }
    }

    /// Lets time pass up to `time` while all CPUs are halted.
    pub fn pass_idle(&mut self, time: Time) {
        let before = self.clock.now();
        self.clock.jump(time);
        self.idle = self.idle + (self.clock.now() - before);
        self.watch.idle(&self.board, self.clock.now());
    }

    /// The door for console input: `bytes` arrive now.
    pub fn type_in(&mut self, bytes: &[u8]) {
        self.board.type_in(bytes);
    }

    /// The door for the input that [`Outcome::Input`] asks for: `bytes` arrive now, none meaning the end.
    pub fn supply(&mut self, port: u32, bytes: &[u8]) {
        let now = self.clock.now();
        self.board.supply(port, bytes, now);
    }

    fn all_idle(&self) -> bool {
        (0..self.board.cpus()).all(|cpu| self.board.activity(cpu) != CpuActivity::Running)
    }

    /// The hash of the whole state: CPUs, TLBs, RAM, devices, disk overlay, pending input, choices and clock.
    pub fn hash(&mut self) -> Hash {
        // RAM is hashed by pages; the rest through the codec.
        let mut head = Head {
            clock: &mut self.clock,
            chooser: &mut self.chooser,
            retired: &mut self.retired,
        };
        let mut head_bytes = Bytes(base::codec::save(&mut head));
        let mut board_bytes = Bytes(base::codec::save(&mut self.board));
        self.pages
            .hash(self.board.ram(), &mut [&mut head_bytes, &mut board_bytes])
    }
}

struct Head<'a, C: Chooser> {
    clock: &'a mut Clock,
    chooser: &'a mut C,
    retired: &'a mut u64,
}

impl<C: Chooser> State for Head<'_, C> {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("machine", 1)?;
        self.clock.state(codec)?;
        self.chooser.state(codec)?;
        codec.u64(self.retired)
    }
}

/// Bytes that stand for themselves.
struct Bytes(Vec<u8>);

impl State for Bytes {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.blob(&mut self.0)
    }
}
