//! Where the regions of a disk lie, and the reading of the superblock that says so.

use super::crc::crc32c;
use super::store::{Block, BlockStore, zero_block};
use abi::layout::{
    BITS_PER_BLOCK, BLOCK_SIZE, INODES_PER_BLOCK, LOG_MAX_BODY, LOG_START, MAGIC, SUPERBLOCK,
    Superblock, VERSION,
};
use abi::{Errno, Record};
use core::fmt;

/// Fewest blocks a log may have besides its header; the largest operation fits.
pub(super) const LOG_MIN_BODY: u32 = 32;

/// Why a disk cannot be mounted or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountError {
    /// There is no Silica file system.
    NoFileSystem,
    /// The file system is of a version that this code does not know.
    Version(u32),
    /// The file system is larger than the disk.
    Truncated {
        /// Blocks the file system says it has.
        expected: u32,
        /// Blocks of the disk.
        found: u64,
    },
    /// The disk cannot hold a file system of this shape.
    TooSmall,
    /// A structure makes no sense.
    Damaged(&'static str),
    /// The disk failed, or an operation on the way did.
    Failed(Errno),
}

impl fmt::Display for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MountError::NoFileSystem => f.write_str("no Silica file system on the disk"),
            MountError::Version(version) => {
                write!(
                    f,
                    "file system of version {version}, this program knows {VERSION}"
                )
            }
            MountError::Truncated { expected, found } => {
                write!(
                    f,
                    "disk has {found} blocks of 4 KiB, its file system needs {expected}"
                )
            }
            MountError::TooSmall => f.write_str("disk too small for a file system"),
            MountError::Damaged(what) => write!(f, "damaged file system: {what}"),
            MountError::Failed(errno) => write!(f, "{errno}"),
        }
    }
}

impl core::error::Error for MountError {}

impl From<Errno> for MountError {
    fn from(errno: Errno) -> MountError {
        MountError::Failed(errno)
    }
}

impl From<super::store::IoError> for MountError {
    fn from(_: super::store::IoError) -> MountError {
        MountError::Failed(Errno::EIO)
    }
}

impl From<MountError> for Errno {
    fn from(error: MountError) -> Errno {
        match error {
            MountError::NoFileSystem | MountError::Version(_) => Errno::EINVAL,
            MountError::Truncated { .. } | MountError::Damaged(_) => Errno::EUCLEAN,
            MountError::TooSmall => Errno::ENOSPC,
            MountError::Failed(errno) => errno,
        }
    }
}

/// The regions of a disk, each by its first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub blocks: u32,
    pub inodes: u32,
    /// Blocks of the log behind its header.
    pub log_body: u32,
    pub inode_bitmap: u32,
    pub block_bitmap: u32,
    pub inode_table: u32,
    pub data: u32,
}

impl Geometry {
    /// The regions that follow from the superblock's counts.
    pub(super) fn new(blocks: u32, inodes: u32, log_blocks: u32) -> Result<Geometry, MountError> {
        let log_body = log_blocks.saturating_sub(1);
        if !(LOG_MIN_BODY..=LOG_MAX_BODY as u32).contains(&log_body) || inodes < 2 {
            return Err(MountError::TooSmall);
        }
        // Sums of u64 cannot overflow: each region is smaller than 2^32 blocks.
        let inode_bitmap = u64::from(LOG_START) + u64::from(log_blocks);
        let block_bitmap = inode_bitmap + u64::from(inodes.div_ceil(BITS_PER_BLOCK));
        let inode_table = block_bitmap + u64::from(blocks.div_ceil(BITS_PER_BLOCK));
        let data = inode_table + u64::from(inodes.div_ceil(INODES_PER_BLOCK));
        if data >= u64::from(blocks) {
            return Err(MountError::TooSmall);
        }
        Ok(Geometry {
            blocks,
            inodes,
            log_body,
            inode_bitmap: inode_bitmap as u32,
            block_bitmap: block_bitmap as u32,
            inode_table: inode_table as u32,
            data: data as u32,
        })
    }

    /// Reads and checks the superblock.
    pub(super) fn read(store: &mut impl BlockStore) -> Result<Geometry, MountError> {
        let mut block = zero_block();
        if store.blocks() == 0 {
            return Err(MountError::NoFileSystem);
        }
        store.read(SUPERBLOCK, &mut block)?;
        let superblock = Superblock::get(&block[..]);
        if superblock.magic != MAGIC {
            return Err(MountError::NoFileSystem);
        }
        if superblock.version != VERSION {
            return Err(MountError::Version(superblock.version));
        }
        if superblock.crc != checksum(&superblock) || superblock.block_size != BLOCK_SIZE as u32 {
            return Err(MountError::Damaged("superblock"));
        }
        if u64::from(superblock.blocks) > store.blocks() {
            let (expected, found) = (superblock.blocks, store.blocks());
            return Err(MountError::Truncated { expected, found });
        }
        Geometry::new(superblock.blocks, superblock.inodes, superblock.log_blocks)
            .map_err(|_| MountError::Damaged("superblock"))
    }

    /// The block of a superblock that [`read`](Self::read) understands.
    pub(super) fn superblock(&self, block: &mut Block) {
        let mut superblock = Superblock {
            magic: MAGIC,
            version: VERSION,
            block_size: BLOCK_SIZE as u32,
            blocks: self.blocks,
            inodes: self.inodes,
            log_blocks: self.log_body + 1,
            crc: 0,
        };
        superblock.crc = checksum(&superblock);
        block.fill(0);
        superblock.put(&mut block[..]);
    }

    /// Blocks of the block bitmap.
    pub(super) fn bitmap_blocks(&self) -> usize {
        (self.inode_table - self.block_bitmap) as usize
    }

    /// May a block pointer name this block?
    pub(super) fn is_data(&self, block: u32) -> bool {
        (self.data..self.blocks).contains(&block)
    }

    /// May the log bring this block home?
    pub(super) fn is_logged(&self, block: u32) -> bool {
        block == abi::layout::ORPHANS || (self.inode_bitmap..self.blocks).contains(&block)
    }
}

fn checksum(superblock: &Superblock) -> u32 {
    let bytes = superblock.to_bytes();
    crc32c(&bytes[..bytes.len() - 4])
}
