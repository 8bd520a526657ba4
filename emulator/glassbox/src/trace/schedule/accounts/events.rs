//! From the kernel's events to the books.
//!
//! A process is followed from `sched_wakeup_new` to the `sched_switch` by which it leaves its CPU for good, and as a
//! zombie to its parent's `process_wait`. Two events may come in either order on two CPUs: a process can be woken before
//! it has left its CPU (then it goes from running to waiting, whatever the switch says), and its parent can have asked
//! for its status before that (then it was never a zombie).

use super::{Accounts, Cpu};
use crate::trace::kind::index_of;
use crate::trace::model::{Model, arg_of};
use crate::trace::record::{Body, Record};
use crate::trace::schedule::process::{Phase, Process};
use crate::trace::sink::Sink;
use abi::probe::{FAULTS, REASONS};
use base::Time;
use std::cell::RefCell;
use std::io;
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

impl Accounts {
    fn switch(&mut self, record: &Record, args: &[u64], model: &Model) {
        let (now, index) = (record.time, usize::from(record.cpu));
        let arg = |name: usize| args[name];
        let prev = arg(const { arg_of(SWITCH, "prev_pid") }) as u32;
        let next = arg(const { arg_of(SWITCH, "next_pid") }) as u32;
        let reason = arg(const { arg_of(SWITCH, "reason") }) as usize;
        self.user_mode(index, false, now);
        self.cpus[index].charge(now);
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
            accounts.cpus.resize(cpu + 1, Cpu::starting(since));
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
