//! Which process runs next: the [`Policy`] trait and its first implementation, [`RoundRobin`].
//!
//! Each CPU has one run queue, a `Policy` behind that CPU's lock. The kernel tells it what happens
//! (a process became runnable, a tick passed) and asks it one question: who is next? The answer is
//! a [`Decision`] that says not only who but why, so that a trace can show the choice.
//!
//! A policy sees processes as [`Task`]s; whatever else it wants to remember of them (a priority
//! level, a virtual run time) it keeps itself, by process id, until [`Policy::exited`].

use alloc::boxed::Box;
use alloc::collections::VecDeque;

/// What a policy may know of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Process id.
    pub pid: u32,
    /// Niceness, -20 (first) to 19 (last).
    pub nice: i8,
}

/// Why a process enters the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is new, or came from another CPU.
    New,
    /// It slept and was woken.
    Woken,
    /// Its turn was over while it wanted to go on.
    Preempted,
    /// It gave the CPU away by itself.
    Yielded,
}

/// The choice of a policy, with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The process to run.
    pub pid: u32,
    /// What the policy compared, in its own unit (see [`Policy::key_name`]).
    pub key: i64,
    /// How many processes it chose from.
    pub candidates: usize,
}

/// A scheduling policy for one CPU. Times are nanoseconds.
pub trait Policy: Send {
    /// Name, as in `policy=NAME` on the command line.
    fn name(&self) -> &'static str;

    /// What [`Decision::key`] counts.
    fn key_name(&self) -> &'static str;

    /// A process became runnable; it is not in the queue yet.
    fn enqueue(&mut self, task: Task, cause: Cause, now: u64);

    /// Takes a waiting process out (to move it to another CPU); false if it is not in the queue.
    fn remove(&mut self, pid: u32) -> bool;

    /// Chooses the next process and takes it out of the queue.
    fn pick(&mut self, now: u64) -> Option<Decision>;

    /// A timer tick passed while `pid` ran. True if it should make place for another.
    fn tick(&mut self, pid: u32, now: u64) -> bool;

    /// The process ended: forget what is known of it. It is not in the queue.
    fn exited(&mut self, pid: u32) {
        let _ = pid;
    }

    /// Number of waiting processes.
    fn len(&self) -> usize;

    /// Is nobody waiting?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The policy with this name.
pub fn by_name(name: &str) -> Option<Box<dyn Policy>> {
    match name {
        "rr" => Some(Box::new(RoundRobin::default())),
        _ => None,
    }
}

/// First in, first out, each for one time slice. The key is the number of the arrival.
#[derive(Debug)]
pub struct RoundRobin {
    queue: VecDeque<(u32, i64)>,
    arrivals: i64,
    slice_start: u64,
}

/// How long a process runs when others wait.
pub const TIME_SLICE: u64 = 10_000_000;

impl Default for RoundRobin {
    fn default() -> Self {
        // Room for most machines' processes, so that a wake-up from an interrupt rarely allocates.
        RoundRobin {
            queue: VecDeque::with_capacity(256),
            arrivals: 0,
            slice_start: 0,
        }
    }
}

impl Policy for RoundRobin {
    fn name(&self) -> &'static str {
        "rr"
    }

    fn key_name(&self) -> &'static str {
        "arrival"
    }

    fn enqueue(&mut self, task: Task, _cause: Cause, _now: u64) {
        self.arrivals += 1;
        self.queue.push_back((task.pid, self.arrivals));
    }

    fn remove(&mut self, pid: u32) -> bool {
        let at = self.queue.iter().position(|(waiting, _)| *waiting == pid);
        at.is_some_and(|at| self.queue.remove(at).is_some())
    }

    fn pick(&mut self, now: u64) -> Option<Decision> {
        let candidates = self.queue.len();
        let (pid, key) = self.queue.pop_front()?;
        self.slice_start = now;
        Some(Decision {
            pid,
            key,
            candidates,
        })
    }

    fn tick(&mut self, _pid: u32, now: u64) -> bool {
        !self.queue.is_empty() && now.saturating_sub(self.slice_start) >= TIME_SLICE
    }

    fn len(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(pid: u32) -> Task {
        Task { pid, nice: 0 }
    }

    #[test]
    fn round_robin_takes_processes_in_the_order_of_arrival() {
        let mut queue = by_name("rr").unwrap();
        for pid in [5, 3, 9] {
            queue.enqueue(task(pid), Cause::New, 0);
        }
        assert_eq!(
            queue.pick(0),
            Some(Decision {
                pid: 5,
                key: 1,
                candidates: 3
            })
        );
        queue.enqueue(task(5), Cause::Preempted, 0);
        assert!(queue.remove(9));
        assert!(!queue.remove(9));
        assert_eq!(queue.pick(0).map(|d| (d.pid, d.candidates)), Some((3, 2)));
        assert_eq!(queue.pick(0).map(|d| (d.pid, d.key)), Some((5, 4)));
        assert_eq!(queue.pick(0), None);
    }

    #[test]
    fn a_process_is_preempted_only_after_its_slice_and_only_for_another() {
        let mut queue = RoundRobin::default();
        queue.enqueue(task(1), Cause::New, 0);
        queue.pick(100);
        assert!(!queue.tick(1, 100 + 2 * TIME_SLICE));
        queue.enqueue(task(2), Cause::Woken, 200);
        assert!(!queue.tick(1, 100 + TIME_SLICE - 1));
        assert!(queue.tick(1, 100 + TIME_SLICE));
    }

    #[test]
    fn unknown_policies_have_no_queue() {
        assert!(by_name("no-such-policy").is_none());
    }
}
