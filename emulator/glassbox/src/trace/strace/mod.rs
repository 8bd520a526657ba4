//! The trace as strace prints it: a line a call, with signals and the ends of processes between them.
//!
//! Everything follows strace 6.1 run with `-q -f`: its prefixes, its columns, the places where it cuts a line in two
//! because another process has something to say. Records that are no system calls get lines of their own, between
//! `~~~` marks ([`event`]).
//!
//! [`calls`] tells of calls; [`lines`] writes lines and knows which of them is open; [`signals`] words `siginfo_t`;
//! [`descriptors`] and [`masks`] follow what calls do to descriptors and signal masks, for `-y` and rt_sigreturn(2).

mod calls;
pub mod descriptors;
mod event;
mod lines;
mod masks;
mod signals;

#[cfg(test)]
mod tests;

pub use lines::Stamps;

use super::events::{self, Event};
use super::expression::Wishes;
use super::kind::{Kind, Kinds, SYS_ENTER, SYS_EXIT, index_of};
use super::model::{Model, arg_of};
use super::record::{Body, Record};
use super::select::skeleton;
use super::sink::Sink;
use super::summary::Summary;
use abi::signal::{DefaultAction, SIG_DFL, SIGKILL, default_action};
use abi::wait::{Ended, WaitStatus};
use base::Time;
use descriptors::Descriptors;
use lines::Lines;
use masks::Masks;
use signals::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

const FORK: usize = index_of("process_fork");
const EXIT: usize = index_of("process_exit");
const SWITCH: usize = index_of("sched_switch");
const GENERATE: usize = index_of("signal_generate");
const DELIVER: usize = index_of("signal_deliver");

/// What the user wants of the text.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Most bytes of a string.
    pub strings: usize,
    /// What stands in front of a line.
    pub stamps: Stamps,
    /// The time spent in each call.
    pub times: bool,
    /// The paths behind descriptors.
    pub paths: bool,
    /// Lines; else only the table, if there is one.
    pub lines: bool,
    /// A table of calls at the end.
    pub table: bool,
    /// It goes to a file, where every line says which process it is about.
    pub to_file: bool,
    /// The processes that are wanted; none means all.
    pub pids: BTreeSet<u32>,
    /// Processes that are not wanted unless they are named in `pids`.
    pub hidden: BTreeSet<u32>,
    /// What the `-e` expressions say.
    pub wishes: Wishes,
}

/// A system call in progress.
struct Call {
    number: u64,
    args: [u64; 6],
    began: Time,
    /// CPU time of the process when it began.
    used: Time,
    /// Whether its beginning says all about its arguments.
    whole: bool,
    /// Whether it was shown to begin.
    shown: bool,
    /// The line so far, while it is not known whether the user wants to see it.
    staged: Option<String>,
}

/// What is known of a process.
#[derive(Default)]
struct Task {
    call: Option<Call>,
    /// Signals that it ignores, to be told of when its call has ended: one of each kind, as the kernel keeps them.
    ignored: BTreeMap<u32, Signal>,
    /// SIGKILL is on its way. strace sees nothing more of such a process but its end.
    doomed: bool,
    /// CPU time up to the last time it left a CPU.
    used: Time,
    /// When it came onto the CPU on which it is.
    since: Option<Time>,
}

impl Task {
    /// Its CPU time.
    fn used(&self, now: Time) -> Time {
        self.used + self.since.map_or(Time(0), |since| now - since)
    }
}

/// A sink that writes strace's text.
pub struct Strace<W: Write> {
    lines: Lines<W>,
    settings: Settings,
    tasks: BTreeMap<u32, Task>,
    descriptors: Descriptors,
    masks: Masks,
    summary: Summary,
    /// Processes that have ended, until their numbers are used again.
    ended: BTreeSet<u32>,
    /// Who runs on each CPU.
    running: BTreeMap<u8, u32>,
    events: Vec<Event>,
}

impl<W: Write> Strace<W> {
    /// Writes to `out`.
    pub fn new(out: W, settings: Settings) -> Self {
        Self {
            lines: Lines::new(out, &settings),
            settings,
            tasks: BTreeMap::new(),
            descriptors: Descriptors::default(),
            masks: Masks::default(),
            summary: Summary::default(),
            ended: BTreeSet::new(),
            running: BTreeMap::new(),
            events: events::all(),
        }
    }

    /// The kinds that strace's text tells of besides those that the user named.
    fn companions(wishes: &Wishes) -> Kinds {
        let mut kinds = skeleton();
        let calls: Kinds = [SYS_ENTER, SYS_EXIT]
            .map(Kind::of_probe)
            .into_iter()
            .collect();
        if wishes.kinds.meets(calls) {
            kinds = kinds.or(calls);
        }
        kinds
    }

    /// Whether system calls are shown at all, and with them signals and the ends of processes.
    fn shows_calls(&self) -> bool {
        self.settings.wishes.kinds.has(Kind::of_probe(SYS_ENTER))
    }

    fn wants(&self, pid: u32) -> bool {
        let Settings { pids, hidden, .. } = &self.settings;
        pids.contains(&pid) || (pids.is_empty() && !hidden.contains(&pid))
    }

    /// There is a process.
    fn met(&mut self, pid: u32) {
        if self.wants(pid) {
            self.lines.born(pid);
        }
    }

    /// Takes a record in. `wanted` says whether it is to be seen, `within` whether what else it brings about is.
    fn take(
        &mut self,
        record: &Record,
        model: &Model,
        wanted: bool,
        within: bool,
    ) -> io::Result<()> {
        let time = record.time;
        match &record.body {
            Body::SysEnter { .. } => self.enter(record, model, wanted),
            Body::SysExit { .. } => self.exit(record, model, wanted, within),
            Body::Kernel { probe, args, .. } => match usize::from(*probe) {
                SWITCH => {
                    self.switch(record.cpu, args[arg_of(SWITCH, "next_pid")] as u32, time);
                    Ok(())
                }
                FORK => {
                    let parent = args[arg_of(FORK, "parent_pid")] as u32;
                    let child = args[arg_of(FORK, "child_pid")] as u32;
                    self.descriptors.fork(parent, child);
                    self.masks.fork(parent, child);
                    self.tasks.insert(child, Task::default());
                    self.ended.remove(&child);
                    for pid in [parent, child] {
                        self.met(pid);
                    }
                    Ok(())
                }
                EXIT => {
                    let pid = args[arg_of(EXIT, "pid")] as u32;
                    let status = args[arg_of(EXIT, "status")] as u32;
                    self.ended(pid, WaitStatus(status), time, within && self.wants(pid))
                }
                GENERATE => {
                    let pid = args[arg_of(GENERATE, "pid")] as u32;
                    let ignored = args[arg_of(GENERATE, "ignored")] != 0;
                    let signal = Signal::of(GENERATE, args);
                    match self.tasks.get_mut(&pid) {
                        Some(task) if ignored && task.call.is_some() => {
                            task.ignored.entry(signal.number).or_insert(signal);
                            Ok(())
                        }
                        Some(task) if signal.number == SIGKILL && !ignored => {
                            task.doomed = true;
                            Ok(())
                        }
                        _ if ignored => self.signal(pid, &signal, time, within),
                        _ => Ok(()),
                    }
                }
                DELIVER => {
                    let pid = args[arg_of(DELIVER, "pid")] as u32;
                    let handler = args[arg_of(DELIVER, "handler")];
                    let signal = Signal::of(DELIVER, args);
                    self.masks.deliver(pid, signal.number, handler);
                    self.signal(pid, &signal, time, within)?;
                    let stops =
                        handler == SIG_DFL && default_action(signal.number) == DefaultAction::Stop;
                    if stops && self.tells(pid, signal.number, within) {
                        let text = format!("--- stopped by {} ---", signal.name());
                        self.lines.line(pid, time, &text)?;
                    }
                    Ok(())
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// A process has ended.
    fn ended(&mut self, pid: u32, status: WaitStatus, time: Time, shown: bool) -> io::Result<()> {
        let shown = shown && self.shows_calls() && self.settings.lines;
        let call = self.tasks.remove(&pid).and_then(|task| task.call);
        self.ended.insert(pid);
        if let (Some(call), true) = (call, shown) {
            self.unfinished(pid, call, time)?;
        }
        if shown {
            match status.ended() {
                Ended::Signaled(signal) => {
                    if self.settings.wishes.signals.has(signal.into()) {
                        let name = super::syscall::text::signal_name(signal.into());
                        self.lines
                            .line(pid, time, &format!("+++ killed by {name} +++"))?;
                    }
                }
                Ended::Exited(code) => {
                    if !self.settings.wishes.quiet_exits {
                        self.lines
                            .line(pid, time, &format!("+++ exited with {code} +++"))?;
                    }
                }
                Ended::Stopped(_) | Ended::Continued => {}
            }
        }
        self.descriptors.exited(pid);
        self.masks.exited(pid);
        Ok(())
    }

    /// Once all has been said of the end of a process, there is one less.
    fn bury(&mut self, record: &Record) {
        if let Body::Kernel { probe, args, .. } = &record.body
            && usize::from(*probe) == EXIT
        {
            self.lines.died(args[arg_of(EXIT, "pid")] as u32);
        }
    }

    /// Whether a signal of this process is told of.
    fn tells(&self, pid: u32, signal: u32, shown: bool) -> bool {
        shown
            && self.settings.lines
            && self.shows_calls()
            && self.wants(pid)
            && self.settings.wishes.signals.has(signal.into())
    }

    /// A process gets a signal. SIGKILL is never seen to come, as it cannot be caught.
    fn signal(&mut self, pid: u32, signal: &Signal, time: Time, shown: bool) -> io::Result<()> {
        if signal.number != SIGKILL && self.tells(pid, signal.number, shown) {
            let text = format!("--- {} {} ---", signal.name(), signal.info());
            self.lines.line(pid, time, &text)?;
        }
        Ok(())
    }

    /// Another process runs on a CPU.
    fn switch(&mut self, cpu: u8, pid: u32, time: Time) {
        if let Some(before) = self.running.insert(cpu, pid)
            && let Some(task) = self.tasks.get_mut(&before)
        {
            task.used = task.used(time);
            task.since = None;
        }
        // Number 0 stands for all idle processes, which make no calls. One that has ended may run for a while yet.
        if pid != 0 && !self.ended.contains(&pid) {
            self.tasks.entry(pid).or_default().since = Some(time);
            self.met(pid);
        }
    }
}

impl<W: Write> Sink for Strace<W> {
    fn record(&mut self, record: &Record, model: &Model) -> io::Result<()> {
        self.lines.calendar = model.meta.calendar;
        let is_call = matches!(record.body, Body::SysEnter { .. } | Body::SysExit { .. });
        let wanted = !is_call || self.wants(record.pid);
        self.take(record, model, wanted, true)?;
        if self.settings.lines && !is_call {
            let text = event::text(record, model, &self.events);
            self.lines.line(record.pid, record.time, &text)?;
        }
        self.bury(record);
        Ok(())
    }

    fn learns(&self) -> Kinds {
        Self::companions(&self.settings.wishes)
    }

    fn learn(&mut self, record: &Record, model: &Model, within: bool) -> io::Result<()> {
        self.lines.calendar = model.meta.calendar;
        self.take(record, model, false, within)?;
        self.bury(record);
        Ok(())
    }

    fn finish(&mut self, _model: &Model) -> io::Result<()> {
        self.lines.finish()?;
        if self.settings.table {
            self.summary.write(&mut self.lines.out)?;
        }
        self.lines.out.flush()
    }
}
