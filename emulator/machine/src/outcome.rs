//! Why a run stopped, and what it may be limited by.

use base::Time;
use cpu::hart::Gap;
use std::fmt;

/// What stops a run beside the guest's own doing.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Stop when this many instructions have retired since power-on, over all CPUs.
    pub instructions: u64,
    /// Stop when the clock reaches this.
    pub time: Time,
    /// Stop, instead of jumping on, whenever all CPUs are halted.
    pub report_idle: bool,
    /// A guest that makes no progress for this long hangs.
    pub hang_after: Time,
    /// Somebody may still type: a guest that would notice does not hang.
    pub attended: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            instructions: u64::MAX,
            time: Time::NEVER,
            report_idle: false,
            hang_after: Time::secs(10),
            attended: false,
        }
    }
}

/// Why a guest is held to hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hang {
    /// All CPUs are halted, no timer or device will wake them, and no input can come.
    AllHalted,
    /// A CPU has kept interrupts off for too long.
    InterruptsOff {
        /// Which.
        cpu: usize,
    },
    /// No user instruction, no disk completion and no output for too long while something is runnable.
    NoProgress,
    /// The guest waits for input, and none can come any more.
    NoInput,
    /// A CPU takes one trap after another without completing an instruction.
    TrapLoop {
        /// Which.
        cpu: usize,
    },
}

impl fmt::Display for Hang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllHalted => write!(f, "all CPUs are halted and nothing can wake them"),
            Self::InterruptsOff { cpu } => write!(f, "CPU {cpu} keeps interrupts off"),
            Self::NoProgress => write!(f, "no user instruction and no disk request completes"),
            Self::NoInput => write!(f, "it waits for input, and there is no more"),
            Self::TrapLoop { cpu } => {
                write!(f, "CPU {cpu} takes traps without completing an instruction")
            }
        }
    }
}

/// Why a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The guest wrote this word to the debug-exit port.
    Exit(u32),
    /// A test program says that one of its tests failed.
    TestFailed {
        /// Its number, or the program's status.
        test: i64,
    },
    /// The guest switched the power off.
    PowerOff,
    /// The guest asked for a reset.
    Reset,
    /// The power was cut, as the run's chooser had it.
    PowerCut,
    /// A CPU shut down after a triple fault.
    TripleFault {
        /// Which.
        cpu: usize,
    },
    /// The emulator lacks something.
    Gap {
        /// On which CPU.
        cpu: usize,
        /// What.
        gap: Gap,
    },
    /// The guest hangs.
    Hang(Hang),
    /// [`Limits::instructions`] is reached.
    Budget,
    /// [`Limits::time`] is reached.
    TimeUp,
    /// All CPUs are halted; at this time, if any, something will wake one.
    Idle {
        /// The next deadline.
        next: Option<Time>,
    },
    /// The guest waits for input on a port; call [`Machine::supply`](crate::Machine::supply).
    Input {
        /// Which port.
        port: u32,
        /// How many bytes it takes at most.
        capacity: usize,
    },
}
