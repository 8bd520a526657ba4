//! What the run loop needs of a board, whatever its ISA.

use crate::clock::Clock;
use crate::outcome::Outcome;
use crate::watch::{UnknownRegister, Watch};
use base::{Chooser, Observer, Ram, State, Struck, Time};

/// What a CPU is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuActivity {
    /// It has instructions to execute.
    Running,
    /// It waits for an interrupt.
    Halted,
    /// It waits to be started.
    Off,
}

/// What a step of one CPU did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Instructions retired.
    pub retired: u64,
    /// Set if the machine cannot go on as it is.
    pub outcome: Option<Outcome>,
}

/// How the guest uses its console: counts of the host's, no machine state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsoleUse {
    /// Bytes written, on whatever way.
    pub written: u64,
    /// How often the guest has looked for a character and found none.
    pub looks: u64,
}

/// A board: CPUs, RAM and chips, wired up.
pub trait Board: State {
    /// What goes with a board's state and is none of it: figures, output that the host has not taken.
    type Aside: Clone + Send + Sync;

    /// What goes with the state.
    fn aside(&self) -> Self::Aside;

    /// Goes on from there; the board has just been given the state that `aside` went with.
    fn set_aside(&mut self, aside: &Self::Aside);

    /// Number of CPUs.
    fn cpus(&self) -> usize;

    /// Guest memory.
    fn ram(&mut self) -> &mut Ram;

    /// What CPU number `cpu` is up to.
    fn activity(&self, cpu: usize) -> CpuActivity;

    /// Whether CPU number `cpu` would take an interrupt now.
    fn interrupts_on(&self, cpu: usize) -> bool;

    /// Instructions retired outside the kernel's privilege, by all CPUs.
    fn user_retired(&self) -> u64;

    /// Disk requests completed.
    fn disk_completions(&self) -> u64;

    /// How the guest uses its console.
    fn console_use(&self) -> ConsoleUse;

    /// Whether a character that is typed in interrupts.
    fn listens(&self) -> bool;

    /// When [`Board::advance`] must next be called.
    fn deadline(&self) -> Time;

    /// Brings all chips to `now`; CPUs that an interrupt wakes become running. `cpu` is the one whose turn it is.
    fn advance<O: Observer>(&mut self, cpu: usize, now: Time, observer: &mut O);

    /// Runs CPU number `cpu`, whose instructions are timed by `clock`, for at most `budget` instructions (at least 1).
    fn step<O: Observer>(
        &mut self,
        cpu: usize,
        clock: &Clock,
        budget: u64,
        observer: &mut O,
    ) -> Step;

    /// Watches these places in the guest's code from now on, and no others; with `instructions`, each instruction is
    /// an event, too. The run itself is the same.
    ///
    /// # Errors
    /// A watch names a register that this ISA has not.
    fn watch(&mut self, watches: &[Watch], instructions: bool) -> Result<(), UnknownRegister>;

    /// Asks `chooser` about everything that is new since the last call: requests, rising interrupt lines, timers that
    /// went off, injection points passed. `cpu` is the one whose turn it is.
    fn vary<O: Observer>(
        &mut self,
        cpu: usize,
        now: Time,
        chooser: &mut dyn Chooser,
        observer: &mut O,
    );

    /// Takes note of the injection points at which `chooser` must be asked before the next instruction. To be called
    /// when a run begins.
    fn await_points(&mut self, chooser: &dyn Chooser);

    /// Makes go wrong what no CPU and no chip has a part in: a bit of memory turns over, the power goes.
    fn strike<O: Observer>(&mut self, cpu: usize, now: Time, struck: Struck, observer: &mut O);

    /// Why the machine must stop, if it is not a CPU that stops it.
    fn ended(&self) -> Option<Outcome>;

    /// Receives characters on the console, as many as there is room for.
    fn type_in(&mut self, bytes: &[u8], now: Time);

    /// Gives the input that [`Board::wanted_input`] asks for; none means the end.
    fn supply(&mut self, port: u32, bytes: &[u8], now: Time);

    /// The port and number of bytes of input that the guest waits for, time standing still until it is supplied.
    fn wanted_input(&self) -> Option<(u32, usize)>;
}
