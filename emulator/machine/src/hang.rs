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

    /// All CPUs are halted: nobody can be said to hang.
    pub fn idle(&mut self, now: Time) {
        self.progress = now;
        self.open_since.fill(now);
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
