//! CPUs: one front end per ISA (lift to IR, registers, traps, paging), and the memory path and floating-point
//! arithmetic that they share.
//!
//! The two ISAs never meet. Devices are not known here: they are reached through `base::Bus`, and an interrupt arrives
//! as a level that the run loop reads from the interrupt controller.

pub mod float;
pub mod mmu;
pub mod x86_64;
