//! The page cache: pages of files in memory, shared by read(2), write(2), exec and demand loading.
//!
//! Each file of a disk has a `FilePages`: its pages by index. A page is a frame with a counted reference, so
//! one that programs have mapped stays while it is mapped, even after the cache has let go of it. Bytes behind
//! the end of the file are zero in every page.
//!
//! Cached pages are never dirty: a write goes to the file system first (which holds it in the buffer cache),
//! and then into the page if there is one. So a page can be dropped at any time, and `reclaim` does that
//! when frames get short: it takes from the files that were used least recently, and leaves mapped
//! pages, which would not give a frame back.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use alloc::collections::BTreeMap;

use crate::mm::address::PAGE_SIZE;
use crate::mm::frame::Frame;
use crate::sync::SpinLock;

/// Pages in all caches.
static PAGES: AtomicUsize = AtomicUsize::new(0);
/// Counts uses of files, to tell which one was used last.
static CLOCK: AtomicU64 = AtomicU64::new(0);

/// Pages of files in memory.
pub fn len() -> usize {
    PAGES.load(Ordering::Relaxed)
}

/// The pages of one file.
pub struct FilePages {
    /// The file's inode number, for probes.
    ino: u64,
    pages: SpinLock<BTreeMap<u64, Frame>>,
    last_use: AtomicU64,
}

impl FilePages {
    /// No pages yet.
    pub const fn new(ino: u64) -> Self {
        FilePages {
            ino,
            pages: SpinLock::new(c"page_cache", BTreeMap::new()),
            last_use: AtomicU64::new(0),
        }
    }

    /// When the file was used last, on no particular scale.
    pub fn last_use(&self) -> u64 {
        self.last_use.load(Ordering::Relaxed)
    }

    /// The page with this index, for somebody who wants what is in it.
    pub fn get(&self, index: u64) -> Option<Frame> {
        self.last_use
            .store(CLOCK.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let page = self.pages.lock().get(&index).cloned()?;
        crate::probe!(page_cache_hit, self.ino, index);
        Some(page)
    }

    /// Whether there is a page with this index.
    pub fn contains(&self, index: u64) -> bool {
        self.pages.lock().contains_key(&index)
    }

    /// Adds a page that was not there.
    pub fn insert(&self, index: u64, frame: Frame) {
        if self.pages.lock().insert(index, frame).is_none() {
            PAGES.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Copies bytes that were written to the file into the pages that are here.
    pub fn update(&self, mut at: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (index, offset) = (at / PAGE_SIZE as u64, at as usize % PAGE_SIZE);
            let len = (PAGE_SIZE - offset).min(bytes.len());
            let page = self.pages.lock().get(&index).cloned();
            if let Some(page) = page {
                page.write(offset, &bytes[..len]);
            }
            at += len as u64;
            bytes = &bytes[len..];
        }
    }

    /// Forgets what lies behind the new end of a file that was cut.
    pub fn cut(&self, len: u64) {
        let (index, offset) = (len / PAGE_SIZE as u64, len as usize % PAGE_SIZE);
        let mut pages = self.pages.lock();
        if offset > 0
            && let Some(last) = pages.get(&index)
        {
            last.clear_from(offset);
        }
        let gone = pages.split_off(&len.div_ceil(PAGE_SIZE as u64));
        drop(pages);
        PAGES.fetch_sub(gone.len(), Ordering::Relaxed);
    }

    /// Drops up to `count` pages that nobody has mapped; gives how many. Called while frames are short,
    /// by who knows whom: it takes no lock that may be held already.
    pub fn reclaim(&self, count: usize) -> usize {
        let Some(mut pages) = self.pages.try_lock() else {
            return 0;
        };
        let mut dropped = 0;
        pages.retain(|index, frame| {
            let stays = dropped == count || !frame.is_unique();
            if !stays {
                crate::probe!(page_evict, self.ino, *index);
                dropped += 1;
            }
            stays
        });
        PAGES.fetch_sub(dropped, Ordering::Relaxed);
        dropped
    }
}

impl Drop for FilePages {
    fn drop(&mut self) {
        PAGES.fetch_sub(self.pages.lock().len(), Ordering::Relaxed);
    }
}
