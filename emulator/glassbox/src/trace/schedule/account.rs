//! What is counted of a process, and of all of them together.

use super::process::{Phase, Wait};
use abi::probe::{FAULTS, REASONS};
use base::Time;
use std::collections::BTreeMap;

/// Sums of times and counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// On a CPU, in user mode and in the kernel. Interrupts count to the process that they interrupt.
    pub running: Time,
    /// That part of it which was in user mode.
    pub user: Time,
    /// Runnable, while others ran.
    pub waiting: Time,
    /// Asleep until something happens.
    pub blocked: Time,
    /// The same, by what it was blocked on.
    pub blocked_on: BTreeMap<Wait, Time>,
    /// Stopped by a signal.
    pub stopped: Time,
    /// Ended, while its parent had not asked for its status yet.
    pub zombie: Time,
    /// How often it left its CPU, by reason: the indices of [`REASONS`].
    pub switches: [u64; REASONS.len()],
    /// How often it was put on each CPU.
    pub runs: Vec<u64>,
    /// How often it was taken from one CPU's queue to another's.
    pub migrations: u64,
    /// Page faults by kind: the indices of [`FAULTS`].
    pub faults: [u64; FAULTS.len()],
}

impl Account {
    /// Adds time spent in a phase.
    pub fn spend(&mut self, phase: Phase, time: Time) {
        let sum = match phase {
            Phase::Running(_) => &mut self.running,
            Phase::Waiting => &mut self.waiting,
            Phase::Blocked(wait) => {
                let sum = self.blocked_on.entry(wait).or_default();
                *sum = *sum + time;
                &mut self.blocked
            }
            Phase::Stopped => &mut self.stopped,
            Phase::Zombie => &mut self.zombie,
            Phase::Gone => return,
        };
        *sum = *sum + time;
    }

    /// Counts one switch to `cpu`.
    pub fn run_on(&mut self, cpu: u8) {
        let cpu = usize::from(cpu);
        if self.runs.len() <= cpu {
            self.runs.resize(cpu + 1, 0);
        }
        self.runs[cpu] += 1;
    }

    /// Adds another account.
    pub fn add(&mut self, other: &Self) {
        let times = [
            (&mut self.running, other.running),
            (&mut self.user, other.user),
            (&mut self.waiting, other.waiting),
            (&mut self.blocked, other.blocked),
            (&mut self.stopped, other.stopped),
            (&mut self.zombie, other.zombie),
        ];
        for (sum, time) in times {
            *sum = *sum + time;
        }
        for (wait, time) in &other.blocked_on {
            let sum = self.blocked_on.entry(*wait).or_default();
            *sum = *sum + *time;
        }
        if self.runs.len() < other.runs.len() {
            self.runs.resize(other.runs.len(), 0);
        }
        let counts = self.switches.iter_mut().zip(&other.switches);
        let counts = counts.chain(self.faults.iter_mut().zip(&other.faults));
        for (sum, count) in counts.chain(self.runs.iter_mut().zip(&other.runs)) {
            *sum += count;
        }
        self.migrations += other.migrations;
    }

    /// The time from arrival to completion, or so far.
    pub fn lifetime(&self) -> Time {
        self.running + self.waiting + self.blocked + self.stopped
    }

    /// The part of the running time that was in the kernel.
    pub fn kernel(&self) -> Time {
        self.running - self.user
    }

    /// How often it lost its CPU because its time slice was over.
    pub const fn involuntary(&self) -> u64 {
        self.switches[PREEMPTED]
    }

    /// How often it gave its CPU up: it blocked, yielded, stopped or ended.
    pub fn voluntary(&self) -> u64 {
        self.switches.iter().sum::<u64>() - self.involuntary()
    }

    /// What it was blocked on longest.
    pub fn longest_wait(&self) -> Option<Wait> {
        let longest = self.blocked_on.iter().max_by_key(|(_, time)| **time);
        longest
            .filter(|(_, time)| time.0 > 0)
            .map(|(wait, _)| *wait)
    }
}

/// The place of `preempted` among [`REASONS`].
const PREEMPTED: usize = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_the_time_slice_is_involuntary() {
        assert_eq!(REASONS[PREEMPTED], "preempted");
        let account = Account {
            switches: [3, 1, 10, 1, 2, 0],
            ..Account::default()
        };
        assert_eq!((account.involuntary(), account.voluntary()), (3, 14));
    }

    #[test]
    fn a_sum_has_what_its_parts_have() {
        let mut one = Account::default();
        one.run_on(2);
        one.spend(Phase::Blocked(Wait(1)), Time(5));
        let mut other = Account::default();
        other.run_on(0);
        other.spend(Phase::Blocked(Wait(1)), Time(2));
        other.spend(Phase::Blocked(Wait(3)), Time(9));
        other.spend(Phase::Running(0), Time(4));
        other.faults[4] = 6;
        one.add(&other);
        assert_eq!(one.runs, [1, 0, 1]);
        assert_eq!((one.blocked, one.running), (Time(16), Time(4)));
        assert_eq!(one.blocked_on[&Wait(1)], Time(7));
        assert_eq!(one.longest_wait(), Some(Wait(3)));
        assert_eq!(one.faults[4], 6);
        assert_eq!(one.lifetime(), Time(20));
    }
}
