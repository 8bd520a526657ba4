//! Checking a file system without changing it (fsck).
//!
//! The state that is checked is the one the next mount will see: blocks of a committed transaction
//! that still waits in the log count as installed. Inodes in the orphan table may have no name and
//! may have blocks past their end, since the mount will deal with them.
//!
//! This file checks inodes, their blocks, and the bitmaps; `names` checks directories and links.
//! Nothing is shared with the code that changes the disk, except the layout.

mod names;
#[cfg(test)]
mod tests;

use super::geometry::{Geometry, MountError};
use super::log::read_transaction;
use super::store::{Block, BlockStore, zero_block};
use abi::Record;
use abi::layout::{
    BITS_PER_BLOCK, BLOCK_SIZE, DIRECT, DiskInode, INODE_SIZE, INODES_PER_BLOCK, MAX_FILE_SIZE,
    ORPHANS, POINTERS,
};
use abi::stat::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Problems listed before the rest is only counted.
const LISTED: usize = 50;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// One line for each problem, at most 50.
    pub problems: Vec<String>,
    /// Problems in all.
    pub problem_count: usize,
    /// Inodes in use.
    pub inodes: usize,
    /// Blocks that belong to inodes.
    pub blocks: usize,
    /// Inodes that wait to be freed or cut.
    pub orphans: usize,
}

impl Report {
    /// Is the file system sound?
    pub fn is_clean(&self) -> bool {
        self.problem_count == 0
    }

    fn problem(&mut self, text: String) {
        self.problem_count += 1;
        if self.problems.len() < LISTED {
            self.problems.push(text);
        }
    }
}

/// Checks the file system on a disk. An error means that there is none, or that a read failed.
pub fn fsck<S: BlockStore>(store: &mut S) -> Result<Report, MountError> {
    let disk = Geometry::read(store)?;
    let waiting = read_transaction(store, &disk)?.map_or_else(Vec::new, |t| t.blocks);
    let mut check = Check {
        disk: Disk {
            store,
            waiting: waiting.into_iter().collect(),
            buffer: zero_block(),
        },
        owners: vec![0; disk.blocks as usize],
        geometry: disk,
        orphans: BTreeSet::new(),
        inodes: BTreeMap::new(),
        report: Report::default(),
    };
    check.orphan_table()?;
    check.inode_table()?;
    check.bitmaps()?;
    check.names()?;
    check.report.inodes = check.inodes.len();
    check.report.blocks = check.owners.iter().filter(|owner| **owner != 0).count();
    check.report.orphans = check.orphans.len();
    Ok(check.report)
}

/// The disk with the waiting transaction laid over it.
struct Disk<'a, S> {
    store: &'a mut S,
    waiting: BTreeMap<u32, Box<Block>>,
    buffer: Box<Block>,
}

impl<S: BlockStore> Disk<'_, S> {
    fn block(&mut self, block: u32) -> Result<&Block, MountError> {
        if let Some(body) = self.waiting.get(&block) {
            return Ok(body);
        }
        self.store.read(block, &mut self.buffer)?;
        Ok(&self.buffer)
    }

    fn pointers(&mut self, block: u32) -> Result<Vec<u32>, MountError> {
        Ok(self.block(block)?.chunks_exact(4).map(u32::get).collect())
    }
}

struct Check<'a, S> {
    disk: Disk<'a, S>,
    geometry: Geometry,
    report: Report,
    /// The inode that each block belongs to, or 0.
    owners: Vec<u32>,
    orphans: BTreeSet<u32>,
    /// Every inode in use.
    inodes: BTreeMap<u32, DiskInode>,
}

impl<S: BlockStore> Check<'_, S> {
    fn orphan_table(&mut self) -> Result<(), MountError> {
        for ino in self
            .disk
            .pointers(ORPHANS)?
            .into_iter()
            .filter(|ino| *ino != 0)
        {
            if !self.orphans.insert(ino) {
                self.report
                    .problem(format!("orphan table: inode {ino} twice"));
            }
        }
        Ok(())
    }

    fn inode_table(&mut self) -> Result<(), MountError> {
        for first in (0..self.geometry.inodes).step_by(INODES_PER_BLOCK as usize) {
            let block = self
                .disk
                .block(self.geometry.inode_table + first / INODES_PER_BLOCK)?;
            let slots = block.chunks_exact(INODE_SIZE).map(DiskInode::get);
            let used: Vec<(u32, DiskInode)> = (first..self.geometry.inodes)
                .zip(slots)
                .filter(|(_, i)| i.mode != 0)
                .collect();
            for (ino, inode) in used {
                self.inode(ino, &inode)?;
                self.inodes.insert(ino, inode);
            }
        }
        for &ino in &self.orphans {
            if !self.inodes.contains_key(&ino) {
                self.report
                    .problem(format!("orphan table: inode {ino} is not in use"));
            }
        }
        Ok(())
    }

    fn inode(&mut self, ino: u32, inode: &DiskInode) -> Result<(), MountError> {
        if !matches!(inode.mode & S_IFMT, S_IFREG | S_IFDIR | S_IFLNK) {
            self.report
                .problem(format!("inode {ino}: mode {:o}", inode.mode));
        }
        if inode.size > MAX_FILE_SIZE {
            self.report
                .problem(format!("inode {ino}: size {}", inode.size));
        }
        let mut blocks = 0;
        let mut end = 0;
        for (index, block) in (0..).zip(inode.direct) {
            self.data(ino, index, block, &mut blocks, &mut end);
        }
        self.pointer_block(ino, DIRECT as u64, inode.indirect, &mut blocks, &mut end)?;
        let first_double = (DIRECT + POINTERS) as u64;
        if self.claim(ino, inode.double, &mut blocks) {
            for (root, leaf) in (0..).zip(self.disk.pointers(inode.double)?) {
                let first = first_double + root * POINTERS as u64;
                self.pointer_block(ino, first, leaf, &mut blocks, &mut end)?;
            }
        }
        if blocks != inode.blocks {
            let counted = inode.blocks;
            self.report.problem(format!(
                "inode {ino}: has {blocks} blocks, counts {counted}"
            ));
        }
        if end > inode.size.div_ceil(BLOCK_SIZE as u64) && !self.orphans.contains(&ino) {
            self.report
                .problem(format!("inode {ino}: blocks past the end of the file"));
        }
        Ok(())
    }

    fn pointer_block(
        &mut self,
        ino: u32,
        first: u64,
        block: u32,
        blocks: &mut u32,
        end: &mut u64,
    ) -> Result<(), MountError> {
        if self.claim(ino, block, blocks) {
            for (index, data) in (first..).zip(self.disk.pointers(block)?) {
                self.data(ino, index, data, blocks, end);
            }
        }
        Ok(())
    }

    fn data(&mut self, ino: u32, index: u64, block: u32, blocks: &mut u32, end: &mut u64) {
        if self.claim(ino, block, blocks) {
            *end = (*end).max(index + 1);
        }
    }

    /// Gives a block to an inode; false if there is none or it cannot be.
    fn claim(&mut self, ino: u32, block: u32, blocks: &mut u32) -> bool {
        if block == 0 {
            return false;
        }
        *blocks += 1;
        if !self.geometry.is_data(block) {
            self.report
                .problem(format!("inode {ino}: pointer to block {block}"));
            return false;
        }
        let owner = &mut self.owners[block as usize];
        if *owner != 0 {
            let other = *owner;
            self.report.problem(format!(
                "block {block}: in inode {other} and in inode {ino}"
            ));
            return false;
        }
        *owner = ino;
        true
    }

    fn bitmaps(&mut self) -> Result<(), MountError> {
        let Geometry {
            inodes,
            inode_bitmap,
            block_bitmap,
            data,
            ..
        } = self.geometry;
        let used = (0..inodes)
            .map(|ino| ino == 0 || self.inodes.contains_key(&ino))
            .collect();
        self.bitmap("inode", inode_bitmap, used)?;
        let used = (0..)
            .zip(&self.owners)
            .map(|(block, owner)| block < data || *owner != 0);
        let used = used.collect();
        self.bitmap("block", block_bitmap, used)
    }

    /// Compares a bitmap with what is in use.
    fn bitmap(&mut self, what: &str, first: u32, used: Vec<bool>) -> Result<(), MountError> {
        let per_block = BITS_PER_BLOCK as usize;
        for (number, used) in used.chunks(per_block).enumerate() {
            let block = self.disk.block(first + number as u32)?;
            for (bit, used) in used.iter().enumerate() {
                let marked = block[bit / 8] & 1 << (bit % 8) != 0;
                if marked != *used {
                    let index = number * per_block + bit;
                    let word = if *used {
                        "used but free"
                    } else {
                        "unused but not free"
                    };
                    self.report
                        .problem(format!("bitmap: {what} {index} is {word}"));
                }
            }
        }
        Ok(())
    }
}
