//! The whole machine: a board with its CPUs and chips, the clock, and the loop that runs them.
//!
//! A library with no thread, file, environment variable or clock of the host. [`Machine`] runs a [`Board`]; [`pc`] is the
//! x86-64 board; [`loader`] puts a kernel into its memory; [`hash`] says in 128 bits what state everything is in, and
//! [`snapshot`] brings a machine back to a state it was in.

pub mod any;
pub mod arch;
pub mod aside;
pub mod board;
pub mod chipset;
pub mod clock;
pub mod config;
mod fault;
pub mod hang;
pub mod hash;
pub mod loader;
pub mod mainboard;
pub mod names;
pub mod outcome;
pub mod pc;
pub mod peripherals;
pub mod run;
pub mod snapshot;
#[cfg(test)]
mod testing;
pub mod virt;
pub mod watch;
mod wires;

pub use any::AnyBoard;
pub use arch::Arch;
pub use board::{Board, CpuActivity};
pub use clock::{Clock, NS_PER_INSTRUCTION};
pub use config::ConfigError;
pub use cpu::hart;
pub use cpu::mmu::tlb::Tlb;
pub use loader::LoadError;
pub use outcome::{Hang, Limits, Outcome};
pub use run::Machine;
pub use snapshot::{RestoreError, Snapshot};
pub use watch::{UnknownRegister, Watch};
