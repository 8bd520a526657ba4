//! Page tables of three levels: Sv39 (Privileged spec 4.4).
//!
//! ```text
//!  63     54  53:10        9:8  7  6  5  4  3  2  1  0
//!  reserved   page number  RSW  D  A  G  U  X  W  R  V
//! ```
//!
//! An entry without R, W and X leads to the next table. A and D are set from the start, because some harts fault instead
//! of setting them. Bit 8 is ours (`HELD`): a page that the program may not touch at all. The entry is not valid, so
//! neither the program nor the kernel on its behalf gets through, but it keeps its frame for a later mprotect.
//!
//! `PageTable` is the table of one address space: it owns the tables of the user half, and one reference
//! to every frame mapped there. The kernel half is shared: its top-level entries are made once, by
//! `init_kernel`, and copied into each new table, so later changes below them are seen everywhere.
//! Changing a mapping does not flush TLBs by itself: callers batch that (`smp::flush`). Nor does it make what was written
//! to a page executable: that is done here, when a page is mapped for it and when a hart goes to another table.

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use abi::Errno;

use super::cpu;
use crate::mm::address::{PAGE_SIZE, PhysAddr};
use crate::mm::frame::Frame;
use crate::mm::layout::{KERNEL_BASE, KSTACK_BASE, PHYSMAP_BASE, phys_to_virt};
use crate::mm::protection::Protection;

const VALID: u64 = 1 << 0;
const READABLE: u64 = 1 << 1;
const WRITABLE: u64 = 1 << 2;
const EXECUTABLE: u64 = 1 << 3;
const USER: u64 = 1 << 4;
const GLOBAL: u64 = 1 << 5;
const ACCESSED: u64 = 1 << 6;
const DIRTY: u64 = 1 << 7;
const HELD: u64 = 1 << 8;
/// An entry with one of them is the last.
const LEAF: u64 = READABLE | WRITABLE | EXECUTABLE;
/// A last-level entry with either has a frame.
const IN_USE: u64 = VALID | HELD;
/// What every entry of the kernel's has that shows memory.
const KERNEL: u64 = VALID | READABLE | ACCESSED | DIRTY | GLOBAL;
/// `satp.MODE`: Sv39.
const SV39: u64 = 8 << 60;

const ENTRIES: usize = 512;
/// The level of the top-level table.
const TOP: usize = 2;
const LARGE_PAGE: u64 = 2 << 20;
/// First top-level entry of the kernel half.
const KERNEL_HALF: usize = ENTRIES / 2;

/// Physical address of the kernel's own top-level table, which idle CPUs use.
static KERNEL_ROOT: AtomicU64 = AtomicU64::new(0);

/// The address part of an entry that leads to `at`.
fn number(at: u64) -> u64 {
    at >> 12 << 10
}

/// Where an entry leads to.
fn target(value: u64) -> u64 {
    (value << 10) >> 20 << 12
}

/// Index into the table of `level` (2 is the top).
fn index(address: usize, level: usize) -> usize {
    address >> (12 + 9 * level) & (ENTRIES - 1)
}

/// The entry at `index` of the table at physical address `table`.
fn entry(table: u64, index: usize) -> *mut u64 {
    // SAFETY: stays within the table's page.
    unsafe { phys_to_virt(PhysAddr::new(table)).cast::<u64>().add(index) }
}

/// Finds the last-level entry for `address`, making tables on the way if `create` asks for it.
fn walk(root: u64, address: usize, create: bool) -> Result<Option<*mut u64>, Errno> {
    let mut table = root;
    for level in (1..=TOP).rev() {
        let slot = entry(table, index(address, level));
        // SAFETY: `slot` is an entry of a live table; whoever changes tables holds their owner's lock.
        let mut value = unsafe { slot.read() };
        if value & VALID == 0 {
            if !create {
                return Ok(None);
            }
            value = number(Frame::zeroed()?.into_raw().get()) | VALID;
            // SAFETY: as above.
            unsafe { slot.write(value) };
        }
        if value & LEAF != 0 {
            return Err(Errno::EINVAL); // only the physical map has large pages: this is memory
        }
        table = target(value);
    }
    Ok(Some(entry(table, index(address, 0))))
}

/// What is mapped at a user address.
#[derive(Clone, Copy)]
pub struct Mapping {
    /// The frame.
    pub frame: PhysAddr,
    /// Whether it may be written.
    pub writable: bool,
}

/// The page table of one address space.
pub struct PageTable {
    root: u64,
}

impl PageTable {
    /// A table whose user half is empty.
    pub fn new() -> Result<Self, Errno> {
        let root = Frame::zeroed()?.into_raw().get();
        for i in KERNEL_HALF..ENTRIES {
            // SAFETY: both are live top-level tables; the kernel's does not change any more.
            unsafe { entry(root, i).write(entry(KERNEL_ROOT.load(Relaxed), i).read()) };
        }
        Ok(PageTable { root })
    }

    fn flags(protection: Protection) -> u64 {
        if protection == Protection::NONE {
            return HELD;
        }
        // What may be written or executed may be read, as on other ports.
        VALID
            | READABLE
            | USER
            | ACCESSED
            | DIRTY
            | if protection.write { WRITABLE } else { 0 }
            | if protection.execute { EXECUTABLE } else { 0 }
    }

    /// Maps `frame` at the page of `address`; gives back what was mapped there.
    pub fn map(
        &mut self,
        address: usize,
        frame: Frame,
        protection: Protection,
    ) -> Result<Option<Frame>, Errno> {
        let Some(slot) = walk(self.root, address, true)? else {
            return Err(Errno::ENOMEM);
        };
        let value = number(frame.into_raw().get()) | Self::flags(protection);
        if protection.execute {
            cpu::sync_instructions();
        }
        // SAFETY: the entry is ours. The old value's reference passes to the caller, the new one's to the table.
        Ok(unsafe { Self::take(slot.replace(value)) })
    }

    /// # Safety
    /// The entry must have been removed from the table, so that its reference passes to the result.
    unsafe fn take(value: u64) -> Option<Frame> {
        // SAFETY: promised by the caller.
        (value & IN_USE != 0).then(|| unsafe { Frame::from_raw(PhysAddr::new(target(value))) })
    }

    /// What is mapped at the page of `address`.
    pub fn get(&self, address: usize) -> Option<Mapping> {
        let slot = walk(self.root, address, false).ok()??;
        // SAFETY: a live entry.
        let value = unsafe { slot.read() };
        (value & IN_USE != 0).then_some(Mapping {
            frame: PhysAddr::new(target(value)),
            writable: value & WRITABLE != 0,
        })
    }

    /// Changes the rights of the page of `address`, if it is mapped.
    pub fn protect(&mut self, address: usize, protection: Protection) {
        if let Ok(Some(slot)) = walk(self.root, address, false) {
            // SAFETY: a live entry of ours.
            unsafe {
                let value = slot.read();
                if value & IN_USE != 0 {
                    slot.write(number(target(value)) | Self::flags(protection));
                }
            }
            if protection.execute {
                cpu::sync_instructions();
            }
        }
    }

    /// Calls `f` for the part of `start..end` in each last-level table there is: with the address of its first
    /// page, the first entry, and their number.
    fn for_each_table(
        &self,
        start: usize,
        end: usize,
        mut f: impl FnMut(usize, *mut u64, usize) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let mut address = start;
        while address < end {
            let mut table = self.root;
            let mut level = TOP;
            let span = loop {
                // SAFETY: a live entry.
                let value = unsafe { entry(table, index(address, level)).read() };
                if value & VALID == 0 {
                    break PAGE_SIZE << (9 * level);
                }
                table = target(value);
                level -= 1;
                if level == 0 {
                    let first = index(address, 0);
                    let pages = (ENTRIES - first).min((end - address) / PAGE_SIZE);
                    f(address, entry(table, first), pages)?;
                    break PAGE_SIZE << 9;
                }
            };
            address = (address & !(span - 1)) + span;
        }
        Ok(())
    }

    /// Shares every mapped page of `start..end` with `child`, read-only on both sides: the first half of
    /// copy-on-write (`mm::fault` has the second).
    pub fn share_with(
        &mut self,
        child: &mut PageTable,
        start: usize,
        end: usize,
    ) -> Result<(), Errno> {
        self.for_each_table(start, end, |address, ours, pages| {
            let theirs = walk(child.root, address, true)?;
            let Some(theirs) = theirs else { return Ok(()) };
            for page in 0..pages {
                // SAFETY: live entries of two last-level tables; the child's gets a reference of its own.
                unsafe {
                    let slot = ours.add(page);
                    let value = slot.read();
                    if value & IN_USE == 0 {
                        continue;
                    }
                    Frame::add_reference(PhysAddr::new(target(value)));
                    theirs.add(page).write(value & !WRITABLE);
                    slot.write(value & !WRITABLE);
                }
            }
            Ok(())
        })
    }

    /// Unmaps everything in `start..end` and passes the frames to `release`.
    pub fn unmap_range(&mut self, start: usize, end: usize, mut release: impl FnMut(Frame)) {
        let unmapped = self.for_each_table(start, end, |_, slots, pages| {
            for page in 0..pages {
                // SAFETY: live entries, whose references pass to `release`.
                unsafe { Self::take(slots.add(page).replace(0)) }.map(&mut release);
            }
            Ok(())
        });
        debug_assert!(unmapped.is_ok(), "nothing above can fail");
    }

    /// How many pages are mapped in `start..end`.
    pub fn count(&self, start: usize, end: usize) -> usize {
        let mut count = 0;
        let counted = self.for_each_table(start, end, |_, slots, pages| {
            // SAFETY: live entries.
            count += (0..pages)
                .filter(|&page| unsafe { slots.add(page).read() } & IN_USE != 0)
                .count();
            Ok(())
        });
        debug_assert!(counted.is_ok(), "nothing above can fail");
        count
    }

    /// What to give to `activate`.
    pub fn root(&self) -> Root {
        Root(self.root)
    }

    /// Frees the tables of `level` and below, and what they map.
    fn free(table: u64, level: usize, entries: usize) {
        // SAFETY: the table is live and nobody uses it any more.
        let slots = unsafe { core::slice::from_raw_parts(entry(table, 0), entries) };
        // Most entries are empty: they are looked at eight at a time.
        let (groups, _) = slots.as_chunks::<8>();
        let groups = groups
            .iter()
            .filter(|[a, b, c, d, e, f, g, h]| a | b | c | d | e | f | g | h != 0);
        for value in groups.flatten().filter(|value| *value & IN_USE != 0) {
            if level > 0 {
                Self::free(target(*value), level - 1, ENTRIES);
            } else {
                // SAFETY: the entry's reference, which nobody will use again.
                drop(unsafe { Frame::from_raw(PhysAddr::new(target(*value))) });
            }
        }
        // SAFETY: the table itself was made from a frame by `into_raw`.
        drop(unsafe { Frame::from_raw(PhysAddr::new(table)) });
    }
}

impl Drop for PageTable {
    fn drop(&mut self) {
        Self::free(self.root, TOP, KERNEL_HALF);
    }
}

/// A top-level table, to be loaded while its `PageTable` lives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Root(u64);

/// Makes `root` the table this CPU translates with. That flushes every entry that is not global. The
/// scheduler sees to it that the address space outlives its use.
pub fn activate(root: Root) {
    load(root.0);
    // Somebody may have written code there on another hart.
    cpu::sync_instructions();
}

fn satp(root: u64) -> u64 {
    SV39 | root >> 12
}

fn load(root: u64) {
    // SAFETY: every table has the kernel half, so the next instruction is still there.
    unsafe { asm!("csrw satp, {}", in(reg) satp(root), options(nostack)) };
    flush_all();
}

/// What `satp` is with the kernel's own table, for a hart that starts.
pub(super) fn kernel_satp() -> u64 {
    satp(KERNEL_ROOT.load(Relaxed))
}

/// Makes the CPU translate with the kernel's own table, which has nothing in the user half.
pub fn activate_kernel() {
    load(KERNEL_ROOT.load(Relaxed));
}

/// Forgets this CPU's translation of one page.
pub fn flush_page(address: usize) {
    // SAFETY: flushing is always sound.
    unsafe { asm!("sfence.vma {}, zero", in(reg) address, options(nostack, preserves_flags)) };
}

/// Forgets this CPU's translations, but for global ones. All programs have address-space number 0.
pub fn flush_all() {
    // SAFETY: as above.
    unsafe { asm!("sfence.vma zero, {}", in(reg) 0usize, options(nostack, preserves_flags)) };
}

unsafe extern "C" {
    static __text_start: u8;
    static __rodata_start: u8;
    static __data_start: u8;
    static __image_end: u8;
}

/// First byte of memory that the kernel image does not occupy.
pub fn image_end() -> PhysAddr {
    PhysAddr::new((&raw const __image_end as usize - KERNEL_BASE) as u64)
}

/// Builds the kernel's page table: a physical map of `ram` (starts and ends), rounded outward to 2 MiB, and the
/// image with the rights of its parts. Tables come from `alloc`, one zeroed frame at a time.
pub fn init_kernel(ram: &[(u64, u64)], mut alloc: impl FnMut() -> PhysAddr) {
    let root = alloc().get();
    KERNEL_ROOT.store(root, Relaxed);
    for &(start, end) in ram {
        let mut at = start & !(LARGE_PAGE - 1);
        while at < end {
            let virt = PHYSMAP_BASE + at as usize;
            let table = table_of(root, index(virt, TOP), &mut alloc);
            // SAFETY: an entry of a table made above.
            unsafe {
                entry(table, index(virt, 1)).write(number(at) | KERNEL | WRITABLE);
            }
            at += LARGE_PAGE;
        }
    }
    let text = &raw const __text_start as usize;
    let rodata = &raw const __rodata_start as usize;
    let data = &raw const __data_start as usize;
    let end = &raw const __image_end as usize;
    for virt in (text..end).step_by(PAGE_SIZE) {
        let rights = if virt < rodata {
            EXECUTABLE
        } else if virt < data {
            0
        } else {
            WRITABLE
        };
        map_early(root, virt, (virt - KERNEL_BASE) as u64, rights, &mut alloc);
    }
    // The log and the end of the machine must work whatever happens.
    let always = [super::console::registers(), super::power::registers()];
    for at in always.into_iter().flatten() {
        let virt = phys_to_virt(at) as usize;
        map_early(root, virt, at.get() & !0xfff, WRITABLE, &mut alloc);
    }
    // The regions that grow later need their top-level entry now, before it is copied.
    table_of(root, index(KSTACK_BASE, TOP), &mut alloc);
    load(root);
}

/// Shows one page of physical memory at `virt` in the table that is being built.
fn map_early(root: u64, virt: usize, at: u64, rights: u64, alloc: &mut impl FnMut() -> PhysAddr) {
    let mut table = root;
    for level in (1..=TOP).rev() {
        table = table_of(table, index(virt, level), alloc);
    }
    // SAFETY: an entry of a table of the boot CPU's making.
    unsafe { entry(table, index(virt, 0)).write(number(at) | KERNEL | rights) };
}

fn table_of(table: u64, index: usize, alloc: &mut impl FnMut() -> PhysAddr) -> u64 {
    let slot = entry(table, index);
    // SAFETY: an entry of a table of the boot CPU's making.
    unsafe {
        if slot.read() & VALID == 0 {
            slot.write(number(alloc().get()) | VALID);
        }
        target(slot.read())
    }
}

/// Maps a page into the kernel half for good, or for a kernel stack. The caller serialises.
pub fn map_kernel_page(address: usize, frame: PhysAddr) -> Result<(), Errno> {
    let root = KERNEL_ROOT.load(Relaxed);
    if let Some(slot) = walk(root, address, true)? {
        // Not global: a hart may remember that nothing was there (Privileged spec 4.2.1), and forgets it as it goes over
        // to the process whose stack this is.
        let rights = KERNEL & !GLOBAL | WRITABLE;
        // SAFETY: the caller chose an address of a kernel region that is its own.
        unsafe { slot.write(number(frame.get()) | rights) };
    }
    flush_page(address);
    Ok(())
}

/// Shows device registers at their place in the physical map; that they are not cached is the hardware's own knowledge.
/// The caller serialises, and the range must not be RAM.
pub fn map_device_page(at: PhysAddr) -> Result<(), Errno> {
    let virt = phys_to_virt(at) as usize;
    if let Some(slot) = walk(KERNEL_ROOT.load(Relaxed), virt, true)? {
        // SAFETY: nothing but the device lies there.
        unsafe { slot.write(number(at.get()) | KERNEL | WRITABLE) };
    }
    flush_page(virt);
    Ok(())
}

/// Whether the kernel's table shows nothing at `address`, which must not be in the physical map.
pub fn is_unmapped(address: usize) -> bool {
    let root = KERNEL_ROOT.load(Relaxed);
    if root == 0 {
        return true;
    }
    let slot = walk(root, address, false);
    // SAFETY: a live entry.
    !matches!(slot, Ok(Some(slot)) if unsafe { slot.read() } & VALID != 0)
}
