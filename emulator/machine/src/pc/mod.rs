//! The x86-64 board: a PC without legacy video, keyboard or PCI, compatible with QEMU's `microvm`.
//!
//! ```text
//! memory                                          ports
//! 0x0000_0000  RAM                                0x020 0x0a0  PIC pair
//! 0x0009_0000  boot information (loader::pvh)     0x040        PIT
//! 0x000e_0000  ACPI tables                        0x061        PIT gate and output
//! 0x000f_0000  MP table                           0x070        RTC
//! 0xfeb0_0000  virtio-mmio, 512 bytes each        0x0e9        debug console
//! 0xfec0_0000  IOAPIC                             0x0f4        debug exit
//! 0xfee0_0000  local APIC, each CPU's own         0x3f8        COM1
//!                                                 0x510        fw_cfg
//!                                                 0x604        power-off
//! ```
//!
//! [`chips`] is everything but CPUs and RAM, and the CPUs' way to it; `start` builds a machine ready to run a kernel;
//! `step` has what is this CPU's own in its turn: interrupts, traps, single steps.

pub mod chips;
mod start;
mod step;

pub use cpu::mmu::tlb::Shape;
pub use cpu::x86_64;
pub use devices::virtio::block::{Change, Disk, Medium, MediumError, SECTOR, View};
pub use start::Config;

use crate::mainboard::Mainboard;

/// The board.
pub type Pc = Mainboard<chips::Chips>;
