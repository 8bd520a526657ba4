//! The run loop: slices, deadlines, idle jumps, limits.

use crate::board::{Board, CpuActivity, Step};
use crate::clock::Clock;
use crate::hang::Watch;
use crate::hash::{Hash, PageHashes};
use crate::outcome::{Hang, Limits, Outcome};
use base::{Chooser, Codec, CodecError, Observer, Site, State, Time};

/// Instructions in a slice when several CPUs take turns.
pub const QUANTUM: u64 = 1000;
/// With one CPU the slice's length shows nowhere; longer ones only cost less.
const QUANTUM_ALONE: u64 = 100_000;

/// A board that runs.
pub struct Machine<B: Board, C: Chooser> {
    /// The board.
    pub board: B,
    pub(crate) chooser: C,
    pub(crate) clock: Clock,
    pub(crate) retired: u64,
    pub(crate) idle: Time,
    pages: PageHashes,
    pub(crate) watch: Watch,
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

    /// What makes the run's free choices.
    pub const fn chooser(&self) -> &C {
        &self.chooser
    }

    /// What makes the run's free choices, to change what is to come.
    pub const fn chooser_mut(&mut self) -> &mut C {
        &mut self.chooser
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
        self.board.await_points(&self.chooser);
        loop {
            let now = self.clock.now();
            let cpu = self.clock.cpu();
            if self.board.deadline() <= now {
                self.board.advance(cpu, now, observer);
            }
            self.board.vary(cpu, now, &mut self.chooser, observer);
            let due = self.chooser.due();
            if due.time <= now || due.instructions <= self.retired {
                while let Some(struck) = self.chooser.strike(now, self.retired) {
                    self.board.strike(cpu, now, struck, observer);
                }
            }
            if let Some(outcome) = self.board.ended() {
                return outcome;
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
            let due = self.chooser.due();
            if self.board.activity(cpu) == CpuActivity::Running {
                let wanted = self.board.deadline().min(limits.time).min(due.time);
                let most = limits.instructions.min(due.instructions);
                let budget = self
                    .clock
                    .left()
                    .min(self.clock.until(wanted).max(1))
                    .min(most.saturating_sub(self.retired).max(1));
                let Step { retired, outcome } = self.board.step(cpu, &self.clock, budget, observer);
                self.clock.pass(retired);
                self.retired += retired;
                // What a CPU did may wait for a choice, which comes before the next instruction.
                let now = self.clock.now();
                self.board.vary(cpu, now, &mut self.chooser, observer);
                if let Some(outcome) = outcome {
                    return outcome;
                }
            } else if self.all_idle() {
                let next = Some(self.board.deadline().min(due.time)).filter(|&t| t != Time::NEVER);
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
                let wanted = self.board.deadline().min(due.time);
                let until = self.clock.until(wanted).max(1);
                self.clock.pass(self.clock.left().min(until));
            }
            if self.clock.slice_over() {
                if let Some(hang) = self
                    .watch
                    .look(&mut self.board, cpu, self.clock.now(), limits)
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

    /// For how long the guest has made no progress: no user instruction, no disk request completed, no output, no CPU that
    /// has its interrupts on for the first time.
    pub fn quiet(&mut self) -> Time {
        self.watch.quiet(&self.board, self.clock.now())
    }

    /// Whether a character that is typed now would be noticed: it interrupts a CPU, or the guest has looked for one during
    /// the last `span`.
    pub fn listens(&self, span: Time) -> bool {
        self.watch.notices(&self.board, self.clock.now(), span)
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
        let now = self.clock.now();
        self.board.type_in(bytes, now);
    }

    /// The door for the input that [`Outcome::Input`] asks for: `bytes` arrive now, none meaning the end.
    pub fn supply(&mut self, port: u32, bytes: &[u8]) {
        let now = self.clock.now();
        self.board.supply(port, bytes, now);
    }

    fn all_idle(&self) -> bool {
        (0..self.board.cpus()).all(|cpu| self.board.activity(cpu) != CpuActivity::Running)
    }

    /// What is the machine's own in its state.
    pub(crate) const fn head(&mut self) -> Head<'_, C> {
        Head {
            clock: &mut self.clock,
            chooser: &mut self.chooser,
            retired: &mut self.retired,
        }
    }

    /// The hash of the whole state: CPUs, TLBs, RAM, devices, disk overlay, pending input, choices and clock.
    pub fn hash(&mut self) -> Hash {
        // RAM is hashed by pages; the rest through the codec.
        let mut head_bytes = Bytes(base::codec::save(&mut self.head()));
        let mut board_bytes = Bytes(base::codec::save(&mut self.board));
        self.pages
            .hash(self.board.ram(), &mut [&mut head_bytes, &mut board_bytes])
    }
}

/// The machine's own part of its state.
pub(crate) struct Head<'a, C: Chooser> {
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::pc::Pc;
    use crate::testing::{ENTRY, board, elf};
    use base::{Seeded, Silent};

    /// Counts timer interrupts in EBX while it changes its own code, fills memory over a page's end and writes to the
    /// serial port; wakes CPU 1; ends with EBX as its word.
    #[rustfmt::skip]
    const BUSY: &[u8] = &[
        0xeb, 0x4e, 0, 0, 0, 0, 0, 0,                                   // 00 jmp 50
        0x43, 0xc7, 0x05, 0xb0, 0x00, 0xe0, 0xfe, 0, 0, 0, 0, 0xcf,     // 08 inc ebx; end of interrupt; iret
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0,                                         // 20 descriptors: none,
        0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0,                             //    8: code,
        0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0,                             //    10: data
        0x08, 0x00, 0x08, 0x00, 0, 0x8e, 0x10, 0x00,                    // 38 gate 20 leads to 08
        0x17, 0, 0x20, 0x00, 0x10, 0x00,                                // 40 descriptor table
        0x07, 1, 0x38, 0xff, 0x0f, 0x00,                                // 46 interrupt table
        0, 0, 0, 0,
        0xbc, 0x00, 0x00, 0x20, 0x00,                                   // 50 mov esp, 200000
        0x0f, 0x01, 0x15, 0x40, 0x00, 0x10, 0x00,                       //    lgdt
        0x0f, 0x01, 0x1d, 0x46, 0x00, 0x10, 0x00,                       //    lidt
        0xc7, 0x05, 0xf0, 0x00, 0xe0, 0xfe, 0xff, 0x01, 0x00, 0x00,     //    local APIC on
        0xc7, 0x05, 0x20, 0x03, 0xe0, 0xfe, 0x20, 0x00, 0x02, 0x00,     //    timer: periodic, vector 20
        0xc7, 0x05, 0x80, 0x03, 0xe0, 0xfe, 0x80, 0x01, 0x00, 0x00,     //    its period
        0xc7, 0x05, 0x10, 0x03, 0xe0, 0xfe, 0x00, 0x00, 0x00, 0x01,     //    to CPU 1:
        0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x00, 0x45, 0x00, 0x00,     //    INIT
        0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x08, 0x46, 0x00, 0x00,     //    start at 8000
        0xbd, 0x08, 0x00, 0x00, 0x00, 0xfb,                             //    mov ebp, 8; sti
        0xfe, 0x05, 0xad, 0x00, 0x10, 0x00,                             //    inc byte [the next immediate]
        0x83, 0xc2, 0x00,                                               //    add edx, 0
        0xbf, 0xf0, 0x0f, 0x18, 0x00,                                   //    mov edi, 180ff0
        0xb9, 0x40, 0x00, 0x00, 0x00, 0xf3, 0xaa,                       //    mov ecx, 40; rep stosb
        0xbe, 0x00, 0x00, 0x10, 0x00,                                   //    mov esi, 100000
        0xb9, 0x03, 0x00, 0x00, 0x00,                                   //    mov ecx, 3
        0x66, 0xba, 0xf8, 0x03, 0xf3, 0x6e,                             //    mov dx, 3f8; rep outsb
        0x4d, 0x75, 0xd8,                                               //    dec ebp; jnz: to the inc
        0xf4, 0x89, 0xd8, 0xe7, 0xf4,                                   //    hlt; mov eax, ebx; out f4, eax
    ];

    /// What CPU 1 does, in real mode: lock inc word [9000], for ever.
    const OTHER: &[u8] = &[0xf0, 0xff, 0x06, 0x00, 0x90, 0xeb, 0xf9];

    pub fn busy(cpus: usize) -> Machine<Pc, Seeded> {
        let code = (ENTRY, BUSY, BUSY.len() as u32);
        let other = (0x8000, OTHER, OTHER.len() as u32);
        let board = board(&elf(&[code, other]), cpus, None).expect("the kernel is sound");
        Machine::new(board, Seeded::new(1))
    }

    pub fn at_most(instructions: u64) -> Limits {
        Limits {
            instructions,
            ..Limits::default()
        }
    }

    /// Runs to the end without a stop: the word, the instructions, and the hash.
    pub fn unstopped(cpus: usize) -> (u32, u64, Hash) {
        let mut machine = busy(cpus);
        let Outcome::Exit(word) = machine.run(&at_most(100_000), &mut Silent) else {
            panic!("the kernel does not end");
        };
        (word, machine.retired(), machine.hash())
    }

    #[test]
    fn a_machine_stopped_and_hashed_at_every_instruction_is_the_one_that_never_stops() {
        for cpus in [1, 2] {
            let (word, end, hash) = unstopped(cpus);
            assert!(word > 5, "the timer interrupts: {word}");
            let mut stopped = busy(cpus);
            for n in 1..end {
                assert_eq!(stopped.run(&at_most(n), &mut Silent), Outcome::Budget);
                assert_eq!(stopped.retired(), n);
                let here = stopped.hash();
                if n % 29 == 0 {
                    let mut straight = busy(cpus);
                    straight.run(&at_most(n), &mut Silent);
                    assert_eq!(straight.hash(), here, "{cpus} CPUs, instruction {n}");
                }
            }
            assert_eq!(stopped.run(&at_most(end), &mut Silent), Outcome::Exit(word));
            assert_eq!((stopped.retired(), stopped.hash()), (end, hash));
        }
    }

    /// A machine that was built anew and given the state of `old`.
    fn restored(old: &mut Machine<Pc, Seeded>, cpus: usize) -> Machine<Pc, Seeded> {
        let mut new = busy(cpus);
        let saved = base::codec::save(&mut old.head());
        base::codec::load(&mut new.head(), &saved).expect("the clock is sound");
        let saved = base::codec::save(&mut old.board);
        base::codec::load(&mut new.board, &saved).expect("the board is sound");
        let saved = base::codec::save(&mut old.board.ram);
        base::codec::load(&mut new.board.ram, &saved).expect("RAM is sound");
        new
    }

    #[test]
    fn what_is_saved_is_all_that_the_future_depends_on() {
        for cpus in [1, 2] {
            let (word, end, hash) = unstopped(cpus);
            let mut machine = busy(cpus);
            for n in (1..end).step_by(23) {
                machine.run(&at_most(n), &mut Silent);
                let mut other = restored(&mut machine, cpus);
                assert_eq!(other.hash(), machine.hash(), "{cpus} CPUs, instruction {n}");
                assert_eq!(other.run(&at_most(end), &mut Silent), Outcome::Exit(word));
                assert_eq!(other.hash(), hash, "{cpus} CPUs, from instruction {n}");
            }
        }
    }

    #[test]
    fn limits_of_time_and_reports_of_idleness_are_invisible_to_the_guest() {
        for cpus in [1, 2] {
            for step in [7, 130, 1_000, 30_010] {
                let mut machine = busy(cpus);
                let outcome = loop {
                    let limits = Limits {
                        time: machine.now() + Time(step),
                        report_idle: true,
                        ..at_most(100_000)
                    };
                    match machine.run(&limits, &mut Silent) {
                        Outcome::TimeUp => {}
                        Outcome::Idle { next } => machine.pass_idle(next.expect("a timer runs")),
                        other => break other,
                    }
                };
                let (word, end, hash) = unstopped(cpus);
                assert_eq!(outcome, Outcome::Exit(word), "{cpus} CPUs, {step} ns");
                assert_eq!((machine.retired(), machine.hash()), (end, hash));
            }
        }
    }
}
