//! CPUs: one front end per ISA (lift to IR, registers, traps, paging), and what they share: a CPU at work ([`guest`],
//! which asks an ISA through [`hart`]), the TLB, probes, and floating-point arithmetic.
//!
//! The two ISAs never meet. Devices are not known here: they are reached through `base::Bus`, and an interrupt arrives
//! as a level that the run loop reads from the interrupt controller.

pub mod float;
pub mod guest;
pub mod hart;
pub mod memory;
pub mod mmu;
pub mod probes;
pub mod riscv64;
mod straddle;
pub mod x86_64;
