//! Who runs where, in Linux's own tracer's packets, from which the viewer makes its scheduling tracks and thread states.
//!
//! What they say that is not plain: `sched_waking` ends a sleep; `sched_blocked_reason` has what it was for, as Linux
//! has the function in which a process sleeps. The idle process is number 0. A state is Linux 4.4's bit, which Perfetto
//! goes by if no kernel is named.

use super::Perfetto;
use super::duration;
use super::packets::{Mark, Moment, Note, i32_of};
use super::said::{Args, arg, text};
use super::schema::ftrace;
use super::state::{Place, Woken};
use super::tracks::Track;
use crate::trace::model::Model;
use crate::trace::record::Record;
use abi::probe::{REASONS, STATES};
use std::io::{self, Write};

/// Linux's priority of an ordinary process.
pub(super) const PRIORITY: i64 = 120;

// Linux 4.4's states (include/linux/sched.h).
const RUNNABLE: i64 = 0;
const INTERRUPTIBLE: i64 = 1;
const UNINTERRUPTIBLE: i64 = 2;
const STOPPED: i64 = 4;
const ZOMBIE: i64 = 0x20;
const PREEMPTED: i64 = 0x800;

/// The flag of Linux's tracer for what happens in an interrupt handler (`TRACE_FLAG_HARDIRQ`).
const IN_INTERRUPT: u64 = 8;

/// What the kernel's waits for the disk are called.
const DISK_WAIT: &str = "disk";

/// The state in which a process leaves its CPU.
fn state(args: &Args, wait: &str) -> i64 {
    let word = |words: &[&'static str], value: u64| {
        let index = usize::try_from(value).ok();
        index.and_then(|index| words.get(index).copied())
    };
    let state = word(&STATES, arg!(args, "sched_switch", "prev_state"));
    let reason = word(&REASONS, arg!(args, "sched_switch", "reason"));
    match (state, reason) {
        (Some("sleeping"), _) if wait == DISK_WAIT => UNINTERRUPTIBLE,
        (Some("sleeping"), _) => INTERRUPTIBLE,
        (Some("stopped"), _) => STOPPED,
        (Some("zombie"), _) => ZOMBIE,
        (_, Some("preempted")) => PREEMPTED,
        _ => RUNNABLE,
    }
}

/// A process's name as Linux's tracer has it.
fn comm(pid: u32, cpu: u8, model: &Model) -> String {
    match pid {
        0 => format!("swapper/{cpu}"),
        pid => model.comm(pid),
    }
}

impl<W: Write> Perfetto<W> {
    /// Takes note of who runs, for a record that is about to be shown. Where no event told of a switch, the file gets one
    /// all the same: at the beginning, or from a kernel that tells of none.
    pub(super) fn meet(&mut self, at: Moment, model: &Model) -> io::Result<()> {
        let running = self.cpu(at.cpu).running;
        if running != at.pid {
            let from = Moment { pid: running, ..at };
            self.switches(from, at.pid, RUNNABLE, model)?;
            self.change(from, at.pid, model)?;
        }
        self.tell(at, model)
    }

    pub(super) fn switch(
        &mut self,
        at: Moment,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let prev = arg!(args, "sched_switch", "prev_pid") as u32;
        let next = arg!(args, "sched_switch", "next_pid") as u32;
        let wait = text!(record, "sched_switch", "wait");
        let state = state(args, &wait);
        let from = Moment { pid: prev, ..at };
        self.switches(from, next, state, model)?;
        if prev != 0 && matches!(state, INTERRUPTIBLE | UNINTERRUPTIBLE) {
            use ftrace::sched_blocked_reason as f;
            self.packets.ftrace(
                from,
                ftrace::SCHED_BLOCKED_REASON,
                0,
                &wait,
                |event, caller| {
                    event.int(f::PID, i32_of(prev));
                    if let Some(caller) = caller {
                        event.uint(f::CALLER, caller);
                    }
                    event.uint(f::IO_WAIT, (state == UNINTERRUPTIBLE).into());
                },
            )?;
        }
        if state == ZOMBIE {
            self.close(from, 0)?;
        }
        self.change(from, next, model)?;
        match state {
            RUNNABLE | PREEMPTED => {
                if self.task(prev).is_some_and(|task| task.queue.is_none()) {
                    self.queue(prev, Some(at.cpu));
                }
            }
            _ => self.queue(prev, None),
        }
        self.queue(next, Some(at.cpu));
        self.show_runnable(at)?;
        if let Some(task) = self.task(prev) {
            task.gone |= state == ZOMBIE;
        }
        self.bury(Moment { pid: next, ..at }, prev, model)
    }

    /// The event of a switch.
    fn switches(&mut self, at: Moment, next: u32, state: i64, model: &Model) -> io::Result<()> {
        use ftrace::sched_switch as f;
        let (prev, cpu) = (at.pid, at.cpu);
        self.packets
            .ftrace(at, ftrace::SCHED_SWITCH, 0, "", |event, _| {
                event.text(f::PREV_COMM, &comm(prev, cpu, model));
                event.int(f::PREV_PID, i32_of(prev));
                event.int(f::PREV_PRIO, PRIORITY);
                event.int(f::PREV_STATE, state);
                event.text(f::NEXT_COMM, &comm(next, cpu, model));
                event.int(f::NEXT_PID, i32_of(next));
                event.int(f::NEXT_PRIO, PRIORITY);
            })
    }

    /// Another process runs on the CPU from now on.
    fn change(&mut self, at: Moment, next: u32, model: &Model) -> io::Result<()> {
        self.change_slices(at, next)?;
        self.cpu(at.cpu).running = next;
        let at = Moment { pid: next, ..at };
        self.tell(at, model)?;
        let Some(woken) = self.task(next).and_then(|task| task.woken.take()) else {
            return Ok(());
        };
        let by = match woken.by {
            Some(pid) => format!("{} [{pid}]", model.comm(pid)),
            None => "an interrupt".to_owned(),
        };
        let mut notes = vec![
            ("woken_by", Note::Text(by)),
            ("waited_for_cpu", duration(woken.time, at.time)),
        ];
        if !woken.wait.is_empty() {
            notes.push(("slept_for", Note::Text(woken.wait)));
        }
        let mark = Mark {
            name: "runs",
            category: "sched",
            ends: &[woken.flow],
            notes: &notes,
            ..Mark::default()
        };
        self.instant_at(at, Place::Thread, &mark)
    }

    pub(super) fn wakeup(
        &mut self,
        at: Moment,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let pid = arg!(args, "sched_wakeup", "pid") as u32;
        let cpu = arg!(args, "sched_wakeup", "cpu") as u8;
        let interrupt = arg!(args, "sched_wakeup", "irq") != 0;
        let wait = text!(record, "sched_wakeup", "wait");
        for event in [ftrace::SCHED_WAKING, ftrace::SCHED_WAKEUP] {
            self.wakes(at, event, interrupt, (pid, cpu), model)?;
        }
        self.woken(at, (pid, cpu), interrupt, wait, record, model)
    }

    pub(super) fn wakeup_new(
        &mut self,
        at: Moment,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let pid = arg!(args, "sched_wakeup_new", "pid") as u32;
        let cpu = arg!(args, "sched_wakeup_new", "cpu") as u8;
        self.wakes(at, ftrace::SCHED_WAKEUP_NEW, false, (pid, cpu), model)?;
        self.woken(at, (pid, cpu), false, String::new(), record, model)
    }

    /// The event of a wake-up.
    fn wakes(
        &mut self,
        at: Moment,
        event: u32,
        interrupt: bool,
        (pid, cpu): (u32, u8),
        model: &Model,
    ) -> io::Result<()> {
        use ftrace::sched_wakeup as f;
        let flags = if interrupt { IN_INTERRUPT } else { 0 };
        self.packets.ftrace(at, event, flags, "", |event, _| {
            event.text(f::COMM, &comm(pid, cpu, model));
            event.int(f::PID, i32_of(pid));
            event.int(f::PRIO, PRIORITY);
            event.int(f::SUCCESS, 1);
            event.int(f::TARGET_CPU, cpu.into());
        })
    }

    /// The waker's end of the arrow to where the process runs next; arrows that led to the waker's knowledge end here.
    fn woken(
        &mut self,
        at: Moment,
        (pid, cpu): (u32, u8),
        interrupt: bool,
        wait: String,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let running = self.cpus.iter().any(|cpu| cpu.running == pid);
        let mut flows = Vec::new();
        // One that has not left its CPU yet need not come back to it.
        if !running && self.task(pid).is_some() {
            flows.push(self.packets.flow());
        }
        let finished = &mut self.cpu(at.cpu).finished;
        let ends: Vec<_> = finished
            .extract_if(.., |(issuer, _)| *issuer == pid)
            .map(|(_, flow)| flow)
            .collect();
        let notes = self.notes(record, model);
        let name = format!("wakes {} [{pid}]", comm(pid, cpu, model));
        let mark = Mark {
            name: &name,
            category: "sched",
            flows: &flows,
            ends: &ends,
            notes: &notes,
        };
        match interrupt {
            true => self.instant_at(at, Place::Cpu, &mark)?,
            false => self.instant(at, &mark)?,
        }
        if let (Some(task), Some(&flow)) = (self.task(pid), flows.first()) {
            task.woken = Some(Woken {
                flow,
                time: at.time,
                by: (!interrupt).then_some(at.pid),
                wait,
            });
        }
        self.queue(pid, Some(cpu));
        self.show_runnable(at)
    }

    pub(super) fn migrate(
        &mut self,
        at: Moment,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        use ftrace::sched_migrate_task as f;
        let pid = arg!(args, "sched_migrate_task", "pid") as u32;
        let from = arg!(args, "sched_migrate_task", "orig_cpu") as u8;
        let to = arg!(args, "sched_migrate_task", "dest_cpu") as u8;
        self.packets
            .ftrace(at, ftrace::SCHED_MIGRATE_TASK, 0, "", |event, _| {
                event.text(f::COMM, &comm(pid, from, model));
                event.int(f::PID, i32_of(pid));
                event.int(f::PRIO, PRIORITY);
                event.int(f::ORIG_CPU, from.into());
                event.int(f::DEST_CPU, to.into());
            })?;
        // One that is about to be woken is in no queue yet.
        if self.task(pid).is_some_and(|task| task.queue.is_some()) {
            self.queue(pid, Some(to));
        }
        let notes = self.notes(record, model);
        let name = format!("{} [{pid}] moves to CPU {to}", comm(pid, from, model));
        self.said(at, &name, "sched", &notes, &[])?;
        self.show_runnable(at)
    }

    /// The process runs on that CPU or is in its queue; or neither.
    pub(super) fn queue(&mut self, pid: u32, cpu: Option<u8>) {
        let Some(task) = self.task(pid) else {
            return;
        };
        if let Some(old) = std::mem::replace(&mut task.queue, cpu) {
            self.cpu(old).runnable -= 1;
        }
        if let Some(new) = cpu {
            self.cpu(new).runnable += 1;
        }
    }

    /// Shows how many processes run or wait for a CPU, where that has changed.
    fn show_runnable(&mut self, at: Moment) -> io::Result<()> {
        let mut total = 0;
        for index in 0..self.cpus.len() {
            let cpu = &mut self.cpus[index];
            let count = cpu.runnable;
            total += count;
            if std::mem::replace(&mut cpu.runnable_shown, count) != count {
                self.packets
                    .counter(at.time, Track::CpuRunnable(index as u8), count)?;
            }
        }
        if std::mem::replace(&mut self.runnable_shown, total) != total {
            self.packets.counter(at.time, Track::Runnable, total)?;
        }
        Ok(())
    }
}
