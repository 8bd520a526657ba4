//! What is on a disk: the image from above, and over it what the guest wrote, in two layers.
//!
//! Key types: [`Medium`] is the image, which is never written. [`Disk`] keeps written pages: a write lands in the
//! *cached* layer, a flush moves that into the *durable* one. Reads see the cached layer first. A power cut drops
//! the cached layer ([`Disk::drop_cache`]); whoever saves the guest's changes asks for one view or the other. Whoever
//! wants to know each [`Change`] has the disk record them.

use base::{Codec, CodecError, PAGE_SIZE, Page, Pages, State};
use std::fmt;
use std::sync::Arc;

/// Bytes of a sector, virtio's unit (5.2.4).
pub const SECTOR: u64 = 512;

const PAGE: usize = PAGE_SIZE as usize;

/// The image could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediumError;

impl fmt::Display for MediumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the disk image could not be read")
    }
}

impl std::error::Error for MediumError {}

/// A disk image. It must give the same bytes throughout a run.
pub trait Medium: Send {
    /// Its bytes. A last sector that is not whole is filled up with zeros.
    fn len(&self) -> u64;

    /// Whether it has no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads `buffer.len()` bytes at `offset`, all of which lie within the image.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), MediumError>;

    /// Whether the guest may not write.
    fn read_only(&self) -> bool {
        false
    }
}

impl Medium for Vec<u8> {
    fn len(&self) -> u64 {
        Vec::len(self) as u64
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), MediumError> {
        let start = usize::try_from(offset).map_err(|_| MediumError)?;
        let end = start.checked_add(buffer.len()).ok_or(MediumError)?;
        buffer.copy_from_slice(self.get(start..end).ok_or(MediumError)?);
        Ok(())
    }
}

/// What was done to a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Bytes were written, whole sectors as one request.
    Write {
        /// The first byte on the disk.
        offset: u64,
        /// What was written there.
        bytes: Vec<u8>,
    },
    /// What was written before is durable.
    Flush,
}

/// Which of the guest's writes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Those that a flush has made safe: what is left after a power cut.
    Durable,
    /// All of them: what the guest reads.
    Cached,
}

/// An image and what was written over it.
pub struct Disk {
    medium: Box<dyn Medium>,
    durable: Pages,
    cached: Pages,
    /// What was done since the host took it, if it wants to know; the host's.
    changes: Option<Vec<Change>>,
}

impl Disk {
    /// The disk that holds `medium`.
    pub fn new(medium: Box<dyn Medium>) -> Self {
        Self {
            medium,
            durable: Pages::new(),
            cached: Pages::new(),
            changes: None,
        }
    }

    /// Records what is done from now on, or nothing any more.
    pub fn record(&mut self, on: bool) {
        self.changes = on.then(Vec::new);
    }

    /// Takes what was recorded since the last call.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.changes
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Puts another disk of the same size in this one's place: the image with `pages` over it, all of them durable.
    pub fn exchange(&mut self, pages: Pages) {
        self.durable = pages;
        self.cached.clear();
    }

    /// Sectors of the disk.
    pub fn sectors(&self) -> u64 {
        self.medium.len().div_ceil(SECTOR)
    }

    /// Whether the guest may not write.
    pub fn read_only(&self) -> bool {
        self.medium.read_only()
    }

    /// Reads bytes at byte `offset` as `view` has them. The range lies within the disk.
    pub fn read(&mut self, view: View, offset: u64, buffer: &mut [u8]) -> Result<(), MediumError> {
        for (at, range) in split(offset, buffer.len()) {
            let part = &mut buffer[range];
            let (page, start) = (at / PAGE_SIZE, (at % PAGE_SIZE) as usize);
            match self.written(view, page) {
                Some(bytes) => part.copy_from_slice(&bytes[start..start + part.len()]),
                None => self.read_medium(at, part)?,
            }
        }
        Ok(())
    }

    /// Writes bytes at byte `offset`. On an error, what was not reached is unchanged.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), MediumError> {
        for (at, range) in split(offset, bytes.len()) {
            let part = &bytes[range];
            let (page, start) = (at / PAGE_SIZE, (at % PAGE_SIZE) as usize);
            if !self.cached.contains(page) {
                let mut whole: Page = [0; PAGE];
                if part.len() < PAGE {
                    self.read(View::Cached, page * PAGE_SIZE, &mut whole)?;
                }
                self.cached.insert(page, Arc::new(whole));
            }
            if let Some(whole) = self.cached.get_mut(page) {
                whole[start..start + part.len()].copy_from_slice(part);
            }
        }
        if let Some(changes) = &mut self.changes {
            let bytes = bytes.to_vec();
            changes.push(Change::Write { offset, bytes });
        }
        Ok(())
    }

    /// Makes everything written so far durable.
    pub fn flush(&mut self) {
        self.durable.append(&mut self.cached);
        if let Some(changes) = &mut self.changes {
            changes.push(Change::Flush);
        }
    }

    /// Loses everything that no flush has made durable, as a power cut would.
    pub fn drop_cache(&mut self) {
        self.cached.clear();
    }

    /// How many pages of 4 KiB hold writes that no flush has made durable.
    pub fn unflushed(&self) -> usize {
        self.cached.len()
    }

    /// Whether everything written is durable.
    pub fn is_flushed(&self) -> bool {
        self.cached.is_empty()
    }

    /// The pages of 4 KiB that the guest has written, by number and in order, with what `view` has in them. The
    /// last one may reach beyond the image's end, with zeros.
    pub fn modified(&self, view: View) -> impl Iterator<Item = (u64, &[u8])> {
        let cached: &Pages = match view {
            View::Cached => &self.cached,
            View::Durable => const { &Pages::new() },
        };
        // A merge of two sorted maps in which the cached page hides the durable one.
        let mut durable = self
            .durable
            .iter()
            .filter(|(page, _)| !cached.contains(*page))
            .peekable();
        let mut cached = cached.iter().peekable();
        std::iter::from_fn(move || {
            let first = match (durable.peek(), cached.peek()) {
                (Some((a, _)), Some((b, _))) if a < b => durable.next(),
                (Some(_), None) => durable.next(),
                _ => cached.next(),
            };
            first.map(|(page, bytes)| (page, &bytes[..]))
        })
    }

    /// The same pages for whoever keeps them, shared.
    pub fn pages(&self, view: View) -> Pages {
        let mut pages = self.durable.clone();
        if view == View::Cached {
            pages.append(&mut self.cached.clone());
        }
        pages
    }

    fn written(&self, view: View, page: u64) -> Option<&[u8]> {
        let cached = self.cached.get(page).filter(|_| view == View::Cached);
        cached
            .or_else(|| self.durable.get(page))
            .map(|bytes| &bytes[..])
    }

    /// Reads from the image, and zeros behind its end.
    fn read_medium(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), MediumError> {
        let left = self.medium.len().saturating_sub(offset);
        let inside = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let (inside, behind) = buffer.split_at_mut(inside);
        behind.fill(0);
        if inside.is_empty() {
            return Ok(());
        }
        self.medium.read_at(offset, inside)
    }
}

/// Cuts `len` bytes at `offset` at page borders: where each part begins on the disk, and which part it is.
fn split(offset: u64, len: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let part = (len - done).min(PAGE - (at % PAGE_SIZE) as usize);
        let range = done..done + part;
        done += part;
        (part != 0).then_some((at, range))
    })
}

impl State for Disk {
    /// Both layers; the image itself is configuration.
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        let pages = self.sectors().div_ceil(PAGE_SIZE / SECTOR);
        for layer in [&mut self.durable, &mut self.cached] {
            codec.pages(layer)?;
            if layer.last().is_some_and(|last| last >= pages) {
                return Err(CodecError::BadValue { field: "disk page" });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::round_trip;

    fn disk() -> Disk {
        Disk::new(Box::new(vec![0x11; 3 * PAGE + 100]))
    }

    fn byte(disk: &mut Disk, view: View, offset: u64) -> u8 {
        let mut byte = [0];
        disk.read(view, offset, &mut byte).unwrap();
        byte[0]
    }

    #[test]
    fn a_write_is_read_back_at_once_and_is_durable_after_a_flush() {
        let mut disk = disk();
        disk.write(PAGE_SIZE - 1, &[1, 2]).unwrap();
        assert_eq!(byte(&mut disk, View::Cached, PAGE_SIZE), 2);
        assert_eq!(byte(&mut disk, View::Durable, PAGE_SIZE), 0x11);
        disk.flush();
        assert!(disk.is_flushed());
        disk.write(PAGE_SIZE, &[3]).unwrap();
        assert_eq!(byte(&mut disk, View::Cached, PAGE_SIZE), 3);
        disk.drop_cache();
        assert_eq!(byte(&mut disk, View::Cached, PAGE_SIZE), 2);
        assert_eq!(byte(&mut disk, View::Cached, PAGE_SIZE + 1), 0x11);
    }

    #[test]
    fn the_modified_pages_come_in_order_and_the_cached_ones_first_in_rank() {
        let mut disk = disk();
        for page in [2, 0] {
            disk.write(page * PAGE_SIZE, &[1]).unwrap();
        }
        disk.flush();
        for page in [1, 2] {
            disk.write(page * PAGE_SIZE, &[2]).unwrap();
        }
        let seen = |view| -> Vec<(u64, u8)> {
            disk.modified(view)
                .map(|(page, bytes)| (page, bytes[0]))
                .collect()
        };
        assert_eq!(seen(View::Cached), [(0, 1), (1, 2), (2, 2)]);
        assert_eq!(seen(View::Durable), [(0, 1), (2, 1)]);
        for view in [View::Cached, View::Durable] {
            let pages = disk.pages(view);
            let shared = pages.iter().map(|(page, bytes)| (page, bytes[0]));
            assert_eq!(shared.collect::<Vec<_>>(), seen(view));
        }
    }

    #[test]
    fn what_is_done_is_recorded_in_order_for_whoever_asked() {
        let mut disk = disk();
        disk.write(0, &[1; 512]).unwrap();
        disk.record(true);
        disk.write(512, &[2; 512]).unwrap();
        disk.flush();
        let write = Change::Write {
            offset: 512,
            bytes: vec![2; 512],
        };
        assert_eq!(disk.take_changes(), [write, Change::Flush]);
        assert_eq!(disk.take_changes(), []);
    }

    #[test]
    fn an_exchanged_disk_has_the_image_under_it_and_nothing_in_its_cache() {
        let mut disk = disk();
        disk.write(0, &[1]).unwrap();
        let mut pages = Pages::new();
        pages.insert(1, Arc::new([7; PAGE]));
        disk.exchange(pages);
        assert!(disk.is_flushed());
        assert_eq!(byte(&mut disk, View::Cached, 0), 0x11);
        assert_eq!(byte(&mut disk, View::Cached, PAGE_SIZE), 7);
    }

    #[test]
    fn behind_an_image_of_odd_size_there_are_zeros() {
        let mut disk = disk();
        assert_eq!(disk.sectors(), 25);
        assert_eq!(byte(&mut disk, View::Cached, 3 * PAGE_SIZE + 99), 0x11);
        assert_eq!(byte(&mut disk, View::Cached, 3 * PAGE_SIZE + 100), 0);
    }

    #[test]
    fn the_state_comes_back_without_the_image() {
        let mut used = disk();
        used.write(5, &[1]).unwrap();
        used.flush();
        used.write(PAGE_SIZE, &[2]).unwrap();
        let mut fresh = disk();
        round_trip(&mut used, &mut fresh);
        assert_eq!(byte(&mut fresh, View::Durable, 5), 1);
        assert_eq!(byte(&mut fresh, View::Durable, PAGE_SIZE), 0x11);
    }
}
