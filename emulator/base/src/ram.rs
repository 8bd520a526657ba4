//! Guest RAM: flat, allocated lazily by the host, and written through one function.
//!
//! Each page carries host-only marks. `DIRTY` says that the page changed since the last hash, `CHANGED` that it
//! changed since the last snapshot, `COUNTED` that it was written since somebody began to count, `CODE` that lifted code
//! came from it. A CPU's fast path may write a page directly only while it has the first three and holds no code ([`Ram::fast_writable`]); every other write comes through
//! [`Ram::write`] or [`Ram::write_bytes`], which set the marks and record writes that hit code. Whenever a page stops
//! being fast-writable the *epoch* moves on, and whoever remembers fast pages must forget them. [`snapshot`] is how
//! memory goes back to what it was.

mod snapshot;

use crate::addr::{PAGE_SIZE, Phys, Width};
use crate::codec::{Codec, CodecError, State};
use crate::pages::Pages;
use std::collections::BTreeMap;

/// Bytes of the fragments at which lifted code is tracked inside a page: 64 of them, one bit each.
pub const FRAGMENT: u64 = 64;

const DIRTY: u8 = 1;
const CODE: u8 = 2;
const CHANGED: u8 = 4;
const COUNTED: u8 = 8;
/// What a page must be to be written by the fast path.
const WRITTEN: u8 = DIRTY | CHANGED | COUNTED;

/// The machine's memory: `len` bytes from guest-physical address `base`.
pub struct Ram {
    base: u64,
    bytes: Vec<u8>,
    marks: Vec<u8>,
    code: BTreeMap<u64, u64>,
    code_writes: Vec<(u64, u64)>,
    epoch: u64,
    /// The pages marked as changed, by index.
    changed: Vec<u32>,
    /// How many pages are marked as counted.
    counted: usize,
    /// What all other pages hold: the last snapshot that was taken or restored, zero at first.
    origin: Pages,
}

impl Ram {
    /// Zeroed memory; both numbers are whole pages. The host gives pages as they are touched.
    pub fn new(base: Phys, len: u64) -> Self {
        assert!(
            base.0.is_multiple_of(PAGE_SIZE) && len.is_multiple_of(PAGE_SIZE),
            "RAM is made of whole pages"
        );
        Self {
            base: base.0,
            bytes: vec![0; len as usize],
            marks: vec![0; (len / PAGE_SIZE) as usize],
            code: BTreeMap::new(),
            code_writes: Vec::new(),
            epoch: 0,
            changed: Vec::new(),
            counted: 0,
            origin: Pages::new(),
        }
    }

    /// The first guest-physical address.
    pub const fn base(&self) -> Phys {
        Phys(self.base)
    }

    /// Its addresses.
    pub const fn addresses(&self) -> std::ops::Range<u64> {
        self.base().0..self.base().0 + self.len()
    }

    /// Bytes of memory.
    pub const fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether there is no memory at all.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The offset of `len` bytes at `addr`, if all of them are RAM.
    #[inline]
    pub fn offset(&self, addr: Phys, len: u64) -> Option<usize> {
        let offset = addr.0.wrapping_sub(self.base);
        let end = offset.checked_add(len)?;
        (end <= self.bytes.len() as u64).then_some(offset as usize)
    }

    /// Whether one byte at `addr` is RAM.
    #[inline]
    pub fn contains(&self, addr: Phys) -> bool {
        self.offset(addr, 1).is_some()
    }

    /// Reads a scalar; `None` if any byte is not RAM.
    #[inline]
    pub fn read(&self, addr: Phys, width: Width) -> Option<u64> {
        let offset = self.offset(addr, width.bytes())?;
        Some(self.read_at(offset, width))
    }

    /// Reads a scalar at an offset that [`Ram::offset`] gave.
    ///
    /// # Panics
    /// If the offset is out of range.
    #[inline]
    pub fn read_at(&self, offset: usize, width: Width) -> u64 {
        let b = &self.bytes[offset..offset + width.bytes() as usize];
        match width {
            Width::B1 => u64::from(b[0]),
            Width::B2 => u64::from(u16::from_le_bytes([b[0], b[1]])),
            Width::B4 => u64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])),
            Width::B8 => u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]),
        }
    }

    /// Writes a scalar; `None` (and no change) if any byte is not RAM.
    #[inline]
    pub fn write(&mut self, addr: Phys, width: Width, value: u64) -> Option<()> {
        self.write_bytes(addr, &value.to_le_bytes()[..width.bytes() as usize])
    }

    /// Writes a scalar at an offset in a page that [`Ram::fast_writable`] allows.
    ///
    /// # Panics
    /// If the offset is out of range.
    #[inline]
    pub fn write_fast(&mut self, offset: usize, width: Width, value: u64) {
        debug_assert!(self.fast_writable(offset));
        let b = &mut self.bytes[offset..offset + width.bytes() as usize];
        match width {
            Width::B1 => b[0] = value as u8,
            Width::B2 => b.copy_from_slice(&(value as u16).to_le_bytes()),
            Width::B4 => b.copy_from_slice(&(value as u32).to_le_bytes()),
            Width::B8 => b.copy_from_slice(&value.to_le_bytes()),
        }
    }

    /// The bytes at `addr`, if all of them are RAM.
    pub fn slice(&self, addr: Phys, len: u64) -> Option<&[u8]> {
        let offset = self.offset(addr, len)?;
        Some(&self.bytes[offset..offset + len as usize])
    }

    /// Writes `data` at `addr`, marks the pages dirty and records hits on code; `None` if any byte is not RAM.
    pub fn write_bytes(&mut self, addr: Phys, data: &[u8]) -> Option<()> {
        let offset = self.offset(addr, data.len() as u64)?;
        self.bytes[offset..offset + data.len()].copy_from_slice(data);
        self.touched(offset, data.len());
        Some(())
    }

    /// Fills `len` bytes at `addr` with `value`, as [`Ram::write_bytes`] would.
    pub fn fill(&mut self, addr: Phys, len: u64, value: u8) -> Option<()> {
        let offset = self.offset(addr, len)?;
        self.bytes[offset..offset + len as usize].fill(value);
        self.touched(offset, len as usize);
        Some(())
    }

    fn touched(&mut self, offset: usize, len: usize) {
        if len == 0 {
            return;
        }
        let page_size = PAGE_SIZE as usize;
        for page in offset / page_size..=(offset + len - 1) / page_size {
            self.mark_written(page);
            if self.marks[page] & CODE != 0 {
                let first = offset.max(page * page_size) - page * page_size;
                let last = (offset + len).min((page + 1) * page_size) - 1 - page * page_size;
                let written = fragments(first as u64, last as u64);
                let held = self.code.get(&(page as u64)).copied().unwrap_or(0);
                if held & written != 0 {
                    self.code_writes
                        .push((page as u64 + self.base / PAGE_SIZE, held & written));
                }
            }
        }
    }

    #[inline]
    fn mark_written(&mut self, page: usize) {
        if self.marks[page] & CHANGED == 0 {
            self.changed.push(page as u32);
        }
        self.counted += usize::from(self.marks[page] & COUNTED == 0);
        self.marks[page] |= WRITTEN;
    }

    /// Whether the page at `offset` may be written without coming through [`Ram::write`].
    #[inline]
    pub fn fast_writable(&self, offset: usize) -> bool {
        self.marks[offset / PAGE_SIZE as usize] == WRITTEN
    }

    /// Begins to count the pages that are written.
    pub fn count_anew(&mut self) {
        self.marks.iter_mut().for_each(|mark| *mark &= !COUNTED);
        self.counted = 0;
        self.epoch += 1;
    }

    /// How many pages were written since [`Ram::count_anew`].
    pub const fn counted(&self) -> usize {
        self.counted
    }

    /// Moves on whenever a page stops being fast-writable.
    #[inline]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Notes that code was lifted from `len` bytes at `addr`, which lie in one page.
    pub fn mark_code(&mut self, addr: Phys, len: u64) {
        let Some(offset) = self.offset(addr, len.max(1)) else {
            return;
        };
        let page = offset as u64 / PAGE_SIZE;
        let first = offset as u64 % PAGE_SIZE;
        *self.code.entry(page).or_insert(0) |=
            fragments(first, (first + len.max(1) - 1).min(PAGE_SIZE - 1));
        let mark = &mut self.marks[page as usize];
        if *mark & CODE == 0 {
            *mark |= CODE;
            self.epoch += 1;
        }
    }

    /// Forgets that the page numbered `page` holds code: none of it is cached any longer.
    pub fn clear_code(&mut self, page: u64) {
        let index = page.wrapping_sub(self.base / PAGE_SIZE);
        self.code.remove(&index);
        if let Some(mark) = self.marks.get_mut(index as usize) {
            *mark &= !CODE;
        }
    }

    /// Code is cached from no more than `held` of the fragments of the page numbered `page`.
    pub fn keep_code(&mut self, page: u64, held: u64) {
        let index = page.wrapping_sub(self.base / PAGE_SIZE);
        if let Some(code) = self.code.get_mut(&index) {
            *code &= held;
        }
    }

    /// Whether code was written since [`Ram::take_code_writes`].
    #[inline]
    pub const fn code_written(&self) -> bool {
        !self.code_writes.is_empty()
    }

    /// The pages (by number) and fragments of lifted code that were written since the last call.
    pub fn take_code_writes(&mut self) -> Vec<(u64, u64)> {
        std::mem::take(&mut self.code_writes)
    }

    /// Calls `page` with the number and bytes of every dirty page in order, and makes all pages clean.
    pub fn take_dirty(&mut self, mut page: impl FnMut(u64, &[u8])) {
        let size = PAGE_SIZE as usize;
        for (index, mark) in self.marks.iter_mut().enumerate() {
            if *mark & DIRTY != 0 {
                *mark &= !DIRTY;
                page(
                    index as u64 + self.base / PAGE_SIZE,
                    &self.bytes[index * size..(index + 1) * size],
                );
            }
        }
        self.epoch += 1;
    }
}

/// The fragments from byte `first` to byte `last` of a page, a bit each.
const fn fragments(first: u64, last: u64) -> u64 {
    let (low, high) = (first / FRAGMENT, last / FRAGMENT);
    (u64::MAX >> (63 - (high - low))) << low
}

impl State for Ram {
    /// Non-zero pages only, each behind its index; the rest is zero by definition.
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("ram", 1)?;
        let mut len = self.len();
        codec.u64(&mut len)?;
        if len != self.len() {
            return Err(CodecError::BadValue { field: "ram size" });
        }
        let size = PAGE_SIZE as usize;
        let zero = |page: &[u8]| page.iter().all(|&b| b == 0);
        let mut kept: Vec<u64> = if codec.loading() {
            Vec::new()
        } else {
            (0u64..)
                .zip(self.bytes.chunks(size))
                .filter(|(_, p)| !zero(p))
                .map(|(i, _)| i)
                .collect()
        };
        codec.list(&mut kept, |c, index| c.u64(index))?;
        if codec.loading() {
            self.bytes.fill(0);
            (0..self.marks.len()).for_each(|page| self.mark_written(page));
            // What was lifted came from other bytes.
            let first = self.base / PAGE_SIZE;
            let code = self.code.iter().map(|(page, held)| (page + first, *held));
            self.code_writes.extend(code);
            self.epoch += 1;
        }
        for index in kept {
            let start = usize::try_from(index)
                .ok()
                .and_then(|i| i.checked_mul(size));
            let page = start.and_then(|s| self.bytes.get_mut(s..s.checked_add(size)?));
            codec.bytes(page.ok_or(CodecError::BadValue { field: "ram page" })?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_to_lifted_code_is_recorded_and_its_neighbour_is_not() {
        let mut ram = Ram::new(Phys(0x1000), 0x2000);
        ram.mark_code(Phys(0x1040), 16);
        ram.write(Phys(0x1000), Width::B8, 1);
        assert!(!ram.code_written());
        ram.write(Phys(0x103f), Width::B2, 1);
        assert_eq!(ram.take_code_writes(), [(1, 2)]);
    }

    #[test]
    fn pages_are_counted_once_and_anew_when_asked() {
        let mut ram = Ram::new(Phys(0), 0x3000);
        ram.write(Phys(0xfff), Width::B2, 0x101);
        ram.write(Phys(0x1008), Width::B8, 1);
        assert_eq!(ram.counted(), 2);
        let epoch = ram.epoch();
        ram.count_anew();
        assert!(ram.epoch() > epoch && !ram.fast_writable(0));
        ram.write(Phys(0), Width::B1, 1);
        assert_eq!(ram.counted(), 1);
        assert!(ram.fast_writable(0));
    }

    #[test]
    fn a_page_is_fast_only_while_dirty_and_free_of_code() {
        let mut ram = Ram::new(Phys(0), 0x2000);
        assert!(!ram.fast_writable(0));
        ram.write(Phys(0), Width::B1, 1);
        assert!(ram.fast_writable(0));
        let epoch = ram.epoch();
        ram.mark_code(Phys(8), 1);
        assert!(!ram.fast_writable(0));
        assert!(ram.epoch() > epoch);
        ram.clear_code(0);
        assert!(ram.fast_writable(0));
        ram.take_dirty(|page, _| assert_eq!(page, 0));
        assert!(!ram.fast_writable(0));
    }

    #[test]
    fn whatever_was_lifted_before_a_load_is_to_be_forgotten() {
        let mut ram = Ram::new(Phys(0x1000), 0x3000);
        ram.mark_code(Phys(0x2040), 80);
        let saved = crate::codec::save(&mut Ram::new(Phys(0x1000), 0x3000));
        assert_eq!(crate::codec::load(&mut ram, &saved), Ok(()));
        assert_eq!(ram.take_code_writes(), [(2, 0b110)]);
    }

    #[test]
    fn accesses_that_leave_ram_are_refused() {
        let mut ram = Ram::new(Phys(0x1000), 0x1000);
        assert_eq!(ram.read(Phys(0xfff), Width::B1), None);
        assert_eq!(ram.read(Phys(0x1ffd), Width::B4), None);
        assert_eq!(ram.write(Phys(u64::MAX), Width::B8, 0), None);
        assert!(ram.slice(Phys(0x1000), u64::MAX).is_none());
    }
}
