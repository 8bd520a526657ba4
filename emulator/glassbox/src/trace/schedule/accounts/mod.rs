//! The books: processes and CPUs, and what is known of them. [`events`] fills them from the kernel's events.
//!
//! A guest may make any number of processes. Of those that are gone only the ones with most CPU time are kept as such,
//! the others are added up; timelines are thinned when there are too many spans.

mod cpus;
mod events;
mod keep;
#[cfg(test)]
mod tests;

use super::account::Account;
use super::process::{Phase, Process, Waits};
use super::timeline::Span;
use base::Time;
pub use cpus::Cpu;
use keep::Keep;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Most processes that live at once; Silica's numbers end at 32767.
const MOST_ALIVE: usize = 1 << 16;
/// Processes that are gone and kept as such, until there are twice as many.
const KEPT: usize = 2048;

/// The books.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    cpus: Vec<Cpu>,
    /// Processes in the order in which they were made.
    processes: BTreeMap<u64, Process>,
    /// Those that are not gone, by pid.
    alive: BTreeMap<u32, u64>,
    /// How many were made.
    made: u64,
    /// How many of those that are gone were not kept, and their sums.
    folded: (u64, Account),
    /// Sums for the averages: turnaround times, and how many.
    pub turnaround: (Time, u64),
    /// The same of response times.
    pub response: (Time, u64),
    waits: Waits,
    start: Option<Time>,
    /// When the first process made another one.
    line: Option<Time>,
    end: Time,
    keep: Option<Keep>,
}

impl Accounts {
    /// Books for a machine of `cpus` CPUs. With `window` they keep what happened in that time for a chart.
    pub fn new(cpus: usize, window: Option<Range<Time>>) -> Self {
        Self {
            cpus: vec![Cpu::default(); cpus],
            keep: window.map(Keep::new),
            ..Self::default()
        }
    }

    /// The run is over at `now`: what goes on is counted so far.
    pub fn close(&mut self, now: Time) {
        self.end = now;
        for cpu in 0..self.cpus.len() {
            self.user_mode(cpu, false, now);
            self.cpus[cpu].charge(now);
        }
        let ids: Vec<u64> = self.alive.values().copied().collect();
        for id in ids {
            if let Some(phase) = self.processes.get(&id).map(Process::phase) {
                self.enter(id, phase, now);
            }
        }
    }

    /// When the first process was made; nothing is known of the time before. `None` if no process was.
    pub const fn start(&self) -> Option<Time> {
        self.start
    }

    /// When the second process was made: there the shell line begins, for the first process only brings the system up.
    pub const fn line(&self) -> Option<Time> {
        self.line
    }

    /// The end of the run.
    pub const fn end(&self) -> Time {
        self.end
    }

    /// The CPUs by index.
    pub fn cpus(&self) -> &[Cpu] {
        &self.cpus
    }

    /// The processes that are kept, in the order in which they were made.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.processes.values()
    }

    /// How many processes there were.
    pub const fn made(&self) -> u64 {
        self.made
    }

    /// How many are not kept, but in the total.
    pub const fn folded(&self) -> u64 {
        self.folded.0
    }

    /// All accounts added up.
    pub fn total(&self) -> Account {
        let mut total = self.folded.1.clone();
        for process in self.processes.values() {
            total.add(&process.account);
        }
        total
    }

    /// The names of what processes are blocked on.
    pub const fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Spans of the timelines that are shorter than this were merged; zero if none were.
    pub fn grain(&self) -> Time {
        self.keep.as_ref().map_or(Time(0), Keep::grain)
    }

    /// A CPU enters or leaves user mode.
    fn user_mode(&mut self, cpu: usize, entered: bool, now: Time) {
        let Some(cpu) = self.cpus.get_mut(cpu) else {
            return;
        };
        let time = cpu.user_mode(entered, now);
        if let Some(process) = cpu.current.and_then(|id| self.processes.get_mut(&id)) {
            process.account.user = process.account.user + time;
        }
    }

    /// The process with this pid, which is made known if it is not.
    fn process(&mut self, pid: u32, now: Time) -> Option<u64> {
        if pid == 0 {
            return None;
        }
        if let Some(id) = self.alive.get(&pid) {
            return Some(*id);
        }
        if self.alive.len() >= MOST_ALIVE {
            return None;
        }
        let id = self.made;
        self.made += 1;
        self.alive.insert(pid, id);
        self.processes.insert(id, Process::new(pid, now));
        Some(id)
    }

    /// A process that is made now; whoever had its number before is gone.
    fn born(&mut self, pid: u32, now: Time) -> Option<u64> {
        if let Some(old) = self.alive.remove(&pid) {
            self.enter(old, Phase::Gone, now);
        }
        self.process(pid, now)
    }

    /// A process goes over to another phase.
    fn enter(&mut self, id: u64, phase: Phase, now: Time) {
        let Some(process) = self.processes.get_mut(&id) else {
            return;
        };
        let (over, since) = process.enter(phase, now);
        if let Some(keep) = &mut self.keep {
            let span = Span {
                from: since,
                to: now,
                phase: over,
            };
            if !keep.push(&mut process.timeline, span) {
                keep.thin(self.processes.values_mut());
            }
        }
    }

    /// A process is gone for good, and its number free.
    fn gone(&mut self, id: u64, now: Time) {
        let Some(process) = self.processes.get(&id) else {
            return;
        };
        if self.alive.get(&process.pid) == Some(&id) {
            self.alive.remove(&process.pid);
        }
        self.enter(id, Phase::Gone, now);
        if self.processes.len() > self.alive.len() + 2 * KEPT {
            self.fold();
        }
    }

    /// Adds up the processes that are gone, but for those with most CPU time.
    fn fold(&mut self) {
        let alive: BTreeSet<u64> = self.alive.values().copied().collect();
        let mut gone: Vec<(Time, u64)> = self
            .processes
            .iter()
            .filter(|(id, _)| !alive.contains(id))
            .map(|(id, process)| (process.account.running, *id))
            .collect();
        gone.sort_unstable();
        gone.truncate(gone.len().saturating_sub(KEPT));
        for (_, id) in gone {
            if let Some(process) = self.processes.remove(&id) {
                self.folded.0 += 1;
                self.folded.1.add(&process.account);
                if let Some(keep) = &mut self.keep {
                    keep.drop(&process.timeline);
                }
            }
        }
    }
}
