//! What the file system stands on: a disk of 4 KiB blocks with a volatile write cache.
//!
//! The promise that everything above relies on: a write may reach the medium at any time, in any
//! order, or, torn at a 512-byte sector, in part, until [`BlockStore::flush`] returns; from then on
//! every write made before the flush is on the medium. A read gives the newest write.

use abi::Errno;
use abi::layout::BLOCK_SIZE;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// The contents of one block.
pub type Block = [u8; BLOCK_SIZE];

/// The disk failed to carry out a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoError;

impl From<IoError> for Errno {
    fn from(_: IoError) -> Errno {
        Errno::EIO
    }
}

/// A disk.
pub trait BlockStore {
    /// Blocks of the disk.
    fn blocks(&self) -> u64;

    /// Reads a block.
    fn read(&mut self, block: u32, out: &mut Block) -> Result<(), IoError>;

    /// Writes a block, to the volatile cache at least.
    fn write(&mut self, block: u32, data: &Block) -> Result<(), IoError>;

    /// Returns when everything written so far is on the medium.
    fn flush(&mut self) -> Result<(), IoError>;

    /// What a block holds no longer matters, until it is written again: a cache may forget it.
    fn discard(&mut self, block: u32) {
        let _ = block;
    }

    /// Writes neighbouring blocks; a disk that takes long requests does it in one.
    fn write_run(&mut self, first: u32, run: &[&Block]) -> Result<(), IoError> {
        (first..)
            .zip(run)
            .try_for_each(|(block, data)| self.write(block, data))
    }
}

impl<S: BlockStore + ?Sized> BlockStore for &mut S {
    fn blocks(&self) -> u64 {
        (**self).blocks()
    }

    fn read(&mut self, block: u32, out: &mut Block) -> Result<(), IoError> {
        (**self).read(block, out)
    }

    fn write(&mut self, block: u32, data: &Block) -> Result<(), IoError> {
        (**self).write(block, data)
    }

    fn flush(&mut self) -> Result<(), IoError> {
        (**self).flush()
    }

    fn discard(&mut self, block: u32) {
        (**self).discard(block);
    }

    fn write_run(&mut self, first: u32, run: &[&Block]) -> Result<(), IoError> {
        (**self).write_run(first, run)
    }
}

/// A block of zeros on the heap, made without a copy on the stack.
pub(super) fn zero_block() -> Box<Block> {
    let Ok(block) = vec![0; BLOCK_SIZE].into_boxed_slice().try_into() else {
        unreachable!("the length is that of a block")
    };
    block
}

/// A disk image in memory: RAM disks, mkfs, tests.
#[derive(Clone, Debug)]
pub struct MemStore {
    bytes: Vec<u8>,
}

impl MemStore {
    /// An image of zeros.
    pub fn new(blocks: u32) -> MemStore {
        MemStore {
            bytes: vec![0; blocks as usize * BLOCK_SIZE],
        }
    }

    /// An image with these contents; a last part of a block is cut off.
    pub fn from_bytes(mut bytes: Vec<u8>) -> MemStore {
        bytes.truncate(bytes.len() - bytes.len() % BLOCK_SIZE);
        MemStore { bytes }
    }

    /// The image.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The image.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn block(&mut self, block: u32) -> Result<&mut Block, IoError> {
        let start = block as usize * BLOCK_SIZE;
        self.bytes
            .get_mut(start..)
            .and_then(<[u8]>::first_chunk_mut)
            .ok_or(IoError)
    }
}

impl BlockStore for MemStore {
    fn blocks(&self) -> u64 {
        (self.bytes.len() / BLOCK_SIZE) as u64
    }

    fn read(&mut self, block: u32, out: &mut Block) -> Result<(), IoError> {
        out.copy_from_slice(self.block(block)?);
        Ok(())
    }

    fn write(&mut self, block: u32, data: &Block) -> Result<(), IoError> {
        self.block(block)?.copy_from_slice(data);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), IoError> {
        Ok(())
    }
}
