//! Page tables: the trees that the hardware walks, whatever its entries look like (`arch::paging` says).
//!
//! `PageTable` is the table of one address space: it owns the tables of the user half, and one reference
//! to every frame mapped there. The kernel half is shared: its top-level entries are made once, by
//! `init_kernel`, and copied into each new table, so later changes below them are seen everywhere.
//! Changing a mapping does not flush TLBs by itself: callers batch that (`smp::flush`).

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use abi::Errno;

use super::address::{PAGE_SIZE, PhysAddr};
use super::frame::Frame;
use super::layout::{KERNEL_BASE, KSTACK_BASE, PHYSMAP_BASE, phys_to_virt};
use super::protection::{KernelUse, Protection};
use crate::arch::cpu::sync_instructions;
use crate::arch::paging::{self, Entry, TOP, flush_page};

const ENTRIES: usize = 512;
const LARGE_PAGE: u64 = 2 << 20;
/// First top-level entry of the kernel half.
const KERNEL_HALF: usize = ENTRIES / 2;

/// Physical address of the kernel's own top-level table, which idle CPUs use.
static KERNEL_ROOT: AtomicU64 = AtomicU64::new(0);

/// Who sees what a table leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    User,
    Kernel,
}

/// Index into the table of `level` ([`TOP`] is the top).
fn index(address: usize, level: usize) -> usize {
    address >> (12 + 9 * level) & (ENTRIES - 1)
}

/// The entry at `index` of a table.
fn entry(table: PhysAddr, index: usize) -> *mut Entry {
    // SAFETY: stays within the table's page.
    unsafe { phys_to_virt(table).cast::<Entry>().add(index) }
}

/// Finds the last-level entry for `address`, making tables on the way if `create` says for whom.
fn walk(root: PhysAddr, address: usize, create: Option<Half>) -> Result<Option<*mut Entry>, Errno> {
    let mut table = root;
    for level in (1..=TOP).rev() {
        let slot = entry(table, index(address, level));
        // SAFETY: `slot` is an entry of a live table; whoever changes tables holds their owner's lock.
        let mut value = unsafe { slot.read() };
        if !value.is_present() {
            let Some(half) = create else { return Ok(None) };
            value = Entry::table(Frame::zeroed()?.into_raw(), half == Half::User);
            // SAFETY: as above.
            unsafe { slot.write(value) };
        }
        if value.is_large() {
            return Err(Errno::EINVAL); // only the physical map has large pages: this is memory
        }
        table = value.target();
    }
    Ok(Some(entry(table, index(address, 0))))
}

/// Where the kernel's own table is: what a CPU that starts begins with.
pub fn kernel_root() -> PhysAddr {
    PhysAddr::new(KERNEL_ROOT.load(Relaxed))
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
    root: PhysAddr,
}

impl PageTable {
    /// A table whose user half is empty.
    pub fn new() -> Result<Self, Errno> {
        let root = Frame::zeroed()?.into_raw();
        for i in KERNEL_HALF..ENTRIES {
            // SAFETY: both are live top-level tables; the kernel's does not change any more.
            unsafe { entry(root, i).write(entry(kernel_root(), i).read()) };
        }
        Ok(PageTable { root })
    }

    /// Maps `frame` at the page of `address`; gives back what was mapped there.
    pub fn map(
        &mut self,
        address: usize,
        frame: Frame,
        protection: Protection,
    ) -> Result<Option<Frame>, Errno> {
        let Some(slot) = walk(self.root, address, Some(Half::User))? else {
            return Err(Errno::ENOMEM);
        };
        let value = Entry::page(frame.into_raw(), protection);
        if protection.execute {
            sync_instructions();
        }
        // SAFETY: the entry is ours. The old value's reference passes to the caller, the new one's to the table.
        Ok(unsafe { Self::take(slot.replace(value)) })
    }

    /// # Safety
    /// The entry must have been removed from the table, so that its reference passes to the result.
    unsafe fn take(value: Entry) -> Option<Frame> {
        // SAFETY: promised by the caller.
        value
            .is_in_use()
            .then(|| unsafe { Frame::from_raw(value.target()) })
    }

    /// What is mapped at the page of `address`.
    pub fn get(&self, address: usize) -> Option<Mapping> {
        let slot = walk(self.root, address, None).ok()??;
        // SAFETY: a live entry.
        let value = unsafe { slot.read() };
        value.is_in_use().then_some(Mapping {
            frame: value.target(),
            writable: value.is_writable(),
        })
    }

    /// Changes the rights of the page of `address`, if it is mapped.
    pub fn protect(&mut self, address: usize, protection: Protection) {
        if let Ok(Some(slot)) = walk(self.root, address, None) {
            // SAFETY: a live entry of ours.
            unsafe {
                let value = slot.read();
                if value.is_in_use() {
                    slot.write(Entry::page(value.target(), protection));
                }
            }
            if protection.execute {
                sync_instructions();
            }
        }
    }

    /// Calls `f` for the part of `start..end` in each last-level table there is: with the address of its first
    /// page, the first entry, and their number.
    fn for_each_table(
        &self,
        start: usize,
        end: usize,
        mut f: impl FnMut(usize, *mut Entry, usize) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let mut address = start;
        while address < end {
            let mut table = self.root;
            let mut level = TOP;
            let span = loop {
                // SAFETY: a live entry.
                let value = unsafe { entry(table, index(address, level)).read() };
                if !value.is_present() {
                    break PAGE_SIZE << (9 * level);
                }
                table = value.target();
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
            let theirs = walk(child.root, address, Some(Half::User))?;
            let Some(theirs) = theirs else { return Ok(()) };
            for page in 0..pages {
                // SAFETY: live entries of two last-level tables; the child's gets a reference of its own.
                unsafe {
                    let slot = ours.add(page);
                    let value = slot.read();
                    if !value.is_in_use() {
                        continue;
                    }
                    Frame::add_reference(value.target());
                    theirs.add(page).write(value.read_only());
                    slot.write(value.read_only());
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
                unsafe { Self::take(slots.add(page).replace(Entry::EMPTY)) }.map(&mut release);
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
                .filter(|&page| unsafe { slots.add(page).read() }.is_in_use())
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
    fn free(table: PhysAddr, level: usize, entries: usize) {
        // SAFETY: the table is live and nobody uses it any more.
        let slots = unsafe { core::slice::from_raw_parts(entry(table, 0), entries) };
        // Most entries are empty: they are looked at eight at a time.
        let (groups, _) = slots.as_chunks::<8>();
        let groups = groups
            .iter()
            .filter(|group| group.iter().fold(0, |bits, value| bits | value.bits()) != 0);
        for value in groups.flatten().filter(|value| value.is_in_use()) {
            if level > 0 {
                Self::free(value.target(), level - 1, ENTRIES);
            } else {
                // SAFETY: the entry's reference, which nobody will use again.
                drop(unsafe { Frame::from_raw(value.target()) });
            }
        }
        // SAFETY: the table itself was made from a frame by `into_raw`.
        drop(unsafe { Frame::from_raw(table) });
    }
}

impl Drop for PageTable {
    fn drop(&mut self) {
        Self::free(self.root, TOP, KERNEL_HALF);
    }
}

/// A top-level table, to be loaded while its `PageTable` lives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Root(PhysAddr);

/// Makes `root` the table this CPU translates with. That flushes every entry that is not global. The
/// scheduler sees to it that the address space outlives its use.
pub fn activate(root: Root) {
    paging::load(root.0);
}

/// Makes the CPU translate with the kernel's own table, which has nothing in the user half.
pub fn activate_kernel() {
    paging::load(kernel_root());
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
    let root = alloc();
    KERNEL_ROOT.store(root.get(), Relaxed);
    for &(start, end) in ram {
        let mut at = start & !(LARGE_PAGE - 1);
        while at < end {
            let virt = PHYSMAP_BASE + at as usize;
            let slot = early_slot(root, virt, 1, &mut alloc);
            // SAFETY: an entry of a table of the boot CPU's making.
            unsafe { slot.write(Entry::large(PhysAddr::new(at))) };
            at += LARGE_PAGE;
        }
    }
    let mut show = |virt: usize, at: PhysAddr, how: KernelUse| {
        // SAFETY: as above.
        unsafe { early_slot(root, virt, 0, &mut alloc).write(Entry::kernel(at, how)) };
    };
    let text = &raw const __text_start as usize;
    let rodata = &raw const __rodata_start as usize;
    let data = &raw const __data_start as usize;
    let end = &raw const __image_end as usize;
    for virt in (text..end).step_by(PAGE_SIZE) {
        let how = if virt < rodata {
            KernelUse::Code
        } else if virt < data {
            KernelUse::Constants
        } else {
            KernelUse::Data
        };
        show(virt, PhysAddr::new((virt - KERNEL_BASE) as u64), how);
    }
    for registers in paging::early_devices() {
        show(
            phys_to_virt(registers) as usize,
            registers,
            KernelUse::Device,
        );
    }
    // The regions that grow later need their top-level entry now, before it is copied.
    early_slot(root, KSTACK_BASE, TOP - 1, &mut alloc);
    paging::load(root);
}

/// The entry of `level` for `virt` in the table that is being built.
fn early_slot(
    root: PhysAddr,
    virt: usize,
    level: usize,
    alloc: &mut impl FnMut() -> PhysAddr,
) -> *mut Entry {
    let mut table = root;
    for above in (level + 1..=TOP).rev() {
        let slot = entry(table, index(virt, above));
        // SAFETY: an entry of a table of the boot CPU's making.
        unsafe {
            if !slot.read().is_present() {
                slot.write(Entry::table(alloc(), false));
            }
            table = slot.read().target();
        }
    }
    entry(table, index(virt, level))
}

/// Maps a page into the kernel half for good, or for a kernel stack. The caller serialises.
pub fn map_kernel_page(address: usize, frame: PhysAddr) -> Result<(), Errno> {
    set_kernel(address, Entry::kernel(frame, KernelUse::Late))
}

/// Shows device registers, uncached, at their place in the physical map. The caller serialises, and the
/// range must not be RAM.
pub fn map_device_page(at: PhysAddr) -> Result<(), Errno> {
    set_kernel(
        phys_to_virt(at) as usize,
        Entry::kernel(at, KernelUse::Device),
    )
}

fn set_kernel(address: usize, value: Entry) -> Result<(), Errno> {
    if let Some(slot) = walk(kernel_root(), address, Some(Half::Kernel))? {
        // SAFETY: the caller chose an address of a kernel region that is its own, or at which nothing but a device lies.
        unsafe { slot.write(value) };
    }
    flush_page(address);
    Ok(())
}

/// Whether the kernel's table shows nothing at `address`, which must not be in the physical map.
pub fn is_unmapped(address: usize) -> bool {
    let root = kernel_root();
    if root.get() == 0 {
        return true;
    }
    let slot = walk(root, address, None);
    // SAFETY: a live entry.
    !matches!(slot, Ok(Some(slot)) if unsafe { slot.read() }.is_present())
}
