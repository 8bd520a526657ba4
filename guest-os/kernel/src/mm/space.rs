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
use alloc::vec::Vec;

use super::address::{PAGE_SIZE, page_ceil, page_floor};
use super::frame::Frame;
use super::layout::{USER_BOTTOM, USER_TOP};
use super::page_table::{self, PageTable, Root};
use super::protection::Protection;
use super::region::Region;
use super::regions::Regions;
use super::shootdown;

pub use super::regions::{MAPPINGS_TOP, STACK_LIMIT};
use crate::arch::paging;
use crate::arch::percpu::cpu_id;
use crate::sync::SleepLock;

/// Ranges of more pages than this are flushed by flushing everything.
const FLUSH_ALL_ABOVE: usize = 32;
/// Pages freed at once.
const RELEASE_BATCH: usize = 128;

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
    pub regions: Regions,
    /// Start and end of the heap that brk(2) moves.
    heap: (usize, usize),
}

impl AddressSpace {
    /// An empty address space.
    pub fn new() -> Result<Self, Errno> {
        let table = PageTable::new()?;
        Ok(AddressSpace {
            root: table.root(),
            contents: SleepLock::new(
                c"address_space",
                Contents {
                    table,
                    regions: Regions::default(),
                    heap: (0, 0),
                },
            ),
            cpus: AtomicU64::new(0),
        })
    }

    /// The calling CPU begins to run it.
    pub fn enter(&self) {
        self.cpus.fetch_or(1 << cpu_id(), Ordering::SeqCst);
        page_table::activate(self.root);
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
        for region in regions.iter() {
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
        shootdown::shoot_down(cpus);
    }

    /// Adds a region where nothing is; `EEXIST` if something is.
    pub fn add(&self, region: Region) -> Result<(), Errno> {
        self.contents.lock().regions.add(region)
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
            let grown = contents.regions.grow_heap(start, old_top, new_top);
            if grown.is_err() {
                return old;
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
        contents.regions.check_size(len)?;
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
        } else if fits(wish) && contents.regions.is_free(wish, wish + len) {
            wish
        } else {
            contents.regions.find_gap(len).ok_or(Errno::ENOMEM)?
        };
        region.start = at;
        region.end = at + len;
        contents.regions.add(region)?;
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
        let Contents { table, regions, .. } = &mut *contents;
        for region in regions.iter() {
            self.release(table, region.start.max(start), region.end.min(end));
        }
    }

    fn remove(&self, contents: &mut Contents, start: usize, end: usize) {
        let Contents { table, regions, .. } = contents;
        regions.split_at(start);
        regions.split_at(end);
        while let Some(region) = regions.take_first(start, end) {
            self.release(table, region.start, region.end);
        }
    }

    /// Unmaps and frees the pages in `start..end`, a few at a time: freeing memory must not need much.
    fn release(&self, table: &mut PageTable, start: usize, end: usize) {
        let mut frames = Vec::with_capacity(RELEASE_BATCH);
        for first in (start..end).step_by(RELEASE_BATCH * PAGE_SIZE) {
            let last = end.min(first + RELEASE_BATCH * PAGE_SIZE);
            table.unmap_range(first, last, |frame| frames.push(frame));
            if !frames.is_empty() {
                self.flush(first, last);
            }
            // Only now, when no TLB leads to them, may the frames get new owners.
            frames.clear();
        }
    }

    /// mprotect(2): changes the rights in `start..end`; `ENOMEM` if part of it is not mapped.
    pub fn protect(&self, start: usize, end: usize, protection: Protection) -> Result<(), Errno> {
        let mut contents = self.contents.lock();
        let Contents { table, regions, .. } = &mut *contents;
        if !regions.is_covered(start, end) {
            return Err(Errno::ENOMEM);
        }
        regions.split_at(start);
        regions.split_at(end);
        for region in regions.starting_in(start, end) {
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
        self.contents.lock().regions.size()
    }

    /// The regions in order, for /proc/<pid>/maps.
    pub fn regions(&self) -> Vec<Region> {
        self.contents.lock().regions.iter().cloned().collect()
    }
}
