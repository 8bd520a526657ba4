//! A CPU's run queue: a policy of `kcore`, which knows numbers, and the processes behind them.

use core::sync::atomic::{AtomicUsize, Ordering};

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use kcore::runqueue::{Cause, Policy, Task};

use crate::proc::{Pid, Process};

/// Runnable processes of one CPU, the running one not among them.
pub struct RunQueue {
    policy: Box<dyn Policy>,
    /// The policy's name as NUL-terminated text, for probes.
    policy_name: CString,
    processes: Vec<Arc<Process>>,
    /// Number of processes, to be read without the lock.
    length: &'static AtomicUsize,
}

impl RunQueue {
    /// An empty queue.
    pub fn new(policy: Box<dyn Policy>, length: &'static AtomicUsize) -> Self {
        RunQueue {
            policy_name: CString::new(policy.name()).unwrap_or_default(),
            policy,
            processes: Vec::new(),
            length,
        }
    }

    /// Adds a process.
    pub fn push(&mut self, process: Arc<Process>, cause: Cause, now: u64) {
        self.policy.enqueue(
            Task {
                pid: process.pid,
                nice: 0,
            },
            cause,
            now,
        );
        self.processes.push(process);
        self.update_length();
    }

    /// Takes the process whose turn it is.
    pub fn pop(&mut self, now: u64) -> Option<Arc<Process>> {
        let decision = self.policy.pick(now)?;
        crate::probe!(
            sched_pick,
            self.policy_name.as_ptr() as usize,
            decision.pid,
            decision.key,
            decision.candidates
        );
        self.take(decision.pid)
    }

    /// Takes a process that CPU `thief` may run and that no CPU is still leaving.
    pub fn steal(&mut self, thief: usize) -> Option<Arc<Process>> {
        let movable = |p: &&Arc<Process>| !p.on_cpu.load(Ordering::Acquire) && p.may_run_on(thief);
        let pid = self.processes.iter().find(movable)?.pid;
        self.policy.remove(pid);
        self.take(pid)
    }

    /// Whether the process that runs should make place for one that waits.
    pub fn slice_is_over(&mut self, running: Pid, now: u64) -> bool {
        !self.policy.is_empty() && self.policy.tick(running, now)
    }

    /// A process has ended.
    pub fn forget(&mut self, pid: Pid) {
        self.policy.exited(pid);
    }

    fn take(&mut self, pid: Pid) -> Option<Arc<Process>> {
        let index = self.processes.iter().position(|p| p.pid == pid)?;
        let process = self.processes.swap_remove(index);
        self.update_length();
        Some(process)
    }

    fn update_length(&self) {
        self.length.store(self.processes.len(), Ordering::Relaxed);
    }
}
