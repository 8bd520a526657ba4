//! The RISC-V port of Silica: RV64GC with Sv39, for boards like QEMU's `virt`; the same files as the other port, but for
//! what only one of the two has.
//!
//! Reading order: `machine` (M-mode, where there is no firmware), `boot` (first instruction of S-mode to `main`),
//! `paging`, `percpu`, `trap`, `context`, `smp`.

pub mod backtrace;
pub mod boot;
pub mod console;
pub mod context;
pub mod cpu;
pub mod fpu;
pub mod frame;
pub mod irq;
pub mod layout;
mod machine;
pub mod mmio;
pub mod paging;
pub mod percpu;
mod plic;
pub mod power;
mod probe;
pub mod rtc;
mod sbi;
pub mod sigframe;
pub mod smp;
pub mod syscall_entry;
pub mod timer;
pub mod topology;
pub mod trap;
pub mod usercopy;

/// Name the kernel reports as the machine in `uname(2)`.
pub const MACHINE: &str = "riscv64";

/// `e_machine` of programs it runs.
pub const ELF_MACHINE: u16 = kcore::elf::EM_RISCV;
