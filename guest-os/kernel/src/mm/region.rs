//! Regions: what an address space promises to show in a range of pages.

use abi::Errno;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;

use super::address::PAGE_SIZE;
use super::fault::Kind;
use super::frame::Frame;
use super::protection::Protection;
use crate::sync::SleepLock;

/// A page of a file.
pub struct FilePage {
    /// The page, not to be written.
    pub frame: Frame,
    /// Whether the disk had to be asked for it.
    pub was_read: bool,
}

/// A file whose pages can appear in memory; the file system implements it.
pub trait Mappable: Send + Sync {
    /// The page at byte `index * 4096` with zeros behind the end of the file, to be mapped without the right to
    /// write. `ENXIO` if it lies behind the end as a whole.
    fn page(&self, index: u64) -> Result<FilePage, Errno>;

    /// Path, as /proc/<pid>/maps shows it.
    fn path(&self) -> String;
}

/// Where a region's pages come from the first time they are touched.
#[derive(Clone)]
pub enum Backing {
    /// Zeros.
    Anonymous,
    /// Pages that several address spaces share, writes included.
    Shared {
        /// The pages.
        pages: Arc<SharedPages>,
        /// Offset in them of the region's first byte.
        offset: u64,
    },
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

/// Zero pages that appear when one of those who share them touches them first.
pub struct SharedPages {
    frames: SleepLock<BTreeMap<u64, Frame>>,
}

impl Default for SharedPages {
    fn default() -> Self {
        SharedPages {
            frames: SleepLock::new(c"shared_pages", BTreeMap::new()),
        }
    }
}

impl SharedPages {
    fn page(&self, index: u64) -> Result<FirstPage, Errno> {
        let mut frames = self.frames.lock();
        if let Some(frame) = frames.get(&index) {
            return Ok(FirstPage {
                frame: frame.clone(),
                is_files: false,
                kind: Kind::Minor,
            });
        }
        let page = FirstPage::zeroed()?;
        frames.insert(index, page.frame.clone());
        Ok(page)
    }
}

/// A page that a program touches for the first time.
pub struct FirstPage {
    /// The page.
    pub frame: Frame,
    /// Whether the frame belongs to a file, so that a write must copy it first.
    pub is_files: bool,
    /// Where it came from.
    pub kind: Kind,
}

impl FirstPage {
    fn zeroed() -> Result<Self, Errno> {
        Ok(FirstPage {
            frame: Frame::zeroed()?,
            is_files: false,
            kind: Kind::Zero,
        })
    }
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
        Region {
            start,
            end,
            protection,
            backing: Backing::Anonymous,
            grows_down: false,
        }
    }

    /// Whether writes are meant for everybody who maps the same.
    pub fn is_shared(&self) -> bool {
        matches!(self.backing, Backing::Shared { .. })
    }

    /// Cuts off and returns what lies from `at` on; `at` is a page border inside.
    pub fn split_off(&mut self, at: usize) -> Region {
        let mut upper = self.clone();
        upper.start = at;
        upper.grows_down = false;
        let cut = (at - self.start) as u64;
        match &mut upper.backing {
            Backing::Anonymous => {}
            Backing::Shared { offset, .. } => *offset += cut,
            Backing::File { offset, len, .. } => {
                *offset += cut;
                *len = len.saturating_sub(cut);
            }
        }
        self.end = at;
        upper
    }

    /// The page at `address` as it is before the program has written to it.
    pub fn first_page(&self, address: usize) -> Result<FirstPage, Errno> {
        let within = (address - self.start) as u64;
        let (file, offset, len) = match &self.backing {
            Backing::Anonymous => return FirstPage::zeroed(),
            Backing::Shared { pages, offset } => {
                return pages.page((offset + within) / PAGE_SIZE as u64);
            }
            Backing::File { file, offset, len } => (file, offset, len),
        };
        let from_file = len.saturating_sub(within).min(PAGE_SIZE as u64) as usize;
        if from_file == 0 {
            return FirstPage::zeroed();
        }
        let page = file.page((offset + within) / PAGE_SIZE as u64)?;
        let kind = if page.was_read {
            Kind::Major
        } else {
            Kind::Minor
        };
        if from_file == PAGE_SIZE {
            return Ok(FirstPage {
                frame: page.frame,
                is_files: true,
                kind,
            });
        }
        // The segment ends inside this page, and zeros follow (.bss).
        let frame = page.frame.duplicate()?;
        frame.clear_from(from_file);
        Ok(FirstPage {
            frame,
            is_files: false,
            kind,
        })
    }
}
