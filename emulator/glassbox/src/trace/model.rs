//! Who is who: what the records so far say about processes and CPUs. Sinks consult it; filters need it.

use super::kind::index_of;
use super::record::{Body, Record};
use abi::probe::PROBES;
use std::collections::BTreeMap;

const SWITCH: usize = index_of("sched_switch");
const FORK: usize = index_of("process_fork");
const EXEC: usize = index_of("process_exec");
const EXIT: usize = index_of("process_exit");

/// Bytes of a process's name, as Linux keeps them (`TASK_COMM_LEN` without its NUL).
const COMM: usize = 15;

/// What a trace is of; it stands at the head of a recorded one.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Meta {
    /// The instruction set, by its name.
    pub arch: String,
    /// Number of CPUs.
    pub cpus: u8,
    /// The shell line that was run, or nothing.
    pub line: String,
    /// Most bytes of a string or buffer that were recorded.
    pub strings: usize,
    /// The guest's calendar at power-on, in seconds since 1970.
    #[serde(default)]
    pub calendar: u64,
    /// The kinds that were recorded, by name.
    pub events: Vec<String>,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Its name: the guest's own bytes.
    pub comm: Vec<u8>,
    /// Who made it, or 0.
    pub parent: u32,
    /// Whether it has not ended yet.
    pub alive: bool,
}

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// What the trace is of.
    pub meta: Meta,
    tasks: BTreeMap<u32, Task>,
}

impl Model {
    /// Nothing is known but what the trace is of.
    pub fn new(meta: Meta) -> Self {
        Self {
            meta,
            tasks: BTreeMap::new(),
        }
    }

    /// A process, if it was ever met.
    pub fn task(&self, pid: u32) -> Option<&Task> {
        self.tasks.get(&pid)
    }

    /// All processes met, by number.
    pub fn tasks(&self) -> impl Iterator<Item = (u32, &Task)> {
        self.tasks.iter().map(|(pid, task)| (*pid, task))
    }

    /// A process's name as text that cannot act on a terminal, or nothing.
    pub fn comm(&self, pid: u32) -> String {
        match self.tasks.get(&pid) {
            Some(task) => task.comm.escape_ascii().to_string(),
            None => String::new(),
        }
    }

    /// Takes in what a record says. A process that ends stays known until its number is used again.
    pub fn update(&mut self, record: &Record) {
        let Body::Kernel { probe, args, .. } = &record.body else {
            return;
        };
        match usize::from(*probe) {
            SWITCH => {
                const PID: usize = arg_of(SWITCH, "next_pid");
                const COMM: usize = arg_of(SWITCH, "next_comm");
                let comm = record.body.text(COMM).map(shortened);
                let task = self.tasks.entry(args[PID] as u32).or_default();
                task.alive = true;
                if let Some(comm) = comm {
                    task.comm = comm;
                }
            }
            FORK => {
                let parent = args[arg_of(FORK, "parent_pid")] as u32;
                let comm = self.tasks.get(&parent).map(|task| task.comm.clone());
                let child = Task {
                    comm: comm.unwrap_or_default(),
                    parent,
                    alive: true,
                };
                self.tasks
                    .insert(args[arg_of(FORK, "child_pid")] as u32, child);
            }
            EXEC => {
                const PATH: usize = arg_of(EXEC, "path");
                let path = record.body.text(PATH).unwrap_or_default();
                let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
                let comm = shortened(name);
                let task = self
                    .tasks
                    .entry(args[arg_of(EXEC, "pid")] as u32)
                    .or_default();
                task.alive = true;
                task.comm = comm;
            }
            EXIT => {
                if let Some(task) = self.tasks.get_mut(&(args[arg_of(EXIT, "pid")] as u32)) {
                    task.alive = false;
                }
            }
            _ => {}
        }
    }
}

fn shortened(name: &[u8]) -> Vec<u8> {
    name[..name.len().min(COMM)].to_vec()
}

/// The place of the argument `name`, which exists, of the probe with this number.
pub const fn arg_of(probe: usize, name: &str) -> usize {
    let args = PROBES[probe].args;
    let mut index = 0;
    while !super::kind::same(args[index].0.as_bytes(), name.as_bytes()) {
        index += 1;
    }
    index
}
