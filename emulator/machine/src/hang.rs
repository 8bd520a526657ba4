//! Watches for a guest that makes no progress, in virtual time.

use crate::board::{Board, CpuActivity};
use crate::outcome::Hang;
use base::Time;

/// What was last seen of each CPU and of the whole; host-side, not machine state.
#[derive(Clone, Debug)]
pub struct Watch {
    open_since: Vec<Time>,
    progress: Time,
    seen: (u64, u64),
}

impl Watch {
    /// A watch over `cpus` CPUs from power-on.
    pub fn new(cpus: usize) -> Self {
        Self {
            open_since: vec![Time(0); cpus],
            progress: Time(0),
            seen: (0, 0),
        }
    }

    /// All CPUs are halted: while an interrupt can wake one of them, nobody can be said to hang.
    pub fn idle<B: Board>(&mut self, board: &B, now: Time) {
        if can_wake(board) {
            self.progress = now;
            self.open_since.fill(now);
        }
    }

    /// Whether a machine whose CPUs are all halted has stopped for good: with interrupts off, whatever timers still
    /// run.
    pub fn stopped<B: Board>(&self, board: &B, now: Time, patience: Time) -> Option<Hang> {
        let mut cpus = 0..board.cpus();
        let cpu = cpus.find(|&cpu| now - self.open_since[cpu] > patience)?;
        (!can_wake(board)).then_some(Hang::InterruptsOff { cpu })
    }

    /// Looks at `board` after a slice of CPU number `cpu`.
    pub fn look<B: Board>(
        &mut self,
        board: &B,
        cpu: usize,
        now: Time,
        patience: Time,
    ) -> Option<Hang> {
        if board.activity(cpu) != CpuActivity::Running || board.interrupts_on(cpu) {
            self.open_since[cpu] = now;
        } else if now - self.open_since[cpu] > patience {
            return Some(Hang::InterruptsOff { cpu });
        }
        let seen = (board.user_retired(), board.disk_completions());
        if seen != self.seen {
            self.seen = seen;
            self.progress = now;
        } else if now - self.progress > patience {
            return Some(Hang::NoProgress);
        }
        None
    }
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
