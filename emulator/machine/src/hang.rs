//! Watches for a guest that makes no progress, in virtual time.
//!
//! Progress is a user instruction, a completed disk request, output, or that a CPU has its interrupts on for the first
//! time. A guest without any for too long hangs, unless it writes so much memory meanwhile that it must be at work (to
//! clear 100 MiB byte by byte takes seconds), or somebody may still type and it would notice: a character interrupts a
//! CPU, or one looks for it again and again. A CPU that keeps off the interrupts that it once had on hangs whatever the
//! others do. One that never had them on is parked, waits for the others to set the machine up, or belongs to a kernel
//! that works without interrupts: it shares the fate of the whole.

use crate::board::{Board, CpuActivity};
use crate::outcome::{Hang, Limits};
use base::Time;

/// Pages written during the last quarter of the time after which a guest hangs that only one at work writes: one that
/// turns in circles, with a clock that ticks, writes the same few.
const AT_WORK: usize = 256;

/// What was last seen of each CPU and of the whole; host-side, not machine state.
#[derive(Clone, Debug)]
pub struct Watch {
    /// When each CPU was last seen with interrupts on, or halted; nothing for one that never had them on.
    open: Vec<Option<Time>>,
    /// When the guest last made progress, or was halted and could be woken.
    progress: Time,
    signs: Signs,
    /// When it last made progress.
    active: Time,
    /// When the pages that it writes were last counted from none.
    counted: Time,
    /// How often, and when last, it looked for input in vain.
    looks: (u64, Time),
}

/// What progress changes, but for interrupts that come on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Signs {
    user_retired: u64,
    disk_completions: u64,
    written: u64,
}

impl Watch {
    /// A watch over `cpus` CPUs from power-on.
    pub fn new(cpus: usize) -> Self {
        Self {
            open: vec![None; cpus],
            progress: Time(0),
            signs: Signs::default(),
            active: Time(0),
            counted: Time(0),
            looks: (0, Time(0)),
        }
    }

    /// For how long the guest has made no progress.
    pub fn quiet<B: Board>(&mut self, board: &B, now: Time) -> Time {
        let console = board.console_use();
        let signs = Signs {
            user_retired: board.user_retired(),
            disk_completions: board.disk_completions(),
            written: console.written,
        };
        if signs != self.signs {
            self.signs = signs;
            self.progress = now;
            self.active = now;
        }
        if console.looks != self.looks.0 {
            self.looks = (console.looks, now);
        }
        now - self.active
    }

    /// Whether the guest has looked for input in vain during the last `span`.
    fn looks(&self, now: Time, span: Time) -> bool {
        self.looks.0 > 0 && now - self.looks.1 <= span
    }

    /// Whether a character that comes now would be noticed: it interrupts a CPU, or the guest has looked for one during
    /// the last `span`.
    pub fn notices<B: Board>(&self, board: &B, now: Time, span: Time) -> bool {
        self.looks(now, span) || board.listens() && awake(board, true).is_some()
    }

    /// All CPUs are halted: while an interrupt can wake one of them, nobody can be said to hang.
    pub fn idle<B: Board>(&mut self, board: &B, now: Time) {
        if can_wake(board) {
            self.progress = now;
            self.open.iter_mut().flatten().for_each(|open| *open = now);
        }
    }

    /// Whether a machine whose CPUs are all halted has stopped for good: with interrupts off, whatever timers still
    /// run.
    pub fn stopped<B: Board>(&self, board: &B, now: Time, patience: Time) -> Option<Hang> {
        let since = |cpu: usize| self.open[cpu].unwrap_or(self.progress);
        let cpu = (0..board.cpus()).find(|&cpu| now - since(cpu) > patience)?;
        (!can_wake(board)).then_some(Hang::InterruptsOff { cpu })
    }

    /// Looks at `board` after a slice of CPU number `cpu`.
    pub fn look<B: Board>(
        &mut self,
        board: &mut B,
        cpu: usize,
        now: Time,
        limits: &Limits,
    ) -> Option<Hang> {
        let patience = limits.hang_after;
        self.quiet(board, now);
        if board.interrupts_on(cpu) {
            if self.open[cpu].is_none() {
                // It has set itself up, however long that took.
                self.progress = now;
                self.active = now;
            }
            self.open[cpu] = Some(now);
        } else if let Some(open) = &mut self.open[cpu] {
            if board.activity(cpu) != CpuActivity::Running {
                *open = now;
            } else if now - *open > patience {
                return Some(Hang::InterruptsOff { cpu });
            }
        }
        let waited = now - self.progress;
        if waited <= patience {
            if waited > Time(patience.0 / 4 * 3) && self.counted <= self.progress {
                board.ram().count_anew();
                self.counted = now;
            }
            return None;
        }
        if self.counted > self.progress && board.ram().counted() > AT_WORK {
            self.progress = now;
            return None;
        }
        if limits.attended && self.notices(board, now, patience) {
            return None;
        }
        let looks = self.looks(now, patience);
        Some(match (looks, awake(board, true), awake(board, false)) {
            (true, ..) => Hang::NoInput,
            (_, None, Some(cpu)) => Hang::InterruptsOff { cpu },
            _ => Hang::NoProgress,
        })
    }
}

/// The first CPU that is not off, and has its interrupts on or off.
fn awake<B: Board>(board: &B, on: bool) -> Option<usize> {
    (0..board.cpus())
        .find(|&cpu| board.activity(cpu) != CpuActivity::Off && board.interrupts_on(cpu) == on)
}

/// Whether an interrupt would wake a CPU.
fn can_wake<B: Board>(board: &B) -> bool {
    (0..board.cpus())
        .any(|cpu| board.activity(cpu) == CpuActivity::Halted && board.interrupts_on(cpu))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::machine;
    use crate::{Limits, Outcome};
    use base::Silent;

    /// Starts the local APIC's timer, to interrupt for ever, then halts with interrupts off.
    const TICKING_AND_HALTED: &[u8] = &[
        0xc7, 0x05, 0xf0, 0x00, 0xe0, 0xfe, 0xff, 0x01, 0, 0, // mov dword [fee000f0], 1ff
        0xc7, 0x05, 0x20, 0x03, 0xe0, 0xfe, 0x20, 0, 0x02, 0, // mov dword [fee00320], 20020
        0xc7, 0x05, 0x80, 0x03, 0xe0, 0xfe, 0, 0, 0x01, 0, // mov dword [fee00380], 10000
        0xfa, 0xf4, 0xeb, 0xfd, // cli; hlt; jmp -3
    ];

    #[test]
    fn a_halt_that_no_interrupt_can_end_is_a_hang_though_a_timer_ticks() {
        let mut machine = machine(TICKING_AND_HALTED, 1);
        let limits = Limits {
            hang_after: Time::secs(2),
            ..Limits::default()
        };
        let outcome = machine.run(&limits, &mut Silent);
        assert_eq!(outcome, Outcome::Hang(Hang::InterruptsOff { cpu: 0 }));
        assert!(machine.now() > Time::secs(2) && machine.now() < Time::secs(3));
    }
}
