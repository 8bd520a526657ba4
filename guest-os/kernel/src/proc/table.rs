//! All processes by number, and how they are related.
//!
//! One lock guards it all: who is whose child, groups and sessions, and who has ended. Waiting for a child
//! is sleeping with this lock as the condition's.

use abi::Errno;
use abi::wait::WaitStatus;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Pid, Process};
use crate::sync::{SpinGuard, SpinLock};

/// Numbers start again behind this one.
const PID_MAX: Pid = 32767;
/// Number of the first process, which inherits orphans.
pub const INIT: Pid = 1;

/// A process and its relations.
pub struct Entry {
    /// The process.
    pub process: Arc<Process>,
    /// Its parent; 0 for the first.
    pub parent: Pid,
    /// Its process group.
    pub group: Pid,
    /// Its session.
    pub session: Pid,
    /// How it ended, if it has.
    pub ended: Option<WaitStatus>,
    /// A stop or continuation that the parent has not asked about yet.
    pub news: Option<WaitStatus>,
    /// Signal to the parent at the end.
    pub exit_signal: u32,
    /// CPU time of children that were waited for, in nanoseconds.
    pub children_time: u64,
}

/// All processes.
pub struct Table {
    entries: BTreeMap<Pid, Entry>,
    last: Pid,
}

static TABLE: SpinLock<Table> = SpinLock::new(
    c"process_table",
    Table {
        entries: BTreeMap::new(),
        last: 0,
    },
);

/// Locks the table.
pub fn lock() -> SpinGuard<'static, Table> {
    TABLE.lock()
}

/// The process with this number, zombies included.
pub fn find(pid: Pid) -> Option<Arc<Process>> {
    lock().entries.get(&pid).map(|entry| entry.process.clone())
}

/// All processes in the order of their numbers.
pub fn all() -> Vec<Arc<Process>> {
    lock()
        .entries
        .values()
        .map(|entry| entry.process.clone())
        .collect()
}

/// The members of a process group.
pub fn group_members(group: Pid) -> Vec<Arc<Process>> {
    lock()
        .entries
        .values()
        .filter(|entry| entry.group == group)
        .map(|entry| entry.process.clone())
        .collect()
}

impl Table {
    /// A number that no process and no group has.
    pub fn new_pid(&mut self) -> Result<Pid, Errno> {
        for _ in 0..PID_MAX {
            self.last = if self.last >= PID_MAX {
                INIT + 1
            } else {
                self.last + 1
            };
            let candidate = self.last;
            if !self.entries.values().any(|e| {
                e.process.pid == candidate || e.group == candidate || e.session == candidate
            }) {
                return Ok(candidate);
            }
        }
        Err(Errno::EAGAIN)
    }

    /// Adds a process as a child of `parent`, in its group and session.
    pub fn add(&mut self, process: Arc<Process>, parent: Pid, exit_signal: u32) {
        let pid = process.pid;
        let (group, session) = self
            .entries
            .get(&parent)
            .map_or((pid, pid), |p| (p.group, p.session));
        let entry = Entry {
            process,
            parent,
            group,
            session,
            ended: None,
            news: None,
            exit_signal,
            children_time: 0,
        };
        self.entries.insert(pid, entry);
    }

    /// Removes an ended process.
    pub fn remove(&mut self, pid: Pid) -> Option<Entry> {
        self.entries.remove(&pid)
    }

    /// The entry of a process.
    pub fn get(&self, pid: Pid) -> Option<&Entry> {
        self.entries.get(&pid)
    }

    /// The entry of a process, to change.
    pub fn get_mut(&mut self, pid: Pid) -> Option<&mut Entry> {
        self.entries.get_mut(&pid)
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// All entries, to change.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.values_mut()
    }

    /// Number of processes.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Parent, group and session of a process.
pub fn relations(pid: Pid) -> Option<(Pid, Pid, Pid)> {
    lock()
        .get(pid)
        .map(|entry| (entry.parent, entry.group, entry.session))
}
