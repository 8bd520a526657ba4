//! The x86-64 front end.
//!
//! [`state`] is a CPU, [`cpu`] a CPU at work (what the engine drives). [`lift`] turns instructions into micro-ops;
//! what a micro-op cannot say is a [`call`], answered by `integer`, `string`, `sse` and `system`. [`paging`] walks page
//! tables, [`deliver`] enters handlers, `segment`, `msr` and `cpuid` hold what their names say.

pub mod call;
pub mod cpu;
pub mod cpuid;
pub mod deliver;
pub mod fpu;
pub mod integer;
pub mod lift;
pub mod mappings;
pub mod mode;
pub mod msr;
pub mod names;
pub mod paging;
pub mod reg;
pub mod segment;
pub mod sse;
pub mod state;
pub mod string;
pub mod system;
#[cfg(test)]
pub(crate) mod testing;
pub mod trap;

pub use cpu::Cpu;
pub use state::{Activity, Hart};
pub use trap::{Exception, Trap};
