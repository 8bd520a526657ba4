//! The RISC-V front end: RV64GC with Zba, Zbb, Zbs, Zicond, Zicboz, Sstc and Svadu; modes M, S and U.
//!
//! [`state`] is a hart, [`cpu`] a hart at work (what the engine drives). [`lift`] turns instructions into micro-ops;
//! what a micro-op cannot say is a [`call`], answered by `integer`, `atomic`, `system` and `float`. [`paging`] walks page
//! tables, [`mappings`] lists what they map, [`pmp`] guards physical memory, [`deliver`] enters handlers, [`csr`] holds the control and status registers.

pub mod atomic;
pub mod call;
pub mod cpu;
pub mod csr;
pub mod deliver;
pub mod float;
pub mod integer;
pub mod lift;
pub mod mappings;
pub mod mode;
pub mod names;
pub mod paging;
pub mod pmp;
pub mod reg;
pub mod state;
pub mod system;
#[cfg(test)]
pub(crate) mod testing;
pub mod trap;

pub use cpu::Cpu;
pub use state::{Activity, Hart, Privilege};
pub use trap::Trap;
