//! What the hart's page tables are made of: three levels, Sv39 (Privileged spec 4.4).
//!
//! ```text
//!  63     54  53:10        9:8  7  6  5  4  3  2  1  0
//!  reserved   page number  RSW  D  A  G  U  X  W  R  V
//! ```
//!
//! An entry without R, W and X leads to the next table. A and D are set from the start, because some harts fault instead
//! of setting them. Bit 8 is ours (`HELD`): a page that the program may not touch at all. The entry is not valid, so
//! neither the program nor the kernel on its behalf gets through, but it keeps its frame for a later mprotect.
//! The trees themselves are built by `mm::page_table`.

use core::arch::asm;

use super::{console, cpu, power};
use crate::mm::address::PhysAddr;
use crate::mm::protection::{KernelUse, Protection};

const VALID: u64 = 1 << 0;
const READABLE: u64 = 1 << 1;
const WRITABLE: u64 = 1 << 2;
const EXECUTABLE: u64 = 1 << 3;
const USER: u64 = 1 << 4;
const GLOBAL: u64 = 1 << 5;
const ACCESSED: u64 = 1 << 6;
const DIRTY: u64 = 1 << 7;
const HELD: u64 = 1 << 8;
/// What every entry has that shows memory. What may be written or executed may be read, as on other ports.
const SHOWN: u64 = VALID | READABLE | ACCESSED | DIRTY;
/// `satp.MODE`: Sv39.
const SV39: u64 = 8 << 60;

/// The level of the top-level table; the last is level 0.
pub const TOP: usize = 2;

/// An entry of a table.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Entry(u64);

impl Entry {
    /// It leads nowhere.
    pub const EMPTY: Self = Self(0);

    /// An entry that leads to `at`.
    fn to(at: PhysAddr, flags: u64) -> Self {
        Self(at.get() >> 12 << 10 | flags)
    }

    /// It leads to a table; whether there are pages of a program's below says only the last entry.
    pub fn table(at: PhysAddr, _user: bool) -> Self {
        Self::to(at, VALID)
    }

    /// It leads to a page of a program's.
    pub fn page(at: PhysAddr, protection: Protection) -> Self {
        if protection == Protection::NONE {
            return Self::to(at, HELD);
        }
        let write = if protection.write { WRITABLE } else { 0 };
        let execute = if protection.execute { EXECUTABLE } else { 0 };
        Self::to(at, SHOWN | USER | write | execute)
    }

    /// It leads to a page of the kernel's.
    pub fn kernel(at: PhysAddr, how: KernelUse) -> Self {
        let rights = match how {
            KernelUse::Code => GLOBAL | EXECUTABLE,
            KernelUse::Constants => GLOBAL,
            // That a device is not cached is the hardware's own knowledge.
            KernelUse::Data | KernelUse::Device => GLOBAL | WRITABLE,
            // Not global: a hart may remember that nothing was there (Privileged spec 4.2.1), and forgets it as it goes
            // over to the process whose stack this is.
            KernelUse::Late => WRITABLE,
        };
        Self::to(at, SHOWN | rights)
    }

    /// It leads to 2 MiB of memory for the kernel to write, one level above the last.
    pub fn large(at: PhysAddr) -> Self {
        Self::to(at, SHOWN | GLOBAL | WRITABLE)
    }

    /// Whether the hardware follows it.
    pub fn is_present(self) -> bool {
        self.0 & VALID != 0
    }

    /// Whether it is the last on its way, though there are levels below.
    pub fn is_large(self) -> bool {
        self.0 & (READABLE | WRITABLE | EXECUTABLE) != 0
    }

    /// Whether it has a frame or a table.
    pub fn is_in_use(self) -> bool {
        self.0 & (VALID | HELD) != 0
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
        PhysAddr::new((self.0 << 10) >> 20 << 12)
    }

    /// All of it; 0 if it is empty.
    pub fn bits(self) -> u64 {
        self.0
    }
}

/// Devices that the kernel must reach whatever happens: those of the log and of the end of the machine.
pub fn early_devices() -> impl Iterator<Item = PhysAddr> {
    [console::registers(), power::registers()]
        .into_iter()
        .flatten()
}

/// What `satp` is with the table at `root`.
pub(super) fn satp(root: PhysAddr) -> u64 {
    SV39 | root.get() >> 12
}

/// Has the hart translate with the table at `root`, which must have the kernel half. That flushes every entry that is
/// not global, and what was fetched: somebody may have written code there on another hart.
pub fn load(root: PhysAddr) {
    // SAFETY: every table has the kernel half, so the next instruction is still there.
    unsafe { asm!("csrw satp, {}", in(reg) satp(root), options(nostack)) };
    flush_all();
    cpu::sync_instructions();
}

/// Forgets this hart's translation of one page.
pub fn flush_page(address: usize) {
    // SAFETY: flushing is always sound.
    unsafe { asm!("sfence.vma {}, zero", in(reg) address, options(nostack, preserves_flags)) };
}

/// Forgets this hart's translations, but for global ones. All programs have address-space number 0.
pub fn flush_all() {
    // SAFETY: as above.
    unsafe { asm!("sfence.vma zero, {}", in(reg) 0usize, options(nostack, preserves_flags)) };
}
