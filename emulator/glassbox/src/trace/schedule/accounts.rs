//! The sink that keeps the books: from the kernel's events to the accounts of processes and CPUs.
//!
//! A process is followed from `sched_wakeup_new` to the `sched_switch` by which it leaves its CPU for good, and as a
//! zombie to its parent's `process_wait`. Two events may come in either order on two CPUs: a process can be woken before
//! it has left its CPU (then it goes from running to waiting, whatever the switch says), and its parent can have asked
//! for its status before that (then it was never a zombie).
//!
//! A guest may make any number of processes. Of those that are gone only the ones with most CPU time are kept as such,
//! the others are added up; timelines are thinned when there are too many spans.

use super::account::Account;
use super::process::{Phase, Process, Waits};
use super::timeline::Span;
use crate::trace::kind::index_of;
use crate::trace::model::{Model, arg_of};
use crate::trace::record::{Body, Record};
use crate::trace::sink::Sink;
use abi::probe::{FAULTS, REASONS};
use base::Time;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::rc::Rc;

const SWITCH: usize = index_of("sched_switch");
const SLEEP: usize = index_of("sched_sleep");
const WAKEUP: usize = index_of("sched_wakeup");
const WAKEUP_NEW: usize = index_of("sched_wakeup_new");
const MIGRATE: usize = index_of("sched_migrate_task");
const FORK: usize = index_of("process_fork");
const EXEC: usize = index_of("process_exec");
const EXIT: usize = index_of("process_exit");
const WAIT: usize = index_of("process_wait");
const FAULT: usize = index_of("page_fault");

/// Values of a `State` argument: the places in [`abi::probe::STATES`].
mod state {
    pub const SLEEPING: u64 = 3;
    pub const STOPPED: u64 = 4;
    pub const ZOMBIE: u64 = 5;
}

/// Most processes that live at once; Silica's numbers end at 32767.
const MOST_ALIVE: usize = 1 << 16;
/// Processes that are gone and kept as such, until there are twice as many.
const KEPT: usize = 2048;
/// Most spans of all timelines together, but two for each process.
const MOST_SPANS: usize = 1 << 17;

/// What a CPU did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Time for which it ran processes.
    pub busy: Time,
    /// That part of it which was in user mode.
    pub user: Time,
    /// Time for which it had nothing to run.
    pub idle: Time,
    /// Switches from its idle process to others.
    pub switches_from_idle: u64,
    /// Who runs; `None` is the idle process.
    current: Option<u64>,
    since: Time,
    user_since: Option<Time>,
}

/// Timelines are kept for a chart.
#[derive(Clone, Debug)]
struct Keep {
    /// The part of the run that is wanted.
    window: Range<Time>,
    /// How many spans there are, and may be.
    spans: usize,
    most: usize,
    grain: Time,
}

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
            keep: window.map(|window| Keep {
                window,
                spans: 0,
                most: MOST_SPANS,
                grain: Time(0),
            }),
            ..Self::default()
        }
    }

    /// The run is over at `now`: what goes on is counted so far.
    pub fn close(&mut self, now: Time) {
        self.end = now;
        for cpu in 0..self.cpus.len() {
            self.user_mode(cpu, false, now);
            self.charge(cpu, now);
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
        self.keep.as_ref().map_or(Time(0), |keep| keep.grain)
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
        let Some(keep) = &mut self.keep else {
            return;
        };
        let span = Span {
            from: since,
            to: now,
            phase: over,
        };
        let before = process.timeline.spans().len();
        let Range { start, end } = keep.window;
        process.timeline.push(span.within(start, end));
        keep.spans += process.timeline.spans().len() - before;
        if keep.spans > keep.most {
            self.thin();
        }
    }

    /// Makes the timelines shorter.
    fn thin(&mut self) {
        let Some(keep) = &mut self.keep else {
            return;
        };
        while keep.spans > MOST_SPANS / 2 && keep.grain < Time::secs(1 << 30) {
            keep.grain = (keep.grain + keep.grain).max(Time::micros(1));
            keep.spans = 0;
            for process in self.processes.values_mut() {
                process.timeline.thin(keep.grain);
                keep.spans += process.timeline.spans().len();
            }
        }
        // Each process has a span at least; so many of them are no reason to thin again soon.
        keep.most = MOST_SPANS.max(2 * keep.spans);
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
                    keep.spans = keep.spans.saturating_sub(process.timeline.spans().len());
                }
            }
        }
    }

    /// Counts a CPU's time since the last switch.
    fn charge(&mut self, cpu: usize, now: Time) {
        let Some(cpu) = self.cpus.get_mut(cpu) else {
            return;
        };
        let sum = match cpu.current {
            Some(_) => &mut cpu.busy,
            None => &mut cpu.idle,
        };
        *sum = *sum + (now - cpu.since);
        cpu.since = now;
    }

    /// A CPU enters or leaves user mode.
    fn user_mode(&mut self, cpu: usize, entered: bool, now: Time) {
        let Some(cpu) = self.cpus.get_mut(cpu) else {
            return;
        };
        if let Some(since) = cpu.user_since.take()
            && let Some(process) = cpu.current.and_then(|id| self.processes.get_mut(&id))
        {
            let time = now - since;
            cpu.user = cpu.user + time;
            process.account.user = process.account.user + time;
        }
        cpu.user_since = entered.then_some(now);
    }

    fn switch(&mut self, record: &Record, args: &[u64], model: &Model) {
        let (now, index) = (record.time, usize::from(record.cpu));
        let arg = |name: usize| args[name];
        let prev = arg(const { arg_of(SWITCH, "prev_pid") }) as u32;
        let next = arg(const { arg_of(SWITCH, "next_pid") }) as u32;
        let reason = arg(const { arg_of(SWITCH, "reason") }) as usize;
        self.user_mode(index, false, now);
        self.charge(index, now);
        let left = match self.cpus[index].current {
            Some(id) if self.processes.get(&id).is_some_and(|p| p.pid == prev) => Some(id),
            _ => self.process(prev, now),
        };
        match left {
            Some(id) => {
                let wait = record.body.text(const { arg_of(SWITCH, "wait") });
                let wait = self.waits.number(wait.unwrap_or_default());
                let phase = match arg(const { arg_of(SWITCH, "prev_state") }) {
                    state::SLEEPING => Phase::Blocked(wait),
                    state::STOPPED => Phase::Stopped,
                    state::ZOMBIE => Phase::Zombie,
                    _ => Phase::Waiting,
                };
                self.leave(id, phase, reason, now);
            }
            None => self.cpus[index].switches_from_idle += 1,
        }
        let next = self.process(next, now);
        self.cpus[index].current = next;
        if let Some(id) = next {
            self.enter(id, Phase::Running(record.cpu), now);
            self.run(id, record.cpu, now, model);
        }
    }

    /// A process leaves its CPU.
    fn leave(&mut self, id: u64, phase: Phase, reason: usize, now: Time) {
        let Some(process) = self.processes.get_mut(&id) else {
            return;
        };
        process.account.switches[reason.min(REASONS.len() - 1)] += 1;
        let woken = std::mem::take(&mut process.woken);
        let phase = match phase {
            Phase::Blocked(_) | Phase::Stopped if woken => Phase::Waiting,
            phase => phase,
        };
        if phase == Phase::Zombie {
            process.completion = Some(now);
            if let Some(time) = process.turnaround() {
                self.turnaround.0 = self.turnaround.0 + time;
                self.turnaround.1 += 1;
            }
            if process.reaped {
                return self.gone(id, now);
            }
        }
        self.enter(id, phase, now);
    }

    /// A process has got a CPU.
    fn run(&mut self, id: u64, cpu: u8, now: Time, model: &Model) {
        let Some(process) = self.processes.get_mut(&id) else {
            return;
        };
        process.account.run_on(cpu);
        process.woken = false;
        if process.first_run.is_none() {
            process.first_run = Some(now);
            if let Some(time) = process.response() {
                self.response.0 = self.response.0 + time;
                self.response.1 += 1;
            }
        }
        name(process, model);
    }

    fn wakeup(&mut self, pid: u32, now: Time) {
        let Some(id) = self.process(pid, now) else {
            return;
        };
        match self.processes.get_mut(&id) {
            Some(process) if matches!(process.phase(), Phase::Running(_)) => process.woken = true,
            Some(process) if matches!(process.phase(), Phase::Blocked(_) | Phase::Stopped) => {
                self.enter(id, Phase::Waiting, now);
            }
            _ => {}
        }
    }

    fn kernel(&mut self, record: &Record, probe: usize, args: &[u64], model: &Model) {
        let now = record.time;
        if self.start.is_none() {
            self.start = Some(now);
            self.cpus.iter_mut().for_each(|cpu| cpu.since = now);
        }
        let pid = |place: usize| args[place] as u32;
        match probe {
            SWITCH => self.switch(record, args, model),
            WAKEUP => self.wakeup(pid(const { arg_of(WAKEUP, "pid") }), now),
            FORK => {
                let id = self.born(pid(const { arg_of(FORK, "child_pid") }), now);
                if let Some(child) = id.and_then(|id| self.processes.get_mut(&id)) {
                    child.parent = pid(const { arg_of(FORK, "parent_pid") });
                    name(child, model);
                }
            }
            WAKEUP_NEW => {
                let id = self.process(pid(const { arg_of(WAKEUP_NEW, "pid") }), now);
                if let Some(process) = id.and_then(|id| self.processes.get_mut(&id)) {
                    process.arrive(now);
                    if self.made == 2 {
                        self.line.get_or_insert(now);
                    }
                }
            }
            WAIT => {
                let child = pid(const { arg_of(WAIT, "child_pid") });
                if let Some(&id) = self.alive.get(&child) {
                    match self.processes.get_mut(&id) {
                        // It has not left its CPU yet.
                        Some(p) if p.completion.is_none() => p.reaped = true,
                        _ => self.gone(id, now),
                    }
                }
            }
            _ => self.mark(probe, args, record, model),
        }
    }

    /// Events that change nobody's phase.
    fn mark(&mut self, probe: usize, args: &[u64], record: &Record, model: &Model) {
        let pid = match probe {
            SLEEP => args[const { arg_of(SLEEP, "pid") }],
            MIGRATE => args[const { arg_of(MIGRATE, "pid") }],
            EXEC => args[const { arg_of(EXEC, "pid") }],
            EXIT => args[const { arg_of(EXIT, "pid") }],
            FAULT => args[const { arg_of(FAULT, "pid") }],
            _ => return,
        };
        let id = self.process(pid as u32, record.time);
        let Some(process) = id.and_then(|id| self.processes.get_mut(&id)) else {
            return;
        };
        match probe {
            // What woke it before is not what will.
            SLEEP => process.woken = false,
            // A new one is not on a queue yet: choosing its first CPU is no move.
            MIGRATE if process.arrival.is_some() => process.account.migrations += 1,
            EXEC => {
                let path = record.body.text(const { arg_of(EXEC, "path") });
                process.exec(path.unwrap_or_default(), record.time);
                name(process, model);
            }
            EXIT => process.status = Some(args[const { arg_of(EXIT, "status") }] as u32),
            FAULT => {
                let kind = args[const { arg_of(FAULT, "kind") }] as usize;
                process.account.faults[kind.min(FAULTS.len() - 1)] += 1;
            }
            _ => {}
        }
    }
}

/// The process has the name by which the model knows it.
fn name(process: &mut Process, model: &Model) {
    if let Some(task) = model.task(process.pid)
        && task.comm != process.comm
    {
        process.comm.clone_from(&task.comm);
    }
}

impl Sink for Rc<RefCell<Accounts>> {
    fn record(&mut self, record: &Record, model: &Model) -> io::Result<()> {
        let mut accounts = self.borrow_mut();
        let cpu = usize::from(record.cpu);
        if accounts.cpus.len() <= cpu {
            let since = accounts.start.unwrap_or_default();
            let fresh = Cpu {
                since,
                ..Cpu::default()
            };
            accounts.cpus.resize(cpu + 1, fresh);
        }
        match &record.body {
            Body::Trap { user: true, .. } => accounts.user_mode(cpu, false, record.time),
            Body::Return { user: true, .. } => accounts.user_mode(cpu, true, record.time),
            Body::Kernel { probe, args, .. } => {
                accounts.kernel(record, usize::from(*probe), args, model);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, _model: &Model) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::schedule::process::Wait;
    use crate::trace::schedule::testing::{Script, small};

    fn find(accounts: &Accounts, pid: u32) -> &Process {
        accounts.processes().find(|p| p.pid == pid).expect("known")
    }

    /// CPUs were busy or idle all the time, and processes did one thing at a time.
    fn check(accounts: &Accounts) {
        let all = accounts.end() - accounts.start().unwrap();
        for cpu in accounts.cpus() {
            assert_eq!(cpu.busy + cpu.idle, all);
        }
        let busy = accounts.cpus().iter().fold(Time(0), |sum, c| sum + c.busy);
        assert_eq!(busy, accounts.total().running);
        for process in accounts.processes() {
            let end = process.completion.unwrap_or(accounts.end());
            if let Some(arrival) = process.arrival {
                assert_eq!(end - arrival, process.account.lifetime(), "{process:?}");
            }
        }
    }

    #[test]
    fn times_are_those_of_the_textbooks() {
        let accounts = small();
        check(&accounts);
        let cat = find(&accounts, 3);
        assert_eq!(cat.turnaround(), Some(Time(4_500_000)));
        assert_eq!(cat.response(), Some(Time(500_000)));
        assert_eq!(cat.account.running, Time(3_500_000));
        assert_eq!(cat.account.user, Time(1_000_000));
        assert_eq!(cat.account.waiting, Time(1_000_000));
        assert_eq!(cat.account.zombie, Time(600_000));
        assert_eq!((cat.account.voluntary(), cat.account.involuntary()), (1, 1));
        assert_eq!(cat.account.faults[1], 1);
        let wc = find(&accounts, 4);
        assert_eq!(wc.account.blocked, Time(2_000_000));
        assert_eq!(wc.account.runs, [4]);
        assert_eq!(
            accounts.waits().name(wc.account.longest_wait().unwrap()),
            "disk"
        );
        assert_eq!(find(&accounts, 2).turnaround(), None);
        assert_eq!(accounts.turnaround, (Time(4_500_000 + 7_300_000), 2));
    }

    #[test]
    fn one_woken_before_it_has_left_its_cpu_waits() {
        let mut run = Script::new(2, None);
        run.fork(0, 0, 1).switch(10, 0, "0 running idle 1");
        // The switch was decided upon before the other CPU woke it.
        run.event(20, 0, "sched_sleep", &[1, 0], "disk")
            .wake(21, 1, 1)
            .switch(22, 0, "1 sleeping blocked disk 0")
            .switch(30, 0, "0 running idle 1");
        // A wakeup that has had its effect does not count for the next sleep.
        run.wake(35, 1, 1)
            .event(40, 0, "sched_sleep", &[1, 0], "disk")
            .switch(41, 0, "1 sleeping blocked disk 0");
        let accounts = run.close(100);
        check(&accounts);
        let account = &find(&accounts, 1).account;
        assert_eq!(account.waiting, Time(10 + 8));
        assert_eq!(account.blocked, Time(59));
        assert_eq!(account.blocked_on.len(), 1);
    }

    #[test]
    fn a_child_may_be_waited_for_before_it_has_left_its_cpu() {
        let mut run = Script::new(2, None);
        run.fork(0, 0, 1)
            .fork(0, 1, 2)
            .switch(5, 0, "0 running idle 1")
            .switch(5, 1, "0 running idle 2")
            .reap(10, 1, 2)
            .switch(12, 1, "2 zombie exited 0")
            .fork(20, 1, 2)
            .switch(25, 1, "0 running idle 2");
        let accounts = run.close(30);
        check(&accounts);
        let twice: Vec<_> = accounts.processes().filter(|p| p.pid == 2).collect();
        assert_eq!(twice[0].turnaround(), Some(Time(12)));
        assert_eq!(twice[0].account.zombie, Time(0));
        assert_eq!(twice[1].account.running, Time(5));
    }

    #[test]
    fn a_stop_is_neither_waiting_nor_blocked_and_choosing_the_first_cpu_is_no_move() {
        let mut run = Script::new(2, None);
        run.event(0, 0, "process_fork", &[1, 2], "")
            .event(0, 0, "sched_migrate_task", &[2, 0, 1], "")
            .event(0, 0, "sched_wakeup_new", &[2, 1, 1], "")
            .switch(5, 1, "0 running idle 2")
            .switch(10, 1, "2 stopped stopped 0")
            .event(30, 0, "sched_migrate_task", &[2, 1, 0], "")
            .wake(30, 0, 2)
            .switch(31, 0, "0 running idle 2");
        let accounts = run.close(40);
        check(&accounts);
        let account = &find(&accounts, 2).account;
        assert_eq!(account.stopped, Time(20));
        assert_eq!((account.waiting, account.blocked), (Time(6), Time(0)));
        assert_eq!(account.migrations, 1);
        assert_eq!(account.runs, [1, 1]);
    }

    #[test]
    fn thousands_of_processes_are_added_up_and_those_with_most_cpu_time_kept() {
        let mut run = Script::charted(1);
        run.fork(0, 0, 1);
        let count = 3 * KEPT as u64;
        for n in 0..count {
            let (time, pid) = (n * 1000, 2 + n % 100);
            run.fork(time, 1, pid)
                .switch(time + 10, 0, &format!("0 running idle {pid}"))
                .switch(time + 20 + n % 512, 0, &format!("{pid} zombie exited 0"))
                .reap(time + 900, 1, pid);
        }
        let accounts = run.close(count * 1000);
        check(&accounts);
        assert_eq!(accounts.made(), count + 1);
        let kept = accounts.processes().count() as u64;
        assert!(kept <= 2 * KEPT as u64 + 2, "{kept}");
        assert_eq!(accounts.folded() + kept, count + 1);
        assert_eq!(accounts.total().switches[3], count);
        assert!(accounts.processes().any(|p| p.account.running == Time(521)));
    }

    #[test]
    fn timelines_are_thinned_when_there_are_too_many_spans() {
        let mut run = Script::charted(1);
        run.fork(0, 0, 1);
        for n in 1..MOST_SPANS as u64 {
            run.switch(n * 1000, 0, "0 running idle 1")
                .switch(n * 1000 + 300, 0, "1 sleeping blocked disk 0")
                .wake(n * 1000 + 900, 0, 1);
        }
        let accounts = run.close(MOST_SPANS as u64 * 1000);
        check(&accounts);
        assert!(accounts.grain() >= Time::micros(1));
        assert!(find(&accounts, 1).timeline.spans().len() <= MOST_SPANS);
    }

    #[test]
    fn nonsense_is_survived_and_time_still_adds_up() {
        let mut seed = 1u64;
        let mut next = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % n
        };
        let names = [
            "sched_switch",
            "sched_sleep",
            "sched_wakeup",
            "sched_wakeup_new",
            "sched_migrate_task",
            "process_fork",
            "process_exec",
            "process_exit",
            "process_wait",
            "page_fault",
        ];
        for window in [None, Some(Time(5_000)..Time(40_000))] {
            let mut run = Script::new(2, window);
            for time in 0..50_000 {
                let name = names[next(10) as usize];
                let args: Vec<u64> = (0..6)
                    .map(|_| [next(6), next(1 << 40)][next(2) as usize])
                    .collect();
                run.event(time, next(3) as u8, name, &args, "\x1b[2J");
                if next(4) == 0 {
                    run.user(time, time, next(3) as u8);
                }
            }
            let accounts = run.close(60_000);
            let all = accounts.end() - accounts.start().unwrap();
            for cpu in accounts.cpus() {
                assert_eq!(cpu.busy + cpu.idle, all);
            }
        }
    }

    #[test]
    fn more_live_processes_than_there_can_be_are_not_believed() {
        let mut run = Script::charted(1);
        for pid in 1..MOST_ALIVE as u64 + 1000 {
            run.event(pid, 0, "sched_wakeup_new", &[pid, 0, 0], "");
        }
        let accounts = run.close(1 << 20);
        assert_eq!(accounts.made(), MOST_ALIVE as u64);
        assert_eq!(find(&accounts, 7).phase(), Phase::Waiting);
        assert_ne!(find(&accounts, 7).phase(), Phase::Blocked(Wait(0)));
    }
}
