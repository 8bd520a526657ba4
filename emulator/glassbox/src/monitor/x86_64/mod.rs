//! What the monitor shows of an x86-64 machine.

pub mod code;
pub mod interrupts;
pub mod paging;
pub mod registers;
