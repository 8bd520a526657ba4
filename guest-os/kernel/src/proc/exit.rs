//! The end of processes, and waiting for it.
//!
//! An ended process stays in the table as a zombie until its parent asks for its status (wait4). Then its
//! kernel stack is freed, which it cannot do itself while it stands on it. Children of an ended process
//! become children of process 1, which asks for every zombie.

use core::sync::atomic::Ordering;

use abi::Errno;
use abi::signal::SIGCHLD;
use abi::wait::{WCONTINUED, WNOHANG, WUNTRACED, WaitStatus};

use super::fork::release_vfork_parent;
use super::table::{self, Entry, INIT};
use super::{Pid, Process, State, current, signal};
use crate::fs::context::FileContext;
use crate::sched::{self, CPUS, online_cpus};
use crate::sync::IrqGuard;

/// Ends the running process.
pub fn exit(status: WaitStatus) -> ! {
    let me = current();
    assert!(
        me.pid != INIT,
        "process 1 has ended (status {:#x})",
        status.0
    );
    crate::probe!(process_exit, me.pid, status.0);
    // Closing may sleep (the last close of an unlinked file), so it comes first and without locks.
    let files = me.files.lock().take_all();
    drop(files);
    let context = core::mem::replace(&mut *me.file_context.lock(), FileContext::new());
    drop(context);
    let alarm = me.alarm.lock().take();
    if let Some(alarm) = alarm {
        alarm.cancel();
    }
    drop(me.replace_space(None));
    release_vfork_parent(&me);

    sched::settle_account();

    let mut table = table::lock();
    let mut orphaned_zombie = false;
    for child in table.entries_mut().filter(|entry| entry.parent == me.pid) {
        child.parent = INIT;
        orphaned_zombie |= child.ended.is_some();
    }
    let parent = table.get(me.pid).map(|entry| entry.parent).unwrap_or(INIT);
    let parent_process = table.get(parent).map(|entry| entry.process.clone());
    // A parent that ignores SIGCHLD will not ask: process 1 does.
    let unwanted = parent_process
        .as_ref()
        .is_some_and(|p| p.signals.ignores_children());
    let mut exit_signal = 0;
    if let Some(entry) = table.get_mut(me.pid) {
        entry.ended = Some(status);
        exit_signal = entry.exit_signal;
        if unwanted {
            entry.parent = INIT;
        }
    }
    let init = table.get(INIT).map(|entry| entry.process.clone());
    // From here on the parent can find the zombie; it waits with `release_stack` until this CPU has left.
    let _irq = IrqGuard::new();
    me.set_state(State::Zombie);
    drop(table);
    if let Some(parent) = parent_process {
        if exit_signal != 0 {
            signal::send(
                &parent,
                exit_signal,
                signal::Origin::Child {
                    pid: me.pid,
                    status,
                },
            );
        }
        parent.children_changed.wake_all();
    }
    if (unwanted || orphaned_zombie)
        && let Some(init) = init
    {
        init.children_changed.wake_all();
    }
    CPUS[..online_cpus()].iter().for_each(|cpu| cpu.forget(&me));
    sched::end()
}

/// Which children wait4(2) is asked about.
#[derive(Clone, Copy)]
pub enum Which {
    /// Any.
    Any,
    /// The one with this number.
    Process(Pid),
    /// Those of a process group.
    Group(Pid),
}

/// What wait4(2) learnt.
pub struct Report {
    /// The child.
    pub pid: Pid,
    /// What happened to it.
    pub status: WaitStatus,
    /// Its CPU time with that of its children, in nanoseconds.
    pub cpu_time: u64,
}

/// Waits until a child ends (or stops or continues, if `options` asks for that) and reports it; `None` with
/// `WNOHANG` if there is nothing to report.
pub fn wait(which: Which, options: u32) -> Result<Option<Report>, Errno> {
    let me = current();
    let mut table = table::lock();
    loop {
        let is_meant = |entry: &&Entry| {
            entry.parent == me.pid
                && match which {
                    Which::Any => true,
                    Which::Process(pid) => entry.process.pid == pid,
                    Which::Group(group) => entry.group == group,
                }
        };
        if table.entries().find(is_meant).is_none() {
            return Err(Errno::ECHILD);
        }
        let ended = table
            .entries()
            .filter(is_meant)
            .find_map(|e| e.ended.map(|status| (e.process.pid, status)));
        if let Some((pid, status)) = ended {
            let entry = table.remove(pid).ok_or(Errno::ECHILD)?;
            crate::probe!(process_wait, me.pid, pid, status.0);
            drop(table);
            // The child's last turn is counted while it leaves its CPU, which this waits for.
            entry.process.release_stack();
            let cpu_time = entry.process.cpu_time.load(Ordering::Relaxed) + entry.children_time;
            if let Some(mine) = table::lock().get_mut(me.pid) {
                mine.children_time += cpu_time;
            }
            return Ok(Some(Report {
                pid,
                status,
                cpu_time,
            }));
        }
        let wanted = |status: WaitStatus| {
            options
                & if status == CONTINUED {
                    WCONTINUED
                } else {
                    WUNTRACED
                }
                != 0
        };
        let news = table
            .entries()
            .filter(is_meant)
            .find_map(|e| e.news.filter(|s| wanted(*s)).map(|s| (e.process.pid, s)));
        if let Some((pid, status)) = news {
            if let Some(entry) = table.get_mut(pid) {
                entry.news = None;
            }
            return Ok(Some(Report {
                pid,
                status,
                cpu_time: 0,
            }));
        }
        if options & WNOHANG != 0 {
            return Ok(None);
        }
        table = me.children_changed.sleep(table)?;
    }
}

/// What `wait` reports of a continued child.
pub const CONTINUED: WaitStatus = WaitStatus(0xffff);

/// Tells the parent that the process stopped or continued.
pub fn report_news(process: &Process, status: WaitStatus) {
    let mut table = table::lock();
    let Some(entry) = table.get_mut(process.pid) else {
        return;
    };
    entry.news = Some(status);
    let parent = entry.parent;
    let parent = table.get(parent).map(|entry| entry.process.clone());
    drop(table);
    if let Some(parent) = parent {
        if parent.signals.wants_news_of_children() {
            let origin = signal::Origin::Child {
                pid: process.pid,
                status,
            };
            signal::send(&parent, SIGCHLD, origin);
        }
        parent.children_changed.wake_all();
    }
}
