//! The accounts as programs read them: `stat --json`'s `scheduling`. Times are virtual nanoseconds.

use super::account::Account;
use super::accounts::Accounts;
use super::process::{Process, Waits};
use abi::probe::{FAULTS, REASONS};
use serde::Serialize;
use std::collections::BTreeMap;

/// All accounts.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// When the first process was made; the accounts begin here.
    pub since_ns: u64,
    /// The CPUs by index.
    pub cpus: Vec<CpuTimes>,
    /// All processes together.
    pub total: Sums,
    /// Means over the processes.
    pub average: Averages,
    /// How many processes there were.
    pub processes_made: u64,
    /// How many have ended.
    pub processes_ended: u64,
    /// How many are only in the total, because there were too many to keep.
    pub processes_not_kept: u64,
    /// The processes in the order in which they were made.
    pub processes: Vec<ProcessTimes>,
}

/// A CPU since the accounts began: busy and idle are all of that time.
#[derive(Debug, Serialize)]
pub struct CpuTimes {
    /// It ran processes.
    pub busy_ns: u64,
    /// That part of it which was in user mode.
    pub user_ns: u64,
    /// It had nothing to run.
    pub idle_ns: u64,
    /// Switches from its idle process.
    pub switches_from_idle: u64,
}

/// Mean times of those processes that got so far.
#[derive(Debug, Serialize)]
pub struct Averages {
    /// Arrival to completion.
    pub turnaround_ns: Option<u64>,
    /// Arrival to first run.
    pub response_ns: Option<u64>,
    /// Runnable, but not running.
    pub waiting_ns: Option<u64>,
}

/// A process.
#[derive(Debug, Serialize)]
pub struct ProcessTimes {
    /// Its number.
    pub pid: u32,
    /// Who made it, or 0.
    pub parent_pid: u32,
    /// The last name that it had, escaped.
    pub comm: String,
    /// When it entered a run queue for the first time.
    pub arrival_ns: Option<u64>,
    /// When it first ran.
    pub first_run_ns: Option<u64>,
    /// When it left its CPU for good.
    pub completion_ns: Option<u64>,
    /// Arrival to completion.
    pub turnaround_ns: Option<u64>,
    /// Arrival to first run.
    pub response_ns: Option<u64>,
    /// The word that wait4(2) reports.
    pub wait_status: Option<u32>,
    /// The rest.
    #[serde(flatten)]
    pub sums: Sums,
}

/// Sums of times and counts.
#[derive(Debug, Serialize)]
pub struct Sums {
    /// User and kernel.
    pub running_ns: u64,
    /// In user mode.
    pub user_ns: u64,
    /// In the kernel.
    pub kernel_ns: u64,
    /// Runnable, but not running.
    pub waiting_ns: u64,
    /// Asleep.
    pub blocked_ns: u64,
    /// The same, by what it was blocked on.
    pub blocked_on_ns: BTreeMap<String, u64>,
    /// Stopped by a signal.
    pub stopped_ns: u64,
    /// Ended, but not waited for yet.
    pub zombie_ns: u64,
    /// Switches because it blocked, yielded, stopped or ended.
    pub voluntary_switches: u64,
    /// Switches because its time slice was over.
    pub involuntary_switches: u64,
    /// Switches by reason.
    pub switches: BTreeMap<&'static str, u64>,
    /// Times run on each CPU.
    pub runs: Vec<u64>,
    /// Moves to another CPU's queue.
    pub migrations: u64,
    /// Page faults by kind.
    pub page_faults: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// The accounts, if there are any: a kernel without probes tells of no process.
    pub fn of(accounts: &Accounts) -> Option<Self> {
        let cpus = accounts.cpus().iter().map(|cpu| CpuTimes {
            busy_ns: cpu.busy.0,
            user_ns: cpu.user.0,
            idle_ns: cpu.idle.0,
            switches_from_idle: cpu.switches_from_idle,
        });
        let total = accounts.total();
        let waiting = (total.waiting, accounts.made());
        let count = accounts.cpus().len();
        Some(Self {
            since_ns: accounts.start()?.0,
            cpus: cpus.collect(),
            average: Averages {
                turnaround_ns: mean(accounts.turnaround),
                response_ns: mean(accounts.response),
                waiting_ns: mean(waiting),
            },
            total: Sums::of(&total, count, accounts.waits()),
            processes_made: accounts.made(),
            processes_ended: accounts.turnaround.1,
            processes_not_kept: accounts.folded(),
            processes: accounts
                .processes()
                .map(|process| ProcessTimes::of(process, count, accounts.waits()))
                .collect(),
        })
    }
}

fn mean((sum, count): (base::Time, u64)) -> Option<u64> {
    sum.0.checked_div(count)
}

impl ProcessTimes {
    fn of(process: &Process, cpus: usize, waits: &Waits) -> Self {
        let ns = |time: Option<base::Time>| time.map(|time| time.0);
        Self {
            pid: process.pid,
            parent_pid: process.parent,
            comm: process.name(),
            arrival_ns: ns(process.arrival),
            first_run_ns: ns(process.first_run),
            completion_ns: ns(process.completion),
            turnaround_ns: ns(process.turnaround()),
            response_ns: ns(process.response()),
            wait_status: process.status,
            sums: Sums::of(&process.account, cpus, waits),
        }
    }
}

impl Sums {
    fn of(account: &Account, cpus: usize, waits: &Waits) -> Self {
        let runs = |cpu| account.runs.get(cpu).copied().unwrap_or(0);
        let mut blocked_on = BTreeMap::new();
        for (wait, time) in &account.blocked_on {
            *blocked_on.entry(waits.name(*wait)).or_insert(0) += time.0;
        }
        let reasons = REASONS.into_iter().zip(account.switches);
        Self {
            running_ns: account.running.0,
            user_ns: account.user.0,
            kernel_ns: account.kernel().0,
            waiting_ns: account.waiting.0,
            blocked_ns: account.blocked.0,
            blocked_on_ns: blocked_on,
            stopped_ns: account.stopped.0,
            zombie_ns: account.zombie.0,
            voluntary_switches: account.voluntary(),
            involuntary_switches: account.involuntary(),
            switches: reasons.filter(|(name, _)| *name != "idle").collect(),
            runs: (0..cpus).map(runs).collect(),
            migrations: account.migrations,
            page_faults: FAULTS.into_iter().zip(account.faults).collect(),
        }
    }
}
