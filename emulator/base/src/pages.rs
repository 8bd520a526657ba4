//! Sparse pages by number, shared copy-on-write: what snapshots of memory and the written part of a disk are made of.
//!
//! Key type: [`Pages`]. Cloning one copies a pointer for every 64 pages and no page; a clone that is then changed copies
//! the pages it changes and the pointers beside them. So a fork costs what is written after it, and [`Pages::differences`]
//! finds what two forks do not share without looking at what they do.

use crate::addr::PAGE_SIZE;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The content of a page.
pub type Page = [u8; PAGE_SIZE as usize];

/// Pages in a leaf.
const LEAF: u64 = 64;

/// A page that is not there is whatever the user of the map says it is: zero in memory, the image's on a disk.
#[derive(Clone, Default)]
pub struct Pages {
    leaves: BTreeMap<u64, Arc<Leaf>>,
    len: usize,
}

/// 64 neighbouring pages, at least one of which is there.
#[derive(Clone)]
struct Leaf([Option<Arc<Page>>; LEAF as usize]);

impl Pages {
    /// No pages.
    pub const fn new() -> Self {
        Self {
            leaves: BTreeMap::new(),
            len: 0,
        }
    }

    /// How many pages are there.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The page numbered `number`.
    pub fn get(&self, number: u64) -> Option<&Page> {
        self.shared(number).map(|page| &**page)
    }

    /// Whether the page numbered `number` is there.
    pub fn contains(&self, number: u64) -> bool {
        self.get(number).is_some()
    }

    /// The page numbered `number`, to change; a shared one is copied first.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Page> {
        if !self.contains(number) {
            return None; // and copies no leaf
        }
        let leaf = Arc::make_mut(self.leaves.get_mut(&(number / LEAF))?);
        leaf.0[(number % LEAF) as usize].as_mut().map(Arc::make_mut)
    }

    /// Puts `page` there, in place of another or of none.
    pub fn insert(&mut self, number: u64, page: Arc<Page>) {
        let leaf = self
            .leaves
            .entry(number / LEAF)
            .or_insert_with(|| Arc::new(Leaf([const { None }; LEAF as usize])));
        let old = Arc::make_mut(leaf).0[(number % LEAF) as usize].replace(page);
        self.len += usize::from(old.is_none());
    }

    /// Takes the page numbered `number` away, if it is there.
    pub fn remove(&mut self, number: u64) {
        if !self.contains(number) {
            return;
        }
        self.len -= 1;
        if let Some(leaf) = self.leaves.get_mut(&(number / LEAF)) {
            let leaf = Arc::make_mut(leaf);
            leaf.0[(number % LEAF) as usize] = None;
            if leaf.0.iter().all(Option::is_none) {
                self.leaves.remove(&(number / LEAF));
            }
        }
    }

    /// Moves all pages of `newer` here, where they replace those of the same number.
    pub fn append(&mut self, newer: &mut Self) {
        if self.is_empty() {
            return std::mem::swap(self, newer);
        }
        for (number, page) in newer.arcs() {
            self.insert(number, page.clone());
        }
        newer.clear();
    }

    /// Takes all pages away.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The pages with their numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Page)> {
        self.arcs().map(|(number, page)| (number, &**page))
    }

    /// The highest number of a page that is there.
    pub fn last(&self) -> Option<u64> {
        let (first, leaf) = self.leaves.last_key_value()?;
        let index = leaf.0.iter().rposition(Option::is_some)?;
        Some(first * LEAF + index as u64)
    }

    /// The numbers of the pages that are not the same shared page here and in `other`; their bytes may still be equal.
    pub fn differences<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = u64> + 'a {
        let only_there = other
            .leaves
            .iter()
            .filter(|(number, _)| !self.leaves.contains_key(number));
        let here = self.leaves.iter().filter(|(number, leaf)| {
            let there = other.leaves.get(number);
            there.is_none_or(|there| !Arc::ptr_eq(leaf, there))
        });
        here.chain(only_there).flat_map(|(leaf, _)| {
            let first = leaf * LEAF;
            (first..first + LEAF).filter(|&number| {
                match (self.shared(number), other.shared(number)) {
                    (Some(here), Some(there)) => !Arc::ptr_eq(here, there),
                    (None, None) => false,
                    _ => true,
                }
            })
        })
    }

    fn shared(&self, number: u64) -> Option<&Arc<Page>> {
        self.leaves.get(&(number / LEAF))?.0[(number % LEAF) as usize].as_ref()
    }

    fn arcs(&self) -> impl Iterator<Item = (u64, &Arc<Page>)> {
        self.leaves.iter().flat_map(|(leaf, pages)| {
            let numbers = leaf * LEAF..;
            let pages = numbers.zip(&pages.0);
            pages.filter_map(|(number, page)| Some((number, page.as_ref()?)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(byte: u8) -> Arc<Page> {
        Arc::new([byte; PAGE_SIZE as usize])
    }

    fn pages(list: &[(u64, u8)]) -> Pages {
        let mut pages = Pages::new();
        for &(number, byte) in list {
            pages.insert(number, page(byte));
        }
        pages
    }

    fn content(pages: &Pages) -> Vec<(u64, u8)> {
        pages
            .iter()
            .map(|(number, page)| (number, page[0]))
            .collect()
    }

    #[test]
    fn pages_come_in_order_and_are_counted_once() {
        let mut pages = pages(&[(1000, 1), (3, 2), (64, 3), (3, 4)]);
        assert_eq!(content(&pages), [(3, 4), (64, 3), (1000, 1)]);
        assert_eq!((pages.len(), pages.last()), (3, Some(1000)));
        pages.remove(1000);
        pages.remove(5);
        assert_eq!((pages.len(), pages.last()), (2, Some(64)));
        assert_eq!(pages.leaves.len(), 2, "an empty leaf is gone");
    }

    #[test]
    fn a_clone_is_changed_without_its_origin_and_shares_the_rest() {
        let origin = pages(&[(1, 1), (2, 2), (200, 3)]);
        let mut fork = origin.clone();
        fork.get_mut(2).expect("it is there")[0] = 9;
        fork.insert(64, page(4));
        assert_eq!(content(&origin), [(1, 1), (2, 2), (200, 3)]);
        assert_eq!(content(&fork), [(1, 1), (2, 9), (64, 4), (200, 3)]);
        let one = |pages: &Pages, number| Arc::as_ptr(pages.shared(number).unwrap());
        assert_eq!(one(&origin, 1), one(&fork, 1));
        assert!(fork.get_mut(7).is_none());
    }

    #[test]
    fn differences_are_what_two_forks_do_not_share() {
        let origin = pages(&[(1, 1), (2, 2), (200, 3), (300, 5)]);
        let mut fork = origin.clone();
        fork.get_mut(2).unwrap()[0] = 9;
        fork.remove(300);
        fork.insert(64, page(4));
        for (a, b) in [(&origin, &fork), (&fork, &origin)] {
            let mut found: Vec<u64> = a.differences(b).collect();
            found.sort_unstable();
            assert_eq!(found, [2, 64, 300]);
        }
        assert_eq!(origin.differences(&origin.clone()).count(), 0);
    }

    #[test]
    fn appended_pages_replace_the_older_ones() {
        let mut older = pages(&[(1, 1), (2, 2)]);
        let mut newer = pages(&[(2, 3), (70, 4)]);
        older.append(&mut newer);
        assert_eq!(content(&older), [(1, 1), (2, 3), (70, 4)]);
        assert!(newer.is_empty());
    }
}
