//! What has to be remembered of CPUs and processes while their events pass by.

use super::packets::{Flow, Notes};
use base::Time;
use std::borrow::Cow;

/// Where something is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the track of the CPU's handlers.
    Cpu,
    /// On the process's own track.
    Thread,
}

/// Where a slice is drawn that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// On the process's own track.
    OnThread,
    /// On the track of that CPU's handlers.
    OnCpu(u8),
    /// On such a track again when the process runs again.
    Later,
}

/// What a slice stands for, to be found by its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A handler that the hardware entered, for an interrupt or for something else.
    Trap {
        /// Whether for an interrupt.
        interrupt: bool,
    },
    /// The handling of a page fault.
    Fault,
    /// A system call, by number.
    Call(u64),
    /// A driver's interrupt handler, by the kernel's number of the interrupt.
    Irq(u64),
    /// Waiting for a spin lock, by address.
    Lock(u64),
}

/// A slice that has begun.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What it stands for.
    pub what: What,
    /// Where it is drawn now.
    pub drawn: Drawn,
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its category.
    pub category: &'static str,
    /// When it began.
    pub since: Time,
    /// What its end has to say.
    pub notes: Notes,
}

/// A system call that a process is in.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its arguments.
    pub args: [u64; 6],
    /// Those of them that were known from the beginning, as text.
    pub text: String,
    /// Whether these were all.
    pub whole: bool,
}

/// Slices that a process, or a CPU that idles, is in: the outermost first. Kernel stacks nest, and so do these.
pub type Stack = Vec<Frame>;

/// Somebody woke a process that was not running.
#[derive(Clone, Debug)]
pub struct Woken {
    /// The arrow that ends where it runs next.
    pub flow: Flow,
    /// When.
    pub time: Time,
    /// Who, or nothing where an interrupt did.
    pub by: Option<u32>,
    /// What it had been waiting for.
    pub wait: String,
}

/// A process.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// Its track.
    pub track: Option<u64>,
    /// The name that the file knows, once it knows the process.
    pub told: Option<Vec<u8>>,
    /// The slices that it is in.
    pub stack: Stack,
    /// The system call among them.
    pub call: Option<Call>,
    /// It runs next because of this.
    pub woken: Option<Woken>,
    /// The CPU that it runs on, or in whose queue it is.
    pub queue: Option<u8>,
    /// It has left its CPU for good.
    pub gone: bool,
    /// Its parent knows of its end.
    pub reaped: bool,
}

/// A CPU.
#[derive(Clone, Debug, Default)]
pub struct Cpu {
    /// The process that runs, or 0.
    pub running: u32,
    /// The slices that its idle process is in.
    pub idle: Stack,
    /// Requests that the running interrupt handler found finished: whose they were, and their arrows.
    pub finished: Vec<(u32, Flow)>,
    /// The number of the span in which page walks are being counted.
    pub span: u64,
    /// How many there were in it.
    pub misses: u64,
    /// Processes that run here or are in its queue.
    pub runnable: i64,
    /// The number of them that was shown last.
    pub runnable_shown: i64,
}
