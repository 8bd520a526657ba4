//! The x86-64 port of Silica: a sub-tree of files that another port mirrors name by name.
//!
//! Reading order: `boot` (first instruction to `main`), `paging`, `percpu`, `trap`, `syscall_entry`,
//! `context`, `smp`.

pub mod apic;
pub mod backtrace;
pub mod boot;
pub mod console;
pub mod context;
pub mod cpu;
pub mod fpu;
pub mod frame;
pub mod gdt;
pub mod irq;
pub mod layout;
pub mod mmio;
pub mod paging;
pub mod percpu;
pub mod pit;
pub mod port;
pub mod power;
mod probe;
pub mod rtc;
pub mod sigframe;
pub mod smp;
pub mod syscall_entry;
pub mod timer;
pub mod topology;
pub mod trap;
pub mod usercopy;

/// Name the kernel reports as the machine in `uname(2)`.
pub const MACHINE: &str = "x86_64";

/// `e_machine` of programs it runs.
pub const ELF_MACHINE: u16 = kcore::elf::EM_X86_64;
