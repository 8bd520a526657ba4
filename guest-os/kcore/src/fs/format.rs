//! Making a file system (mkfs).

use super::Fs;
use super::dir::init_block;
use super::geometry::{Geometry, LOG_MIN_BODY, MountError};
use super::inode::NewFile;
use super::store::{BlockStore, zero_block};
use abi::Record;
use abi::layout::{
    BITS_PER_BLOCK, BLOCK_SIZE, INODE_SIZE, LOG_MAX_BODY, LOG_START, ORPHANS, ROOT_INO, SUPERBLOCK,
};
use abi::stat::S_IFDIR;
use abi::time::Timespec;

/// The shape of a new file system; `None` chooses by the size of the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatOptions {
    /// Inodes: files, directories and links that fit. Default: one for every four blocks.
    pub inodes: Option<u32>,
    /// Blocks of the log. Default: a thirty-second of the disk, within bounds.
    pub log_blocks: Option<u32>,
    /// Time of the root directory.
    pub now: Timespec,
}

impl<S: BlockStore> Fs<S> {
    /// Makes an empty file system on a disk and mounts it. What was there is lost.
    pub fn format(mut store: S, options: &FormatOptions) -> Result<Fs<S>, MountError> {
        let blocks = u32::try_from(store.blocks()).unwrap_or(u32::MAX);
        let inodes = options.inodes.unwrap_or((blocks / 4).clamp(64, 1 << 20));
        let default_log = (blocks / 32).clamp(LOG_MIN_BODY + 1, LOG_MAX_BODY as u32 + 1);
        let disk = Geometry::new(blocks, inodes, options.log_blocks.unwrap_or(default_log))?;
        let mut block = zero_block();
        for empty in [ORPHANS, LOG_START]
            .into_iter()
            .chain(disk.inode_table..disk.data)
        {
            store.write(empty, &block)?;
        }
        // In use: inode 0 (which is none) and the root; all blocks before the data and the root's.
        write_bitmap(
            &mut store,
            disk.inode_bitmap..disk.block_bitmap,
            ROOT_INO + 1,
        )?;
        write_bitmap(
            &mut store,
            disk.block_bitmap..disk.inode_table,
            disk.data + 1,
        )?;

        let new = NewFile {
            perm: 0o755,
            uid: 0,
            gid: 0,
            now: options.now,
        };
        let mut root = Self::fresh_inode(S_IFDIR, &new);
        root.size = BLOCK_SIZE as u64;
        root.nlink = 2;
        root.blocks = 1;
        root.direct[0] = disk.data;
        root.put(&mut block[ROOT_INO as usize * INODE_SIZE..]);
        store.write(disk.inode_table, &block)?;
        block.fill(0);
        init_block(&mut block, ROOT_INO, ROOT_INO);
        store.write(disk.data, &block)?;

        // The superblock comes last: an interrupted mkfs leaves no file system.
        store.flush()?;
        disk.superblock(&mut block);
        store.write(SUPERBLOCK, &block)?;
        store.flush()?;
        Fs::mount(store)
    }
}

/// Writes a bitmap whose first `used` bits are set.
fn write_bitmap(
    store: &mut impl BlockStore,
    bitmap: core::ops::Range<u32>,
    used: u32,
) -> Result<(), MountError> {
    for (number, block) in bitmap.enumerate() {
        let mut bits = zero_block();
        let here = used
            .saturating_sub(number as u32 * BITS_PER_BLOCK)
            .min(BITS_PER_BLOCK);
        bits[..here as usize / 8].fill(0xff);
        if !here.is_multiple_of(8) {
            bits[here as usize / 8] = (1 << (here % 8)) - 1;
        }
        store.write(block, &bits)?;
    }
    Ok(())
}
