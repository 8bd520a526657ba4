//! One process: what it is doing, and since when.

use super::account::Account;
use super::timeline::Timeline;
use base::Time;

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It has the CPU with this index.
    Running(u8),
    /// It could run, but others do.
    Waiting,
    /// It sleeps until something happens.
    Blocked(Wait),
    /// A signal stopped it.
    Stopped,
    /// It has ended, and its parent does not know yet.
    Zombie,
    /// It is no more.
    Gone,
}

/// What a process is blocked on: a number among the [`Waits`] of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait(pub u8);

/// The names of what processes are blocked on.
#[derive(Clone, Debug)]
pub struct Waits(Vec<Vec<u8>>);

impl Default for Waits {
    /// Number 0 is what has no name, or came when there were too many.
    fn default() -> Self {
        Self(vec![b"something".to_vec()])
    }
}

impl Waits {
    /// The number of a name.
    pub fn number(&mut self, name: &[u8]) -> Wait {
        if name.is_empty() {
            return Wait(0);
        }
        let known = self.0.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            let next = self.0.len();
            if next > usize::from(u8::MAX) {
                return 0;
            }
            self.0.push(name.to_vec());
            next
        });
        Wait(number as u8)
    }

    /// The name as text that cannot act on a terminal, with spaces for underscores.
    pub fn name(&self, wait: Wait) -> String {
        let name = self.0.get(usize::from(wait.0)).unwrap_or(&self.0[0]);
        name.escape_ascii().to_string().replace('_', " ")
    }
}

/// A process.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its number; later processes may get it again.
    pub pid: u32,
    /// Who made it, or 0.
    pub parent: u32,
    /// The last name it had: the guest's own bytes.
    pub comm: Vec<u8>,
    /// When it entered a run queue for the first time; `None` if it was there before anybody looked.
    pub arrival: Option<Time>,
    /// When it first ran.
    pub first_run: Option<Time>,
    /// When it left its CPU for good.
    pub completion: Option<Time>,
    /// The word that wait4(2) reports of it, once it has ended.
    pub status: Option<u32>,
    /// Sums so far; the present phase is not in them.
    pub account: Account,
    /// The programs it ran, and since when; the first few of them.
    pub programs: Vec<(Time, Vec<u8>)>,
    /// Its past, for a chart.
    pub timeline: Timeline,
    phase: Phase,
    since: Time,
    /// It was woken before it had left its CPU.
    pub woken: bool,
    /// Its parent has asked for its status.
    pub reaped: bool,
}

/// Most programs that are remembered of one process.
const MOST_PROGRAMS: usize = 16;

impl Process {
    /// A process that waits for its first turn, or whatever it does, from `now` on.
    pub fn new(pid: u32, now: Time) -> Self {
        Self {
            pid,
            parent: 0,
            comm: Vec::new(),
            arrival: None,
            first_run: None,
            completion: None,
            status: None,
            account: Account::default(),
            programs: Vec::new(),
            timeline: Timeline::default(),
            phase: Phase::Waiting,
            since: now,
            woken: false,
            reaped: false,
        }
    }

    /// What it is doing.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// It goes over to another phase; gives the one that is over and when it began.
    pub fn enter(&mut self, phase: Phase, now: Time) -> (Phase, Time) {
        let over = (self.phase, self.since);
        self.account.spend(self.phase, now - self.since);
        self.phase = phase;
        self.since = now;
        over
    }

    /// It enters a run queue for the first time.
    pub const fn arrive(&mut self, now: Time) {
        self.arrival = Some(now);
        self.since = now;
    }

    /// It runs a new program.
    pub fn exec(&mut self, path: &[u8], now: Time) {
        if self.programs.len() < MOST_PROGRAMS {
            self.programs.push((now, path.to_vec()));
        }
    }

    /// Its name as text that cannot act on a terminal.
    pub fn name(&self) -> String {
        self.comm.escape_ascii().to_string()
    }

    /// Arrival to completion.
    pub fn turnaround(&self) -> Option<Time> {
        Some(self.completion? - self.arrival?)
    }

    /// Arrival to first run.
    pub fn response(&self) -> Option<Time> {
        Some(self.first_run? - self.arrival?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_counted_when_a_phase_is_over() {
        let mut process = Process::new(3, Time(10));
        assert_eq!(
            process.enter(Phase::Running(1), Time(12)),
            (Phase::Waiting, Time(10))
        );
        process.enter(Phase::Blocked(Wait(0)), Time(20));
        assert_eq!(process.account.waiting, Time(2));
        assert_eq!(process.account.running, Time(8));
        assert_eq!(process.account.blocked, Time(0));
    }

    #[test]
    fn names_of_waits_are_numbered_once_and_not_without_end() {
        let mut waits = Waits::default();
        let pipe = waits.number(b"pipe_read");
        assert_eq!(waits.number(b"pipe_read"), pipe);
        assert_eq!(waits.name(pipe), "pipe read");
        assert_eq!(waits.number(b""), Wait(0));
        for n in 0..300 {
            waits.number(format!("x{n}\x1b").as_bytes());
        }
        assert_eq!(waits.number(b"one too many"), Wait(0));
        assert_eq!(waits.name(waits.clone().number(b"x7\x1b")), "x7\\x1b");
    }
}
