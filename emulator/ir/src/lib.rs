//! The one intermediate representation: small typed micro-ops that every ISA front end lifts to and every engine runs.
//!
//! [`op`] lists the micro-ops, [`flags`] gives condition flags their lazy form, [`block`] is a lifted block,
//! [`builder`] makes one, [`condition`] fuses its conditions, [`optimize`] removes what is dead in it,
//! [`mod@print`] shows it, and [`guest`] is what an engine needs of a CPU. Nothing here knows an ISA or an engine. Neighbours: `base` below; `cpu`, `engine` above.

pub mod block;
pub mod builder;
pub mod condition;
pub mod flags;
pub mod guest;
pub mod op;
pub mod optimize;
pub mod print;
pub mod reg;

pub use block::{Block, Insn};
pub use builder::Builder;
pub use flags::{Cond, FlagKind};
pub use guest::{Flow, Guest, Place};
pub use op::{Form, Op, Opcode};
pub use reg::{Reg, Regs};
