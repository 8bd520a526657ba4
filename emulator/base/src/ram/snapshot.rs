//! Memory as it was: taken and put back by what was written in between.
//!
//! A snapshot is the pages that are not zero, shared copy-on-write. Memory knows which pages were written since the last
//! one was taken or restored (its *origin*), so taking one copies those, and restoring one puts back those and the pages
//! in which it differs from the origin. Code that was lifted from a page is recorded as written only where a byte of it
//! became another one, so the rest of it may be kept.

use super::{CHANGED, CODE, DIRTY, FRAGMENT, Ram};
use crate::addr::PAGE_SIZE;
use crate::pages::{Page, Pages};
use std::sync::Arc;

const PAGE: usize = PAGE_SIZE as usize;

/// What is in a page that a snapshot does not have.
static ZERO: Page = [0; PAGE];

impl Ram {
    /// What is in memory now, as pages that are not zero. Costs the pages written since the last snapshot.
    pub fn snapshot(&mut self) -> Pages {
        for page in std::mem::take(&mut self.changed) {
            self.marks[page as usize] &= !CHANGED;
            let start = page as usize * PAGE;
            let bytes = &self.bytes[start..start + PAGE];
            if *bytes == ZERO[..] {
                self.origin.remove(page.into());
            } else {
                let mut copy = Arc::new(ZERO);
                Arc::make_mut(&mut copy).copy_from_slice(bytes);
                self.origin.insert(page.into(), copy);
            }
        }
        self.epoch += 1;
        self.origin.clone()
    }

    /// Makes memory what it was when `snapshot` was taken, of this memory or of another one of the same size. Looks
    /// at the pages written since the last snapshot and at those in which that one differs from this; gives the number
    /// of those that had to be put back.
    pub fn restore(&mut self, snapshot: &Pages) -> usize {
        let mut count = 0;
        for page in std::mem::take(&mut self.changed) {
            count += usize::from(self.put_back(page, snapshot));
        }
        let origin = std::mem::replace(&mut self.origin, snapshot.clone());
        for page in origin.differences(snapshot) {
            if page < self.marks.len() as u64 {
                count += usize::from(self.put_back(page as u32, snapshot));
            }
        }
        self.epoch += 1;
        count
    }

    /// Whether the page was another.
    fn put_back(&mut self, page: u32, snapshot: &Pages) -> bool {
        let index = page as usize;
        let old = &mut self.bytes[index * PAGE..(index + 1) * PAGE];
        let new = snapshot.get(page.into()).unwrap_or(&ZERO);
        let mark = &mut self.marks[index];
        *mark &= !CHANGED;
        if *old == new[..] {
            return false;
        }
        *mark |= DIRTY;
        if *mark & CODE != 0 {
            let held = self.code.get(&page.into()).copied().unwrap_or(0);
            let became_another = |fragment: &u64| {
                let at = (fragment * FRAGMENT) as usize;
                let range = at..at + FRAGMENT as usize;
                held & 1 << fragment != 0 && old[range.clone()] != new[range]
            };
            let fragments = 0..PAGE_SIZE / FRAGMENT;
            let written = fragments
                .filter(became_another)
                .fold(0, |set, f| set | 1 << f);
            if written != 0 {
                let number = u64::from(page) + self.base / PAGE_SIZE;
                self.code_writes.push((number, written));
            }
        }
        old.copy_from_slice(new);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{Phys, Width};
    use crate::rng::Rng;

    const BASE: u64 = 0x8000_0000;
    const LEN: u64 = 300 * PAGE_SIZE;

    fn ram() -> Ram {
        Ram::new(Phys(BASE), LEN)
    }

    fn content(ram: &Ram) -> Vec<u8> {
        ram.slice(Phys(BASE), LEN).unwrap().to_vec()
    }

    fn write(ram: &mut Ram, offset: u64, value: u64) {
        ram.write(Phys(BASE + offset), Width::B8, value).unwrap();
    }

    #[test]
    fn any_snapshot_comes_back_after_any_other_in_any_memory() {
        let mut rng = Rng::new(1);
        let mut here = ram();
        let mut taken = vec![(here.snapshot(), content(&here))];
        for round in 0..60 {
            for _ in 0..rng.below(20) {
                let value = rng.next() * rng.below(2);
                write(&mut here, rng.below(LEN / 8) * 8, value);
            }
            if round % 3 == 0 {
                taken.push((here.snapshot(), content(&here)));
            }
            let (snapshot, bytes) = &taken[rng.below(taken.len() as u64) as usize];
            here.restore(snapshot);
            assert!(content(&here) == *bytes, "round {round}");
            let mut there = ram();
            write(&mut there, rng.below(LEN / 8) * 8, 1);
            there.restore(snapshot);
            assert!(content(&there) == *bytes, "round {round}, elsewhere");
        }
    }

    #[test]
    fn a_restore_costs_the_pages_written_and_keeps_nothing() {
        let mut ram = ram();
        (0..100).for_each(|page| write(&mut ram, page * PAGE_SIZE, 7));
        let snapshot = ram.snapshot();
        for round in 0..100 {
            write(&mut ram, 5 * PAGE_SIZE, 100 + round);
            write(&mut ram, 200 * PAGE_SIZE, 1);
            write(&mut ram, 200 * PAGE_SIZE + 8, 1);
            assert_eq!(ram.restore(&snapshot), 2);
        }
        assert_eq!(ram.restore(&snapshot), 0);
        assert_eq!((ram.changed.len(), ram.changed.capacity()), (0, 0));
        assert_eq!((snapshot.len(), ram.origin.len()), (100, 100));
        drop(snapshot);
        let mut origin = std::mem::take(&mut ram.origin);
        let before: *const Page = origin.get(5).unwrap();
        let after: *const Page = origin.get_mut(5).unwrap();
        assert_eq!(before, after, "nobody else holds the page");
    }

    #[test]
    fn a_page_is_written_fast_only_after_its_first_write_since_the_snapshot() {
        let mut ram = ram();
        write(&mut ram, 0, 1);
        assert!(ram.fast_writable(0));
        for step in [Ram::snapshot, |ram: &mut Ram| {
            let snapshot = ram.origin.clone();
            ram.restore(&snapshot);
            snapshot
        }] {
            let epoch = ram.epoch();
            step(&mut ram);
            assert!(!ram.fast_writable(0) && ram.epoch() > epoch);
            write(&mut ram, 0, 2);
            assert!(ram.fast_writable(0));
        }
    }

    #[test]
    fn a_restored_page_is_hashed_anew_and_an_equal_one_is_not() {
        let mut ram = ram();
        write(&mut ram, 0, 1);
        write(&mut ram, PAGE_SIZE, 1);
        let snapshot = ram.snapshot();
        write(&mut ram, 0, 2);
        write(&mut ram, PAGE_SIZE, 1);
        ram.take_dirty(|_, _| {});
        ram.restore(&snapshot);
        let mut dirty = Vec::new();
        ram.take_dirty(|page, bytes| dirty.push((page - BASE / PAGE_SIZE, bytes[0])));
        assert_eq!(dirty, [(0, 1)]);
    }

    #[test]
    fn only_code_that_became_another_counts_as_written() {
        let mut ram = ram();
        for at in [0, 0x100, PAGE_SIZE] {
            ram.mark_code(Phys(BASE + at), 16);
        }
        let snapshot = ram.snapshot();
        write(&mut ram, 0x100, 1);
        write(&mut ram, 0x200, 1);
        write(&mut ram, PAGE_SIZE + 0x40, 1);
        ram.take_code_writes();
        ram.restore(&snapshot);
        assert_eq!(ram.take_code_writes(), [(BASE / PAGE_SIZE, 1 << 4)]);
    }
}
