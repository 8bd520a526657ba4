//! The regions of an address space, by start address. They never overlap.

use abi::Errno;
use alloc::collections::BTreeMap;

use super::address::{PAGE_SIZE, page_floor};
use super::frame;
use super::layout::{USER_BOTTOM, USER_TOP};
use super::protection::Protection;
use super::region::{Backing, Region};

/// How far a stack may grow.
pub const STACK_LIMIT: usize = 8 << 20;
/// Unmapped space kept below a growing stack, so that running off its end faults.
pub const STACK_GUARD: usize = 64 * PAGE_SIZE;
/// Mappings without a wish are placed below this.
pub const MAPPINGS_TOP: usize = USER_TOP - STACK_LIMIT - STACK_GUARD;
/// The regions of one address space.
#[derive(Clone, Default)]
pub struct Regions {
    by_start: BTreeMap<usize, Region>,
}

impl Regions {
    /// All regions in order.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.by_start.values()
    }

    /// The regions that begin in `start..end`, to change.
    pub fn starting_in(&mut self, start: usize, end: usize) -> impl Iterator<Item = &mut Region> {
        self.by_start
            .range_mut(start..end)
            .map(|(_, region)| region)
    }

    /// Takes the first region out that begins in `start..end`.
    pub fn take_first(&mut self, start: usize, end: usize) -> Option<Region> {
        let (&first, _) = self.by_start.range(start..end).next()?;
        self.by_start.remove(&first)
    }

    /// Extends the heap, which begins at `start`, from `old` to `new`, if nothing is in the way.
    pub fn grow_heap(&mut self, start: usize, old: usize, new: usize) -> Result<(), Errno> {
        let next = self.by_start.range(old..).next();
        let limit = next.map_or(MAPPINGS_TOP, |(next, _)| *next);
        if new > limit {
            return Err(Errno::ENOMEM);
        }
        self.check_size(new - old)?;
        match self.by_start.range_mut(..old).next_back() {
            Some((_, heap)) if heap.end == old && heap.start >= start => heap.end = new,
            _ => {
                let heap = Region::anonymous(old, new, Protection::READ_WRITE);
                self.by_start.insert(old, heap);
            }
        }
        Ok(())
    }

    /// Whether nothing is in `start..end`.
    pub fn is_free(&self, start: usize, end: usize) -> bool {
        self.by_start
            .range(..end)
            .next_back()
            .is_none_or(|(_, below)| below.end <= start)
    }

    /// Whether regions cover all of `start..end`.
    pub fn is_covered(&self, start: usize, end: usize) -> bool {
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
        self.by_start
            .range(..=address)
            .next_back()
            .map(|(_, region)| region)
            .filter(|region| address < region.end)
    }

    /// Adds a region where nothing is; `EEXIST` if something is.
    pub fn add(&mut self, region: Region) -> Result<(), Errno> {
        if !self.is_free(region.start, region.end) {
            return Err(Errno::EEXIST);
        }
        // A mapping next to an equal one becomes part of it, so that a heap of mappings stays one region.
        if matches!(region.backing, Backing::Anonymous)
            && let Some((_, below)) = self.by_start.range_mut(..region.start).next_back()
            && below.end == region.start
            && matches!(below.backing, Backing::Anonymous)
            && below.protection == region.protection
            && !below.grows_down
            && !region.grows_down
        {
            below.end = region.end;
            return Ok(());
        }
        self.by_start.insert(region.start, region);
        Ok(())
    }

    /// Makes `at` a border between regions.
    pub fn split_at(&mut self, at: usize) {
        if let Some((_, region)) = self.by_start.range_mut(..at).next_back()
            && at < region.end
        {
            let upper = region.split_off(at);
            self.by_start.insert(at, upper);
        }
    }

    /// The highest place for `len` bytes among the mappings.
    pub fn find_gap(&self, len: usize) -> Option<usize> {
        let mut top = MAPPINGS_TOP;
        for region in self
            .by_start
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

    /// Bytes promised.
    pub fn size(&self) -> usize {
        self.iter().map(|region| region.end - region.start).sum()
    }

    /// Refuses (`ENOMEM`) to promise a program more than the machine has.
    pub fn check_size(&self, more: usize) -> Result<(), Errno> {
        let have: usize = self
            .by_start
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
        let Some((&start, stack)) = self.by_start.range(address..).next() else {
            return false;
        };
        if !stack.grows_down || stack.end - page > STACK_LIMIT {
            return false;
        }
        let below = self
            .by_start
            .range(..start)
            .next_back()
            .map_or(0, |(_, region)| region.end);
        if page < below + STACK_GUARD {
            return false;
        }
        if let Some(mut stack) = self.by_start.remove(&start) {
            stack.start = page;
            self.by_start.insert(page, stack);
        }
        true
    }
}
