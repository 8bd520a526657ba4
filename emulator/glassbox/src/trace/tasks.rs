//! Who is who: what the kernel's probes say of processes, followed from power-on.
//!
//! [`Tasks`] is the one place for it. The [`model`](super::model) of a trace keeps one up to date from records, a
//! [`Follower`](super::follow::Follower) straight from the machine's events. It needs the probes of [`kinds`]; with
//! fewer it knows less.
//!
//! ```text
//! process_fork ─► new ─► runnable ◄──────────── sched_wakeup ───────────┐
//!         sched_wakeup_new   ▲ │ sched_switch                            │
//!                 preempted  │ ▼           sched_switch                  │
//!                          running ─┬──────────────────► sleeping, stopped
//!                                   └─► zombie ─ process_wait ─► gone
//! ```

use super::kind::{Kind, Kinds, index_of};
use super::model::arg_of;
use abi::probe::STATES;
use base::event::PROBE_ARGS;
use base::{Stamp, Time};
use std::collections::BTreeMap;

const SWITCH: usize = index_of("sched_switch");
const WAKEUP: usize = index_of("sched_wakeup");
const WAKEUP_NEW: usize = index_of("sched_wakeup_new");
const FORK: usize = index_of("process_fork");
const EXEC: usize = index_of("process_exec");
const EXIT: usize = index_of("process_exit");
const WAIT: usize = index_of("process_wait");

/// Bytes of a process's name, as Linux keeps them (`TASK_COMM_LEN` without its NUL).
const COMM: usize = 15;

/// What is kept of a process's name.
pub fn kept(name: &[u8]) -> &[u8] {
    &name[..name.len().min(COMM)]
}
/// Most bytes of what a process waits for.
const MOST_WAIT: usize = 63;
/// Most processes that are remembered. Silica's numbers end well below; a hostile kernel's need not.
const MOST: usize = 1 << 16;
/// Who asks for the status of orphans.
const INIT: u32 = 1;

/// The kinds of records that processes are followed by.
pub fn kinds() -> Kinds {
    [SWITCH, WAKEUP, WAKEUP_NEW, FORK, EXEC, EXIT, WAIT]
        .map(Kind::of_probe)
        .into_iter()
        .collect()
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskState {
    /// It was made and has not run yet.
    #[default]
    New,
    /// It waits for a CPU.
    Runnable,
    /// It has one.
    Running {
        /// Which.
        cpu: u8,
    },
    /// It waits for something else.
    Sleeping,
    /// A signal stopped it.
    Stopped,
    /// It has ended, and nobody has asked for its status yet.
    Zombie,
    /// Somebody has; its number will be used again.
    Gone,
}

impl TaskState {
    /// What the value of a `State` argument means.
    fn of(value: u64) -> Self {
        match STATES.get(value as usize).copied() {
            Some("sleeping") => Self::Sleeping,
            Some("stopped") => Self::Stopped,
            Some("zombie") => Self::Zombie,
            Some("new") => Self::New,
            // One that leaves its CPU as `running` is the idle process.
            _ => Self::Runnable,
        }
    }
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Its name: the guest's own bytes.
    pub comm: Vec<u8>,
    /// Who made it, or takes care of it since its parent has ended; or 0.
    pub parent: u32,
    /// Whether it has not ended yet.
    pub alive: bool,
    /// What it is doing.
    pub state: TaskState,
    /// What a sleeping process waits for: the kernel's word, or nothing.
    pub wait: Vec<u8>,
    /// Virtual time that it had a CPU, but for the turn that it has now.
    time: Time,
    /// When this turn began.
    since: Time,
    /// Its status was asked for before it had left its CPU for good.
    reaped: bool,
}

impl Task {
    /// Virtual time that it has had a CPU up to `now`.
    pub fn cpu_time(&self, now: Time) -> Time {
        match self.state {
            TaskState::Running { .. } => self.time + (now - self.since),
            _ => self.time,
        }
    }
}

/// All processes that were met.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tasks: BTreeMap<u32, Task>,
    /// The process that each CPU runs; 0 is its idle process.
    cpus: Vec<u32>,
}

impl Tasks {
    /// Nobody was met yet.
    pub const NONE: Self = Self {
        tasks: BTreeMap::new(),
        cpus: Vec::new(),
    };

    /// A process, if it was ever met. One that has ended stays known until its number is used again.
    pub fn get(&self, pid: u32) -> Option<&Task> {
        self.tasks.get(&pid)
    }

    /// All processes met, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Task)> {
        self.tasks.iter().map(|(pid, task)| (*pid, task))
    }

    /// Those that the kernel has in its table now, by number: no idle process, and none that is gone.
    pub fn present(&self) -> impl Iterator<Item = (u32, &Task)> {
        self.iter()
            .filter(|(pid, task)| *pid != 0 && task.state != TaskState::Gone)
    }

    /// A process's name as text that cannot act on a terminal, or nothing.
    pub fn comm(&self, pid: u32) -> String {
        match self.tasks.get(&pid) {
            Some(task) => task.comm.escape_ascii().to_string(),
            None => String::new(),
        }
    }

    /// The process that CPU number `cpu` runs: 0 while it is idle or nothing is known.
    pub fn running(&self, cpu: u8) -> u32 {
        self.cpus.get(usize::from(cpu)).copied().unwrap_or(0)
    }

    /// Takes in what the kernel's probe number `probe` said; `text` gives its argument of an index as text.
    pub fn update(
        &mut self,
        stamp: Stamp,
        probe: usize,
        args: &[u64; PROBE_ARGS],
        text: &mut dyn FnMut(usize) -> Vec<u8>,
    ) {
        match probe {
            SWITCH => self.switch(stamp, args, text),
            WAKEUP | WAKEUP_NEW => {
                const PID: usize = arg_of(WAKEUP, "pid");
                const { assert!(PID == arg_of(WAKEUP_NEW, "pid")) };
                let task = self.entry(args[PID] as u32);
                // One that has not left its CPU yet since it decided to sleep does not leave it now.
                if !matches!(task.state, TaskState::Running { .. }) {
                    task.state = TaskState::Runnable;
                    task.wait.clear();
                }
            }
            FORK => {
                let parent = args[arg_of(FORK, "parent_pid")] as u32;
                let comm = self.get(parent).map(|task| task.comm.clone());
                let child = args[arg_of(FORK, "child_pid")] as u32;
                *self.entry(child) = Task {
                    comm: comm.unwrap_or_default(),
                    parent,
                    alive: true,
                    ..Task::default()
                };
            }
            EXEC => {
                let path = text(arg_of(EXEC, "path"));
                let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
                let task = self.entry(args[arg_of(EXEC, "pid")] as u32);
                task.comm = kept(name).to_vec();
            }
            EXIT => {
                let pid = args[arg_of(EXIT, "pid")] as u32;
                self.entry(pid).alive = false;
                for task in self.tasks.values_mut().filter(|task| task.parent == pid) {
                    task.parent = INIT;
                }
            }
            WAIT => {
                let task = self.entry(args[arg_of(WAIT, "child_pid")] as u32);
                task.alive = false;
                task.reaped = true;
                if task.state == TaskState::Zombie {
                    task.state = TaskState::Gone;
                }
            }
            _ => {}
        }
    }

    fn switch(
        &mut self,
        stamp: Stamp,
        args: &[u64; PROBE_ARGS],
        text: &mut dyn FnMut(usize) -> Vec<u8>,
    ) {
        let (prev, next) = (
            args[arg_of(SWITCH, "prev_pid")] as u32,
            args[arg_of(SWITCH, "next_pid")] as u32,
        );
        let task = self.entry(prev);
        task.time = task.cpu_time(stamp.time);
        task.state = match TaskState::of(args[arg_of(SWITCH, "prev_state")]) {
            TaskState::Zombie if task.reaped => TaskState::Gone,
            state => state,
        };
        task.wait.clear();
        if task.state == TaskState::Sleeping {
            task.wait = text(arg_of(SWITCH, "wait"));
            task.wait.truncate(MOST_WAIT);
        }
        let task = self.entry(next);
        let mut comm = text(arg_of(SWITCH, "next_comm"));
        if !comm.is_empty() {
            comm.truncate(COMM);
            task.comm = comm;
        }
        task.state = TaskState::Running { cpu: stamp.cpu };
        task.since = stamp.time;
        task.wait.clear();
        let cpu = usize::from(stamp.cpu);
        if self.cpus.len() <= cpu {
            self.cpus.resize(cpu + 1, 0);
        }
        self.cpus[cpu] = next;
    }

    /// The process with this number, met now if it never was.
    fn entry(&mut self, pid: u32) -> &mut Task {
        if self.tasks.len() >= MOST && !self.tasks.contains_key(&pid) {
            self.tasks.retain(|_, task| task.state != TaskState::Gone);
            if self.tasks.len() >= MOST {
                self.tasks.pop_first();
            }
        }
        self.tasks.entry(pid).or_insert_with(|| Task {
            alive: true,
            ..Task::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells of an event on CPU 0, with the same text for each argument that is one.
    fn tell(tasks: &mut Tasks, time: u64, probe: usize, given: &[u64], text: &str) {
        let mut args = [0; PROBE_ARGS];
        args[..given.len()].copy_from_slice(given);
        let stamp = Stamp {
            time: Time(time),
            cpu: 0,
        };
        tasks.update(stamp, probe, &args, &mut |_| text.as_bytes().to_vec());
    }

    fn state(tasks: &Tasks, pid: u32) -> TaskState {
        tasks.get(pid).unwrap().state
    }

    const SLEEPING: u64 = 3;
    const ZOMBIE: u64 = 5;

    #[test]
    fn a_process_is_followed_from_its_making_to_its_end() {
        let mut tasks = Tasks::default();
        tell(&mut tasks, 0, SWITCH, &[0, 2, 5, 0, 1, 0], "init");
        tell(&mut tasks, 10, FORK, &[1, 7, 0], "");
        assert_eq!(state(&tasks, 7), TaskState::New);
        assert_eq!(tasks.comm(7), "init");
        tell(&mut tasks, 10, WAKEUP_NEW, &[7, 0, 1], "");
        assert_eq!(state(&tasks, 7), TaskState::Runnable);
        tell(
            &mut tasks,
            20,
            SWITCH,
            &[1, SLEEPING, 2, 0, 7, 0],
            "child_exit",
        );
        assert_eq!(state(&tasks, 1), TaskState::Sleeping);
        assert_eq!(tasks.get(1).unwrap().wait, b"child_exit");
        assert_eq!(
            (tasks.running(0), state(&tasks, 7)),
            (7, TaskState::Running { cpu: 0 })
        );
        tell(
            &mut tasks,
            25,
            EXEC,
            &[7, 0, 0],
            "/bin/a_long_name_of_a_program",
        );
        assert_eq!(tasks.comm(7), "a_long_name_of_");
        assert_eq!(tasks.get(7).unwrap().cpu_time(Time(26)), Time(6));
        tell(&mut tasks, 30, EXIT, &[7, 0], "");
        tell(&mut tasks, 30, WAKEUP, &[1, 0, 7, 0, 0], "");
        assert!(!tasks.get(7).unwrap().alive);
        tell(&mut tasks, 40, SWITCH, &[7, ZOMBIE, 3, 0, 1, 0], "init");
        assert_eq!(state(&tasks, 7), TaskState::Zombie);
        assert_eq!(tasks.get(7).unwrap().cpu_time(Time(99)), Time(20));
        tell(&mut tasks, 50, WAIT, &[1, 7, 0], "");
        assert_eq!(
            tasks.present().map(|(pid, _)| pid).collect::<Vec<_>>(),
            [1],
            "its number is free"
        );
        assert_eq!(tasks.comm(7), "a_long_name_of_", "but it is not forgotten");
    }

    #[test]
    fn whoever_is_woken_before_it_has_left_its_cpu_is_running_still() {
        let mut tasks = Tasks::default();
        tell(&mut tasks, 0, SWITCH, &[0, 2, 5, 0, 4, 0], "cat");
        tell(&mut tasks, 1, WAKEUP, &[4, 0, 0, 0, 1], "");
        assert_eq!(state(&tasks, 4), TaskState::Running { cpu: 0 });
        let runnable = 1;
        tell(&mut tasks, 2, SWITCH, &[4, runnable, 2, 0, 0, 0], "idle");
        assert_eq!(state(&tasks, 4), TaskState::Runnable);
    }

    #[test]
    fn a_zombie_whose_status_is_taken_while_it_leaves_its_cpu_is_gone_when_it_has() {
        let mut tasks = Tasks::default();
        tell(&mut tasks, 0, SWITCH, &[0, 2, 5, 0, 4, 0], "cat");
        tell(&mut tasks, 1, EXIT, &[4, 0], "");
        tell(&mut tasks, 2, WAIT, &[1, 4, 0], "");
        assert_eq!(state(&tasks, 4), TaskState::Running { cpu: 0 });
        tell(&mut tasks, 3, SWITCH, &[4, ZOMBIE, 3, 0, 0, 0], "idle");
        assert_eq!(state(&tasks, 4), TaskState::Gone);
    }

    #[test]
    fn orphans_go_to_process_1() {
        let mut tasks = Tasks::default();
        tell(&mut tasks, 0, FORK, &[2, 3, 0], "");
        tell(&mut tasks, 0, FORK, &[3, 4, 0], "");
        tell(&mut tasks, 1, EXIT, &[3, 0], "");
        assert_eq!(tasks.get(4).unwrap().parent, INIT);
        assert_eq!(tasks.get(3).unwrap().parent, 2);
    }

    #[test]
    fn a_kernel_that_invents_processes_does_not_fill_the_hosts_memory() {
        let mut tasks = Tasks::default();
        for pid in 0..2 * MOST as u64 {
            tell(&mut tasks, pid, FORK, &[1, pid, 0], "");
        }
        assert_eq!(tasks.iter().count(), MOST);
        assert!(tasks.get(2 * MOST as u32 - 1).is_some());
    }
}
