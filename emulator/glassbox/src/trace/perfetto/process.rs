//! The lives of processes, in Linux's own tracer's packets.
//!
//! `task_newtask` makes Perfetto see a new process, even one whose number another had before, `task_rename` and
//! `sched_switch` name it, and `sched_process_free` says that its number is free. Only a process that was there before
//! the trace is told of by a process tree: there Perfetto looks for its parent by number, and takes it for another
//! process if that is not the one it knows, as after the parent's end.

use super::Perfetto;
use super::packets::{Moment, i32_of};
use super::said::{Args, arg, text};
use super::sched::PRIORITY;
use super::schema::{ftrace, packet, process_tree};
use super::state::Task;
use crate::trace::model::Model;
use crate::trace::record::Record;
use std::io::{self, Write};

/// Linux's flag of clone(2) for a thread of the same process, which Silica does not have.
const CLONE_THREAD: u64 = 0x1_0000;

impl<W: Write> Perfetto<W> {
    /// Makes sure that the file knows the process, and by the name that it has now.
    pub(super) fn tell(&mut self, at: Moment, model: &Model) -> io::Result<()> {
        let Some(task) = self.task(at.pid) else {
            return Ok(());
        };
        let comm = model.task(at.pid).map_or(&[][..], |task| &task.comm);
        if task.told.as_deref() == Some(comm) {
            return Ok(());
        }
        let name = model.comm(at.pid);
        match task.told.replace(comm.to_owned()) {
            None => self.introduce(at, &name, model),
            Some(old) => {
                let old = old.escape_ascii().to_string();
                self.packets
                    .ftrace(at, ftrace::TASK_RENAME, 0, "", |event, _| {
                        use ftrace::task_rename as f;
                        event.int(f::PID, i32_of(at.pid));
                        event.text(f::OLDCOMM, &old);
                        event.text(f::NEWCOMM, &name);
                    })
            }
        }
    }

    /// The file learns of a process that was there before.
    fn introduce(&mut self, at: Moment, name: &str, model: &Model) -> io::Result<()> {
        let parent = model.task(at.pid).map_or(0, |task| task.parent);
        self.packets
            .plain(Some(at.time), packet::PROCESS_TREE, |tree| {
                tree.message(process_tree::PROCESSES, |process| {
                    process.int(process_tree::PID, i32_of(at.pid));
                    process.int(process_tree::PPID, i32_of(parent));
                    process.text(process_tree::CMDLINE, name);
                });
                // Without a name: one from here would stay whatever is said later.
                tree.message(process_tree::THREADS, |thread| {
                    thread.int(process_tree::TID, i32_of(at.pid));
                    thread.int(process_tree::TGID, i32_of(at.pid));
                });
            })
    }

    pub(super) fn fork(
        &mut self,
        at: Moment,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let parent = arg!(args, "process_fork", "parent_pid") as u32;
        let child = arg!(args, "process_fork", "child_pid") as u32;
        let flags = arg!(args, "process_fork", "flags") & !CLONE_THREAD;
        let (parent_comm, child_comm) = (model.comm(parent), model.comm(child));
        let from = Moment { pid: parent, ..at };
        self.packets
            .ftrace(from, ftrace::TASK_NEWTASK, 0, "", |event, _| {
                use ftrace::task_newtask as f;
                event.int(f::PID, i32_of(child));
                event.text(f::COMM, &child_comm);
                event.uint(f::CLONE_FLAGS, flags);
            })?;
        self.packets
            .ftrace(from, ftrace::SCHED_PROCESS_FORK, 0, "", |event, _| {
                use ftrace::sched_process_fork as f;
                event.text(f::PARENT_COMM, &parent_comm);
                event.int(f::PARENT_PID, i32_of(parent));
                event.text(f::CHILD_COMM, &child_comm);
                event.int(f::CHILD_PID, i32_of(child));
            })?;
        // If another had the number and is not known to have ended, it is forgotten now.
        self.queue(child, None);
        self.close(Moment { pid: child, ..at }, 0)?;
        if let Some(task) = self.task(child) {
            *task = Task {
                told: model.task(child).map(|task| task.comm.clone()),
                ..Task::default()
            };
        }
        let notes = self.notes(record, model);
        let name = format!("makes {child_comm} [{child}]");
        self.said(at, &name, "process", &notes, &[])
    }

    pub(super) fn exec(
        &mut self,
        at: Moment,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let pid = arg!(args, "process_exec", "pid") as u32;
        let path = text!(record, "process_exec", "path");
        let at = Moment { pid, ..at };
        self.packets
            .ftrace(at, ftrace::SCHED_PROCESS_EXEC, 0, "", |event, _| {
                use ftrace::sched_process_exec as f;
                event.text(f::FILENAME, &path);
                event.int(f::PID, i32_of(pid));
                event.int(f::OLD_PID, i32_of(pid));
            })?;
        self.tell(at, model)?;
        let notes = self.notes(record, model);
        self.said(at, &format!("becomes {path}"), "process", &notes, &[])
    }

    pub(super) fn exit(
        &mut self,
        at: Moment,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let pid = arg!(args, "process_exit", "pid") as u32;
        let at = Moment { pid, ..at };
        self.packets
            .ftrace(at, ftrace::SCHED_PROCESS_EXIT, 0, "", |event, _| {
                use ftrace::sched_process_exit as f;
                event.text(f::COMM, &model.comm(pid));
                event.int(f::PID, i32_of(pid));
                event.int(f::TGID, i32_of(pid));
                event.int(f::PRIO, PRIORITY);
            })?;
        let notes = self.notes(record, model);
        self.said(at, "ends", "process", &notes, &[])
    }

    pub(super) fn reap(
        &mut self,
        at: Moment,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let child = arg!(args, "process_wait", "child_pid") as u32;
        let notes = self.notes(record, model);
        let name = format!("reaps {} [{child}]", model.comm(child));
        self.said(at, &name, "process", &notes, &[])?;
        if let Some(task) = self.tasks.get_mut(&child) {
            task.reaped = true;
        }
        self.bury(at, child, model)
    }

    /// The number of a process is free as soon as it has left its CPU and its parent knows.
    pub(super) fn bury(&mut self, at: Moment, pid: u32, model: &Model) -> io::Result<()> {
        let over = |task: &Task| task.gone && task.reaped;
        if !self.tasks.get(&pid).is_some_and(over) {
            return Ok(());
        }
        self.queue(pid, None);
        self.close(Moment { pid, ..at }, 0)?;
        self.tasks.remove(&pid);
        self.packets
            .ftrace(at, ftrace::SCHED_PROCESS_FREE, 0, "", |event, _| {
                use ftrace::sched_process_free as f;
                event.text(f::COMM, &model.comm(pid));
                event.int(f::PID, i32_of(pid));
                event.int(f::PRIO, PRIORITY);
            })
    }
}
