//! What the monitor shows of a RISC-V machine.

pub mod code;
pub mod interrupts;
pub mod paging;
pub mod registers;
