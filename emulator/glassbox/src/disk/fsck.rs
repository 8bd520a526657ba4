//! The check of a guest's file system, from outside and with a hand that the guest does not guide.

use super::Layer;
use abi::layout::BLOCK_SIZE;
use base::{PAGE_SIZE, Pages};
use kcore::fs::{Block, BlockStore, IoError, MountError, Report};

/// A disk with pages over it, to be read only.
struct Over<'a> {
    disk: &'a Layer,
    pages: &'a Pages,
}

impl BlockStore for Over<'_> {
    fn blocks(&self) -> u64 {
        self.disk.len() / BLOCK_SIZE as u64
    }

    fn read(&mut self, block: u32, out: &mut Block) -> Result<(), IoError> {
        match self.pages.get(block.into()) {
            Some(page) => {
                *out = *page;
                Ok(())
            }
            None => self
                .disk
                .read_at(u64::from(block) * PAGE_SIZE, out)
                .map_err(|_| IoError),
        }
    }

    fn write(&mut self, _: u32, _: &Block) -> Result<(), IoError> {
        Err(IoError)
    }

    fn flush(&mut self) -> Result<(), IoError> {
        Ok(())
    }
}

/// Checks the file system on `disk` with `pages` over it, as the next mount would find it; nothing is changed.
///
/// # Errors
/// There is no file system, or the image cannot be read.
pub fn fsck(disk: &Layer, pages: &Pages) -> Result<Report, MountError> {
    kcore::fs::fsck(&mut Over { disk, pages })
}

const _: () = assert!(BLOCK_SIZE as u64 == PAGE_SIZE);
