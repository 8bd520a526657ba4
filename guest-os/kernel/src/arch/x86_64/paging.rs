//! What the CPU's page tables are made of: four levels (SDM vol. 3, 4.5).
//!
//! ```text
//!  63  62:52  51:12             11:9   8  7   6  5  4    3    2  1  0
//!  NX  -      frame             -      G  PS  D  A  PCD  PWT  U  W  P
//! ```
//!
//! Bit 9 is ours (`HELD`): a page that the program may not touch at all. The entry is not present, so neither
//! the program nor the kernel on its behalf gets through, but it keeps its frame for a later mprotect.
//! The trees themselves are built by `mm::page_table`.

use core::arch::asm;

use super::cpu;
use crate::mm::address::PhysAddr;
use crate::mm::protection::{KernelUse, Protection};

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const WRITE_THROUGH: u64 = 1 << 3;
const CACHE_DISABLE: u64 = 1 << 4;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
const HELD: u64 = 1 << 9;
const NO_EXECUTE: u64 = 1 << 63;
const FRAME: u64 = 0x000f_ffff_ffff_f000;

/// The level of the top-level table; the last is level 0.
pub const TOP: usize = 3;

fn nx() -> u64 {
    if cpu::has_nx() { NO_EXECUTE } else { 0 }
}

/// An entry of a table.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Entry(u64);

impl Entry {
    /// It leads nowhere.
    pub const EMPTY: Self = Self(0);

    /// It leads to a table; `user`: below which there are pages of a program's.
    pub fn table(at: PhysAddr, user: bool) -> Self {
        Self(at.get() | PRESENT | WRITABLE | if user { USER } else { 0 })
    }

    /// It leads to a page of a program's.
    pub fn page(at: PhysAddr, protection: Protection) -> Self {
        if protection == Protection::NONE {
            return Self(at.get() | HELD);
        }
        let write = if protection.write { WRITABLE } else { 0 };
        let execute = if protection.execute { 0 } else { nx() };
        Self(at.get() | PRESENT | USER | write | execute)
    }

    /// It leads to a page of the kernel's.
    pub fn kernel(at: PhysAddr, how: KernelUse) -> Self {
        let rights = match how {
            KernelUse::Code => 0,
            KernelUse::Constants => nx(),
            KernelUse::Data | KernelUse::Late => WRITABLE | nx(),
            KernelUse::Device => WRITABLE | nx() | CACHE_DISABLE | WRITE_THROUGH,
        };
        Self(at.get() | PRESENT | GLOBAL | rights)
    }

    /// It leads to 2 MiB of memory for the kernel to write, one level above the last.
    pub fn large(at: PhysAddr) -> Self {
        Self(at.get() | PRESENT | WRITABLE | LARGE | GLOBAL | nx())
    }

    /// Whether the hardware follows it.
    pub fn is_present(self) -> bool {
        self.0 & PRESENT != 0
    }

    /// Whether it is the last on its way, though there are levels below.
    pub fn is_large(self) -> bool {
        self.0 & LARGE != 0
    }

    /// Whether it has a frame or a table.
    pub fn is_in_use(self) -> bool {
        self.0 & (PRESENT | HELD) != 0
    }

    /// Whether the page may be written.
    pub fn is_writable(self) -> bool {
        self.0 & WRITABLE != 0
    }

    /// The same without the right to write.
    pub fn read_only(self) -> Self {
        Self(self.0 & !WRITABLE)
    }

    /// Where it leads.
    pub fn target(self) -> PhysAddr {
        PhysAddr::new(self.0 & FRAME)
    }

    /// All of it; 0 if it is empty.
    pub fn bits(self) -> u64 {
        self.0
    }
}

/// Devices that the kernel must reach before it maps any: none, the console is behind ports.
pub fn early_devices() -> [PhysAddr; 0] {
    []
}

/// Has the CPU translate with the table at `root`, which must have the kernel half. That flushes every entry that is
/// not global.
pub fn load(root: PhysAddr) {
    // SAFETY: every table has the kernel half, so the next instruction is still there.
    unsafe { asm!("mov cr3, {}", in(reg) root.get(), options(nostack)) };
}

/// Forgets this CPU's translation of one page.
pub fn flush_page(address: usize) {
    // SAFETY: flushing is always sound.
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) };
}

/// Forgets this CPU's translations, but for global ones.
pub fn flush_all() {
    // SAFETY: reloads the value that is there.
    unsafe { asm!("mov {0}, cr3", "mov cr3, {0}", out(reg) _, options(nostack, preserves_flags)) };
}
