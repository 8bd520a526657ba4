//! Page frames: 4 KiB pieces of RAM with reference counts.
//!
//! A `Frame` is one reference to one frame, like an `Arc` of a page: cloning adds a reference, dropping the
//! last one frees the frame. A page-table entry holds a reference too (`into_raw`, `from_raw`). That is all
//! copy-on-write needs to know: a frame with one reference may be written in place.
//!
//! Frames for programs are refused while fewer than `RESERVE` are free, so that the kernel's own heap,
//! which cannot easily fail, has something left: running out ends the program that asked, not the kernel.
//! Whoever can be refused asks `Frame::alloc` or `try_pages`, where an observer may have it happen (`inject!`);
//! the heap asks `alloc_pages`.

use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use abi::Errno;
use kcore::buddy::{Buddy, Frame as Record};

use super::address::{PAGE_SIZE, PhysAddr};
use super::layout::{BOOT_MAPPED, phys_to_virt};
use super::page_table;
use crate::arch::boot::BootInfo;
use crate::proc::table::INIT;
use crate::sync::{Once, SpinLock, try_current};

/// Reference counts by frame number; in memory taken at boot.
static COUNTS: AtomicUsize = AtomicUsize::new(0);
/// Physical address of frame number 0: the start of the gigabyte in which memory begins.
static BASE: AtomicU64 = AtomicU64::new(0);
/// Frames that exist, and what programs must leave.
static TOTAL: AtomicUsize = AtomicUsize::new(0);
static RESERVE: AtomicUsize = AtomicUsize::new(0);
/// Frames free now; a copy of what the pool knows, to be read without its lock.
static FREE: AtomicUsize = AtomicUsize::new(0);

static POOL: SpinLock<Option<Buddy<'static>>> = SpinLock::new(c"frames", None);

/// What `BASE` is rounded down to: no block of frames is larger.
const BASE_ALIGNMENT: u64 = 1 << 30;

/// Finds free memory, has `map` build the kernel's page table from it, and takes the rest into the pool.
pub fn init(boot: &BootInfo, map: impl FnOnce(&mut dyn FnMut() -> PhysAddr)) {
    let page = PAGE_SIZE as u64;
    let ranges = free_ranges(boot);
    let begun = ranges.iter().filter(|r| r.0 < r.1);
    let (first, last) = begun.fold((u64::MAX, 0), |(first, last), r| {
        (first.min(r.0), last.max(r.1))
    });
    BASE.store(first & !(BASE_ALIGNMENT - 1), Ordering::Relaxed);
    let frames = number_of(PhysAddr::new(last));
    // Page tables, the allocator's records and the counts come from the start of the largest range that the
    // boot page table shows.
    let mut ranges = ranges;
    let largest = ranges
        .iter_mut()
        .filter(|r| r.0 < BOOT_MAPPED)
        .max_by_key(|r| r.1.saturating_sub(r.0))
        .expect("memory that the boot page table shows");
    let next = &mut largest.0;
    map(&mut || {
        let at = PhysAddr::new(*next);
        *next += page;
        // SAFETY: free memory, shown by the boot page table.
        unsafe { phys_to_virt(at).write_bytes(0, PAGE_SIZE) };
        at
    });
    let mut take = |bytes: usize| {
        let at = PhysAddr::new(*next);
        *next = (*next + bytes as u64).next_multiple_of(page);
        phys_to_virt(at)
    };
    let counts = take(frames * size_of::<AtomicU32>());
    let records = take(frames * size_of::<Record>());
    COUNTS.store(counts as usize, Ordering::Relaxed);
    // SAFETY: free memory, shown by the new page table, and from here on the pool's alone. `Buddy::new` writes
    // every record before it reads one, and counts are written when a frame gets its first owner.
    let records = unsafe { core::slice::from_raw_parts_mut(records.cast::<Record>(), frames) };
    let mut buddy = Buddy::new(records);
    for (start, end) in ranges.into_iter().filter(|r| r.0 < r.1) {
        buddy.add_range(
            number_of(PhysAddr::new(start)),
            number_of(PhysAddr::new(end)),
        );
    }
    let free = buddy.free_frames();
    TOTAL.store(free, Ordering::Relaxed);
    FREE.store(free, Ordering::Relaxed);
    RESERVE.store(free / 32, Ordering::Relaxed);
    *POOL.lock() = Some(buddy);
}

/// The number of a frame, which the allocator's records and the counts go by.
fn number_of(at: PhysAddr) -> usize {
    (at.get() - BASE.load(Ordering::Relaxed)) as usize / PAGE_SIZE
}

/// The frame with this number.
fn frame_at(number: usize) -> PhysAddr {
    PhysAddr::new(BASE.load(Ordering::Relaxed) + (number * PAGE_SIZE) as u64)
}

/// Ranges there is room for: each usable one may be cut by the kernel and by the RAM disk.
const MAX_RANGES: usize = 16;

/// Usable memory without the kernel's image, what lies below it (firmware's), and the RAM disk, in whole pages. Empty ranges may be
/// among them.
fn free_ranges(boot: &BootInfo) -> [(u64, u64); MAX_RANGES] {
    let page = PAGE_SIZE as u64;
    let low = page_table::image_end().get();
    let (disk_start, disk_end) = boot
        .ramdisk
        .map_or((0, 0), |(at, len)| (at.get(), at.get() + len));
    let mut ranges = [(0, 0); MAX_RANGES];
    let usable = boot
        .memory()
        .iter()
        .filter(|r| r.usable)
        .map(|r| (r.start.get().max(low), r.start.get() + r.len));
    let pieces = usable.flat_map(|(start, end)| {
        // Below and above the RAM disk; the same range twice is avoided by giving the second nothing.
        if disk_end <= start || disk_start >= end {
            [(start, end), (0, 0)]
        } else {
            [(start, disk_start), (disk_end, end)]
        }
    });
    for (slot, (start, end)) in ranges.iter_mut().zip(pieces) {
        *slot = (start.next_multiple_of(page), end & !(page - 1));
    }
    ranges
}

/// Frames under management.
pub fn total() -> usize {
    TOTAL.load(Ordering::Relaxed)
}

/// Frames free now.
pub fn free() -> usize {
    FREE.load(Ordering::Relaxed)
}

/// Has the caches give frames back when memory is short; the file system sets it.
static RECLAIMER: Once<fn(usize) -> usize> = Once::new();
/// Frames asked back at a time.
const RECLAIM_BATCH: usize = 64;

/// Lets `reclaim` be asked to free some frames when there are too few. It gets the number wanted and gives that
/// freed, and it may neither sleep nor wait for a lock: whoever needs memory may hold any.
pub fn set_reclaimer(reclaim: fn(usize) -> usize) {
    RECLAIMER.set(reclaim);
}

fn reclaim() -> usize {
    RECLAIMER.get().map_or(0, |reclaim| reclaim(RECLAIM_BATCH))
}

/// Refuses (`ENOMEM`) when memory is nearly out. Making a process asks here first, so that those that exist
/// have frames left to go on with.
pub fn check_room() -> Result<(), Errno> {
    let enough = RESERVE.load(Ordering::Relaxed) * 5 / 4;
    if free() > enough || reclaim() > 0 && free() > enough {
        Ok(())
    } else {
        Err(Errno::ENOMEM)
    }
}

/// Whether a request is refused while there is memory: to leave the reserve alone, or because an observer wants
/// that. The kernel itself and process 1, without whom nothing goes on, are not refused.
fn is_refused(leave_reserve: bool) -> bool {
    if try_current().is_none_or(|process| process.pid <= INIT) {
        return false;
    }
    crate::inject!(alloc) != 0
        || leave_reserve && free() <= RESERVE.load(Ordering::Relaxed) && reclaim() == 0
}

/// Takes frames as `alloc_pages` does, for somebody who can do without.
pub fn try_pages(order: usize) -> Result<PhysAddr, Errno> {
    if is_refused(false) {
        return Err(Errno::ENOMEM);
    }
    alloc_pages(order).ok_or(Errno::ENOMEM)
}

/// Takes `2^order` frames in a row, aligned to their size, with any contents, for the kernel itself.
/// `free_pages` gives them back.
pub fn alloc_pages(order: usize) -> Option<PhysAddr> {
    // The heap asks for single pages with its lock held, and a cache that lets go of frames uses the heap.
    // For larger blocks caches may have to give way, in several turns because their frames lie anywhere.
    let mut found = take_pages(order);
    while found.is_none() && order > 0 && reclaim() > 0 {
        found = take_pages(order);
    }
    found
}

fn take_pages(order: usize) -> Option<PhysAddr> {
    let mut pool = POOL.lock();
    let buddy = pool.as_mut()?;
    let at = frame_at(buddy.alloc(order)?);
    let free = buddy.free_frames();
    FREE.store(free, Ordering::Relaxed);
    crate::probe!(frame_alloc, at.get(), order, free);
    Some(at)
}

/// Gives back what `alloc_pages` gave.
///
/// # Safety
/// Nobody may use the memory any more.
pub unsafe fn free_pages(at: PhysAddr, order: usize) {
    let mut pool = POOL.lock();
    let Some(buddy) = pool.as_mut() else { return };
    let freed = buddy.free(number_of(at), order);
    let free = buddy.free_frames();
    FREE.store(free, Ordering::Relaxed);
    crate::probe!(frame_free, at.get(), order, free);
    drop(pool);
    assert!(
        freed.is_ok(),
        "frame {at:?} is freed twice, or with another order ({order})"
    );
}

fn count_of(at: PhysAddr) -> &'static AtomicU32 {
    let index = number_of(at);
    // SAFETY: the array covers every frame of the pool, and all bit patterns are legal counts.
    unsafe { &*(COUNTS.load(Ordering::Relaxed) as *const AtomicU32).add(index) }
}

/// One reference to a page frame.
pub struct Frame(PhysAddr);

impl Frame {
    /// A frame with any contents, for a program or a cache; `ENOMEM` when only the reserve is left.
    pub fn alloc() -> Result<Frame, Errno> {
        if is_refused(true) {
            return Err(Errno::ENOMEM);
        }
        let at = alloc_pages(0).ok_or(Errno::ENOMEM)?;
        count_of(at).store(1, Ordering::Relaxed);
        Ok(Frame(at))
    }

    /// A frame of zeros.
    pub fn zeroed() -> Result<Frame, Errno> {
        let frame = Self::alloc()?;
        // SAFETY: the frame is ours alone.
        unsafe {
            phys_to_virt(frame.0)
                .cast::<u64>()
                .write_bytes(0, PAGE_SIZE / 8)
        };
        Ok(frame)
    }

    /// A frame with the contents of this one.
    pub fn duplicate(&self) -> Result<Frame, Errno> {
        let copy = Self::alloc()?;
        // SAFETY: two different frames, the new one ours alone.
        unsafe {
            phys_to_virt(copy.0)
                .cast::<u64>()
                .copy_from_nonoverlapping(phys_to_virt(self.0).cast(), PAGE_SIZE / 8);
        }
        Ok(copy)
    }

    /// Where the frame is.
    pub fn address(&self) -> PhysAddr {
        self.0
    }

    /// Whether this is the only reference.
    pub fn is_unique(&self) -> bool {
        count_of(self.0).load(Ordering::Acquire) == 1
    }

    /// Copies bytes out, starting at `offset`. Panics beyond the frame's end.
    pub fn read(&self, offset: usize, to: &mut [u8]) {
        assert!(offset + to.len() <= PAGE_SIZE);
        // SAFETY: within the frame; a program that shares it may write meanwhile, and gets what it deserves.
        unsafe {
            to.as_mut_ptr()
                .copy_from_nonoverlapping(phys_to_virt(self.0).add(offset), to.len())
        };
    }

    /// Copies bytes in, starting at `offset`. Panics beyond the frame's end.
    pub fn write(&self, offset: usize, from: &[u8]) {
        assert!(offset + from.len() <= PAGE_SIZE);
        // SAFETY: as for `read`.
        unsafe {
            phys_to_virt(self.0)
                .add(offset)
                .copy_from_nonoverlapping(from.as_ptr(), from.len())
        };
    }

    /// Copies the contents of another frame here.
    pub fn copy_from(&self, other: &Frame) {
        // SAFETY: as for `read`; `copy` allows the two to be one.
        unsafe {
            phys_to_virt(self.0)
                .cast::<u64>()
                .copy_from(phys_to_virt(other.0).cast(), PAGE_SIZE / 8)
        };
    }

    /// Zeroes the frame from `offset` to its end.
    pub fn clear_from(&self, offset: usize) {
        assert!(offset <= PAGE_SIZE);
        // SAFETY: as for `read`.
        unsafe {
            phys_to_virt(self.0)
                .add(offset)
                .write_bytes(0, PAGE_SIZE - offset)
        };
    }

    /// Turns the reference into an address, for a page table to hold.
    pub fn into_raw(self) -> PhysAddr {
        let at = self.0;
        core::mem::forget(self);
        at
    }

    /// Takes a reference back.
    ///
    /// # Safety
    /// `at` must hold a reference that came from `into_raw` and was not taken back yet.
    pub unsafe fn from_raw(at: PhysAddr) -> Frame {
        Frame(at)
    }

    /// Adds a reference to a frame that a page table holds, for another table.
    ///
    /// # Safety
    /// `at` must hold a reference now, and the new one must be taken back by `from_raw` some time.
    pub unsafe fn add_reference(at: PhysAddr) {
        count_of(at).fetch_add(1, Ordering::Relaxed);
    }

    /// The whole frame as bytes, for its only owner; `None` if it is shared.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        // SAFETY: nobody else has a reference.
        self.is_unique()
            .then(|| unsafe { core::slice::from_raw_parts_mut(phys_to_virt(self.0), PAGE_SIZE) })
    }
}

impl Clone for Frame {
    fn clone(&self) -> Self {
        count_of(self.0).fetch_add(1, Ordering::Relaxed);
        Frame(self.0)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        if count_of(self.0).fetch_sub(1, Ordering::Release) == 1 {
            core::sync::atomic::fence(Ordering::Acquire);
            // SAFETY: that was the last reference.
            unsafe { free_pages(self.0, 0) };
        }
    }
}
