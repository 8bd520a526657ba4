//! Regions: what an address space promises to show in a range of pages.

use abi::Errno;
use alloc::string::String;
use alloc::sync::Arc;

use super::address::PAGE_SIZE;
use super::frame::Frame;
use super::protection::Protection;

/// A file whose pages can appear in memory; the file system implements it.
pub trait Mappable: Send + Sync {
    /// The page at byte `index * 4096` with zeros behind the end of the file, to be mapped without the right to
    /// write. `ENXIO` if it lies behind the end as a whole.
    fn page(&self, index: u64) -> Result<Frame, Errno>;

    /// Path, as /proc/<pid>/maps shows it.
    fn path(&self) -> String;
}

/// Where a region's pages come from the first time they are touched.
#[derive(Clone)]
pub enum Backing {
    /// Zeros.
    Anonymous,
    /// A file.
    File {
        /// The file.
        file: Arc<dyn Mappable>,
        /// Offset in the file of the region's first byte; a multiple of the page size.
        offset: u64,
        /// Bytes, from the region's start, that come from the file; zeros follow.
        len: u64,
    },
}

/// A range of pages with the same rights and the same origin.
#[derive(Clone)]
pub struct Region {
    /// First address, a multiple of the page size.
    pub start: usize,
    /// Address behind the last byte, a multiple of the page size.
    pub end: usize,
    /// What the program may do.
    pub protection: Protection,
    /// Where the pages come from.
    pub backing: Backing,
    /// Whether it is a stack, which grows towards lower addresses when touched below its start.
    pub grows_down: bool,
}

impl Region {
    /// A region of zeros.
    pub fn anonymous(start: usize, end: usize, protection: Protection) -> Self {
        Region { start, end, protection, backing: Backing::Anonymous, grows_down: false }
    }

    /// Cuts off and returns what lies from `at` on; `at` is a page border inside.
    pub fn split_off(&mut self, at: usize) -> Region {
        let mut upper = self.clone();
        upper.start = at;
        upper.grows_down = false;
        if let Backing::File { offset, len, .. } = &mut upper.backing {
            let cut = (at - self.start) as u64;
            *offset += cut;
            *len = len.saturating_sub(cut);
        }
        self.end = at;
        upper
    }

    /// The page at `address` as it is before the program has written to it, and whether the frame belongs
    /// to a file, so that a write must copy it first.
    pub fn first_page(&self, address: usize) -> Result<(Frame, bool), Errno> {
        let Backing::File { file, offset, len } = &self.backing else {
            return Ok((Frame::zeroed()?, false));
        };
        let within = (address - self.start) as u64;
        let from_file = len.saturating_sub(within).min(PAGE_SIZE as u64) as usize;
        if from_file == 0 {
            return Ok((Frame::zeroed()?, false));
        }
        let page = file.page((offset + within) / PAGE_SIZE as u64)?;
        if from_file == PAGE_SIZE {
            return Ok((page, true));
        }
        // The segment ends inside this page, and zeros follow (.bss).
        let frame = page.duplicate()?;
        frame.clear_from(from_file);
        Ok((frame, false))
    }
}
