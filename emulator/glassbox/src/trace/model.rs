//! What the records so far say: what the trace is of, and who is who. Sinks consult it; filters need it.

use super::record::{Body, Record};
use super::tasks::{Task, Tasks};
use crate::numbers;
use abi::isa::Isa;
use abi::probe::PROBES;
use base::Stamp;

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

impl Meta {
    /// The instruction set.
    pub fn isa(&self) -> Isa {
        numbers::isa(&self.arch)
    }
}

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// What the trace is of.
    pub meta: Meta,
    /// The processes.
    pub tasks: Tasks,
}

impl Model {
    /// Nothing is known but what the trace is of.
    pub const fn new(meta: Meta) -> Self {
        Self {
            meta,
            tasks: Tasks::NONE,
        }
    }

    /// A process, if it was ever met.
    pub fn task(&self, pid: u32) -> Option<&Task> {
        self.tasks.get(pid)
    }

    /// All processes met, by number.
    pub fn tasks(&self) -> impl Iterator<Item = (u32, &Task)> {
        self.tasks.iter()
    }

    /// A process's name as text that cannot act on a terminal, or nothing.
    pub fn comm(&self, pid: u32) -> String {
        self.tasks.comm(pid)
    }

    /// Takes in what a record says.
    pub fn update(&mut self, record: &Record) {
        let Body::Kernel { probe, args, .. } = &record.body else {
            return;
        };
        let stamp = Stamp {
            time: record.time,
            cpu: record.cpu,
        };
        let mut text = |index| record.body.text(index).unwrap_or_default().to_vec();
        self.tasks
            .update(stamp, usize::from(*probe), args, &mut text);
    }
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
