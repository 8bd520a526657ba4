//! Address spaces: the regions a program sees, and the page table that shows them.
//!
//! Regions never overlap and are kept by start address. A region is a promise: pages come when they are
//! touched (`fault`). `fork` copies the regions and shares the pages, read-only on both sides.
//!
//! ```text
//! program segments | heap (brk) ->      ...      <- mappings | gap | <- stack | USER_TOP
//! ```
//!
//! Everything is under one `SleepLock`, because filling a page may wait for a disk. After taking
//! rights away the TLBs of all CPUs that run this space are flushed before frames are given back.

use core::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::address::{PAGE_SIZE, page_ceil, page_floor};
use super::frame::{self, Frame};
use super::layout::{USER_BOTTOM, USER_TOP};
use super::protection::Protection;
use super::region::{Backing, Region};
use crate::arch::paging::{self, PageTable, Root};
use crate::arch::percpu::cpu_id;
use crate::arch::smp;
use crate::sync::SleepLock;

/// How far a stack may grow.
pub const STACK_LIMIT: usize = 8 << 20;
/// Unmapped space kept below a growing stack, so that running off its end faults.
pub const STACK_GUARD: usize = 64 * PAGE_SIZE;
/// Mappings without a wish are placed below this.
const MAPPINGS_TOP: usize = USER_TOP - STACK_LIMIT - STACK_GUARD;
/// Ranges of more pages than this are flushed by flushing everything.
const FLUSH_ALL_ABOVE: usize = 32;

/// An address space.
pub struct AddressSpace {
    pub(super) contents: SleepLock<Contents>,
    root: Root,
    /// CPUs that run it now, a bit each.
    cpus: AtomicU64,
}

/// What the lock guards.
pub(super) struct Contents {
    pub table: PageTable,
    pub regions: BTreeMap<usize, Region>,
    /// Start and end of the heap that brk(2) moves.
    heap: (usize, usize),
}

impl AddressSpace {
    /// An empty address space.
    pub fn new() -> Result<Self, Errno> {
        let table = PageTable::new()?;
        Ok(AddressSpace {
            root: table.root(),
            contents: SleepLock::new(Contents {
                table,
                regions: BTreeMap::new(),
                heap: (0, 0),
            }),
            cpus: AtomicU64::new(0),
        })
    }

    /// The calling CPU begins to run it.
    pub fn enter(&self) {
        self.cpus.fetch_or(1 << cpu_id(), Ordering::SeqCst);
        paging::activate(self.root);
    }

    /// The calling CPU goes over to another table.
    pub fn leave(&self) {
        self.cpus.fetch_and(!(1 << cpu_id()), Ordering::SeqCst);
    }

    /// A copy for a child: the same regions, the pages shared until one side writes.
    pub fn fork(&self) -> Result<Self, Errno> {
        let child = Self::new()?;
        let mut ours = self.contents.lock();
        let mut theirs = child.contents.lock();
        let Contents {
            table,
            regions,
            heap,
        } = &mut *ours;
        let mut result = Ok(());
        for region in regions.values() {
            result = table.share_with(&mut theirs.table, region.start, region.end);
            if result.is_err() {
                break;
            }
        }
        theirs.regions = regions.clone();
        theirs.heap = *heap;
        self.flush(0, USER_TOP); // this side lost the right to write
        drop(ours);
        drop(theirs);
        result.map(|()| child)
    }

    /// Makes CPUs forget their translations of `start..end`.
    pub(super) fn flush(&self, start: usize, end: usize) {
        let cpus = self.cpus.load(Ordering::SeqCst);
        if cpus >> cpu_id() & 1 != 0 {
            if (end - start) / PAGE_SIZE > FLUSH_ALL_ABOVE {
                paging::flush_all();
            } else {
                (start..end).step_by(PAGE_SIZE).for_each(paging::flush_page);
            }
        }
        smp::shoot_down(cpus);
    }

    /// Adds a region where nothing is; `EEXIST` if something is.
    pub fn add(&self, region: Region) -> Result<(), Errno> {
        self.contents.lock().add(region)
    }

    /// Fills the top of a new stack, in a space that does not run yet.
    pub fn fill(&self, at: usize, bytes: &[u8]) -> Result<(), Errno> {
        let mut contents = self.contents.lock();
        let mut done = 0;
        while done < bytes.len() {
            let address = at + done;
            let offset = address % PAGE_SIZE;
            let len = (PAGE_SIZE - offset).min(bytes.len() - done);
            let frame = Frame::zeroed()?;
            frame.write(offset, &bytes[done..done + len]);
            contents
                .table
                .map(page_floor(address), frame, Protection::READ_WRITE)?;
            done += len;
        }
        Ok(())
    }

    /// Copies out bytes from `at` on, up to the first page that is not in memory; gives how many. For /proc.
    pub fn peek(&self, at: usize, out: &mut [u8]) -> usize {
        let contents = self.contents.lock();
        let mut done = 0;
        while done < out.len() {
            let address = at + done;
            let offset = address % PAGE_SIZE;
            let len = (PAGE_SIZE - offset).min(out.len() - done);
            let Some(mapping) = contents.table.get(page_floor(address)) else {
                break;
            };
            // SAFETY: the table's reference is only borrowed: `into_raw` keeps it alive.
            let frame = unsafe { Frame::from_raw(mapping.frame) };
            frame.read(offset, &mut out[done..done + len]);
            frame.into_raw();
            done += len;
        }
        done
    }

    /// Start and end of the heap.
    pub fn heap(&self) -> (usize, usize) {
        self.contents.lock().heap
    }

    /// Puts the heap of a new program behind `end`, the end of its segments.
    pub fn set_heap_start(&self, end: usize) -> Result<(), Errno> {
        let start = page_ceil(end).ok_or(Errno::ENOMEM)?;
        self.contents.lock().heap = (start, start);
        Ok(())
    }

    /// brk(2): moves the end of the heap to `end` if that is possible, and tells where it is.
    pub fn brk(&self, end: usize) -> usize {
        let mut contents = self.contents.lock();
        let (start, old) = contents.heap;
        let (Some(new_top), Some(old_top)) = (page_ceil(end), page_ceil(old)) else {
            return old;
        };
        if end < start || new_top > MAPPINGS_TOP {
            return old;
        }
        if new_top > old_top {
            let limit = contents
                .regions
                .range(old_top..)
                .next()
                .map_or(MAPPINGS_TOP, |(next, _)| *next);
            if new_top > limit || contents.check_size(new_top - old_top).is_err() {
                return old;
            }
            match contents.regions.range_mut(..old_top).next_back() {
                Some((_, heap)) if heap.end == old_top && heap.start >= start => heap.end = new_top,
                _ => {
                    let heap = Region::anonymous(old_top, new_top, Protection::READ_WRITE);
                    contents.regions.insert(old_top, heap);
                }
            }
        } else if new_top < old_top {
            self.remove(&mut contents, new_top, old_top);
        }
        contents.heap.1 = end;
        end
    }

    /// Maps a region of the size of `region` (which starts at 0) at `wish`, or where there is room; `fixed`
    /// means exactly there, replacing what is there unless `keep` says to fail. Gives the address.
    pub fn map(
        &self,
        wish: usize,
        fixed: bool,
        keep: bool,
        mut region: Region,
    ) -> Result<usize, Errno> {
        let len = region.end;
        let mut contents = self.contents.lock();
        contents.check_size(len)?;
        let wish = page_floor(wish);
        let fits =
            |at: usize| at >= USER_BOTTOM && at.checked_add(len).is_some_and(|end| end <= USER_TOP);
        let at = if fixed {
            if !fits(wish) {
                return Err(if wish < USER_BOTTOM {
                    Errno::EPERM
                } else {
                    Errno::ENOMEM
                });
            }
            if !keep {
                self.remove(&mut contents, wish, wish + len);
            }
            wish
        } else if fits(wish) && contents.is_free(wish, wish + len) {
            wish
        } else {
            contents.find_gap(len).ok_or(Errno::ENOMEM)?
        };
        region.start = at;
        region.end = at + len;
        contents.add(region)?;
        Ok(at)
    }

    /// munmap(2): removes whatever is in `start..end`.
    pub fn unmap(&self, start: usize, end: usize) {
        let mut contents = self.contents.lock();
        self.remove(&mut contents, start, end);
    }

    /// Drops the pages in `start..end`; the next touch finds them as at first.
    pub fn discard(&self, start: usize, end: usize) {
        let mut contents = self.contents.lock();
        let mut frames = Vec::new();
        contents
            .table
            .unmap_range(start, end, |frame| frames.push(frame));
        self.flush(start, end);
        drop(frames);
    }

    fn remove(&self, contents: &mut Contents, start: usize, end: usize) {
        contents.split_at(start);
        contents.split_at(end);
        let gone: Vec<usize> = contents
            .regions
            .range(start..end)
            .map(|(start, _)| *start)
            .collect();
        let mut frames = Vec::new();
        for key in gone {
            if let Some(region) = contents.regions.remove(&key) {
                contents
                    .table
                    .unmap_range(region.start, region.end, |frame| frames.push(frame));
            }
        }
        if !frames.is_empty() {
            self.flush(start, end);
        }
        // Only now, when no TLB leads to them, may the frames get new owners.
        drop(frames);
    }

    /// mprotect(2): changes the rights in `start..end`; `ENOMEM` if part of it is not mapped.
    pub fn protect(&self, start: usize, end: usize, protection: Protection) -> Result<(), Errno> {
        let mut contents = self.contents.lock();
        if !contents.is_covered(start, end) {
            return Err(Errno::ENOMEM);
        }
        contents.split_at(start);
        contents.split_at(end);
        let Contents { table, regions, .. } = &mut *contents;
        for (_, region) in regions.range_mut(start..end) {
            region.protection = protection;
            for page in (region.start..region.end).step_by(PAGE_SIZE) {
                let Some(mapping) = table.get(page) else {
                    continue;
                };
                // A page that was read-only may be shared, so the right to write comes by a fault.
                let writable = protection.write && mapping.writable;
                table.protect(
                    page,
                    Protection {
                        write: writable,
                        ..protection
                    },
                );
            }
        }
        self.flush(start, end);
        Ok(())
    }

    /// Pages in memory.
    pub fn resident_pages(&self) -> usize {
        self.contents.lock().table.count(0, USER_TOP)
    }

    /// Bytes promised.
    pub fn size(&self) -> usize {
        self.contents
            .lock()
            .regions
            .values()
            .map(|region| region.end - region.start)
            .sum()
    }

    /// The regions in order, for /proc/<pid>/maps.
    pub fn regions(&self) -> Vec<Region> {
        self.contents.lock().regions.values().cloned().collect()
    }
}

impl Contents {
    fn is_free(&self, start: usize, end: usize) -> bool {
        self.regions
            .range(..end)
            .next_back()
            .is_none_or(|(_, below)| below.end <= start)
    }

    fn is_covered(&self, start: usize, end: usize) -> bool {
        let mut at = start;
        while at < end {
            match self.region_at(at) {
                Some(region) => at = region.end,
                None => return false,
            }
        }
        true
    }

    /// The region that holds `address`.
    pub fn region_at(&self, address: usize) -> Option<&Region> {
        self.regions
            .range(..=address)
            .next_back()
            .map(|(_, region)| region)
            .filter(|region| address < region.end)
    }

    fn add(&mut self, region: Region) -> Result<(), Errno> {
        if !self.is_free(region.start, region.end) {
            return Err(Errno::EEXIST);
        }
        // A mapping next to an equal one becomes part of it, so that a heap of mappings stays one region.
        if matches!(region.backing, Backing::Anonymous)
            && let Some((_, below)) = self.regions.range_mut(..region.start).next_back()
            && below.end == region.start
            && matches!(below.backing, Backing::Anonymous)
            && below.protection == region.protection
            && !below.grows_down
            && !region.grows_down
        {
            below.end = region.end;
            return Ok(());
        }
        self.regions.insert(region.start, region);
        Ok(())
    }

    /// Makes `at` a border between regions.
    fn split_at(&mut self, at: usize) {
        if let Some((_, region)) = self.regions.range_mut(..at).next_back()
            && at < region.end
        {
            let upper = region.split_off(at);
            self.regions.insert(at, upper);
        }
    }

    /// The highest place for `len` bytes among the mappings.
    fn find_gap(&self, len: usize) -> Option<usize> {
        let mut top = MAPPINGS_TOP;
        for region in self
            .regions
            .range(..MAPPINGS_TOP)
            .rev()
            .map(|(_, region)| region)
        {
            if region.end <= top && top - region.end >= len {
                return Some(top - len);
            }
            top = top.min(region.start);
        }
        top.checked_sub(len).filter(|at| *at >= USER_BOTTOM)
    }

    /// A program may not be promised more than the machine has.
    fn check_size(&self, more: usize) -> Result<(), Errno> {
        let have: usize = self
            .regions
            .values()
            .map(|region| region.end - region.start)
            .sum();
        match have.checked_add(more) {
            Some(bytes) if bytes / PAGE_SIZE <= frame::total() => Ok(()),
            _ => Err(Errno::ENOMEM),
        }
    }

    /// Extends a stack downwards so that it holds `address`, if that is close enough and free.
    pub fn grow_stack(&mut self, address: usize) -> bool {
        let page = page_floor(address);
        let Some((&start, stack)) = self.regions.range(address..).next() else {
            return false;
        };
        if !stack.grows_down || stack.end - page > STACK_LIMIT {
            return false;
        }
        let below = self
            .regions
            .range(..start)
            .next_back()
            .map_or(0, |(_, region)| region.end);
        if page < below + STACK_GUARD {
            return false;
        }
        if let Some(mut stack) = self.regions.remove(&start) {
            stack.start = page;
            self.regions.insert(page, stack);
        }
        true
    }
}
