//! From a file's block to the disk's: direct, indirect and doubly indirect pointers.
//!
//! ```text
//! inode  direct[14] ----------------------------> data     blocks 0 ..
//!        indirect -----> 1024 pointers ---------> data     then 1024
//!        double -------> 1024 pointers -> leaf -> data     then 1024 * 1024
//! ```
//!
//! A pointer of 0 is a hole. Every pointer read from the disk is checked to lie in the data region.

use super::Fs;
use super::store::{Block, BlockStore};
use abi::layout::{DIRECT, DiskInode, POINTERS};
use abi::{Errno, Record};
use alloc::vec::Vec;

/// Where the pointer to a file's block is.
enum Place {
    Direct(usize),
    Indirect(usize),
    /// Slot in the double block, slot in the leaf.
    Double(usize, usize),
}

/// The blocks that hang on the inode itself: a cut frees them in one go.
pub(super) const LAST_CUT: usize = DIRECT + 3;

/// Index of the first block reached through the indirect block, and through the double block.
const FIRST_INDIRECT: u64 = DIRECT as u64;
const FIRST_DOUBLE: u64 = (DIRECT + POINTERS) as u64;

fn place(index: u64) -> Result<Place, Errno> {
    if index < FIRST_INDIRECT {
        return Ok(Place::Direct(index as usize));
    }
    if index < FIRST_DOUBLE {
        return Ok(Place::Indirect((index - FIRST_INDIRECT) as usize));
    }
    let rest = index - FIRST_DOUBLE;
    let (root, leaf) = (rest / POINTERS as u64, rest % POINTERS as u64);
    if root < POINTERS as u64 {
        Ok(Place::Double(root as usize, leaf as usize))
    } else {
        Err(Errno::EFBIG)
    }
}

fn pointer(block: &Block, slot: usize) -> u32 {
    u32::get(&block[slot * 4..])
}

impl<S: BlockStore> Fs<S> {
    /// The disk block that holds block `index` of a file; `None` in a hole. For a caller that
    /// caches file contents and reads them by itself; it must keep the file from being cut meanwhile.
    pub fn block_at(&mut self, ino: u32, index: u64) -> Result<Option<u32>, Errno> {
        let inode = self.inode(ino)?;
        self.block_of(&inode, index)
    }

    /// The disk block that holds block `index` of a file; `None` in a hole.
    pub(super) fn block_of(&mut self, inode: &DiskInode, index: u64) -> Result<Option<u32>, Errno> {
        match place(index)? {
            Place::Direct(slot) => self.checked(inode.direct[slot]),
            Place::Indirect(slot) => self.follow(inode.indirect, slot),
            Place::Double(root, leaf) => match self.follow(inode.double, root)? {
                Some(block) => self.follow(block, leaf),
                None => Ok(None),
            },
        }
    }

    /// Makes `block`, newly taken, block `index` of a file. Takes the pointer blocks it needs.
    pub(super) fn set_block(
        &mut self,
        inode: &mut DiskInode,
        index: u64,
        block: u32,
    ) -> Result<(), Errno> {
        inode.blocks += 1;
        let (pointers, slot) = match place(index)? {
            Place::Direct(slot) => {
                inode.direct[slot] = block;
                return Ok(());
            }
            Place::Indirect(slot) => {
                if inode.indirect == 0 {
                    inode.indirect = self.new_pointer_block(inode)?;
                }
                (inode.indirect, slot)
            }
            Place::Double(root, slot) => {
                if inode.double == 0 {
                    inode.double = self.new_pointer_block(inode)?;
                }
                let leaf = match self.follow(inode.double, root)? {
                    Some(leaf) => leaf,
                    None => {
                        let leaf = self.new_pointer_block(inode)?;
                        self.set_pointer(inode.double, root, leaf)?;
                        leaf
                    }
                };
                (leaf, slot)
            }
        };
        self.set_pointer(pointers, slot, block)
    }

    /// How many blocks must be taken so that blocks `first..first + count` of a file exist,
    /// pointer blocks included.
    pub(super) fn missing_blocks(
        &mut self,
        inode: &DiskInode,
        first: u64,
        count: u64,
    ) -> Result<u32, Errno> {
        let mut missing = 0;
        let (mut new_indirect, mut new_double, mut new_leaf) = (false, false, None);
        for index in first..first + count {
            if self.block_of(inode, index)?.is_some() {
                continue;
            }
            missing += 1;
            match place(index)? {
                Place::Direct(_) => {}
                Place::Indirect(_) => new_indirect |= inode.indirect == 0,
                Place::Double(root, _) => {
                    new_double |= inode.double == 0;
                    if new_leaf != Some(root) && self.follow(inode.double, root)?.is_none() {
                        new_leaf = Some(root);
                        missing += 1;
                    }
                }
            }
        }
        Ok(missing + u32::from(new_indirect) + u32::from(new_double))
    }

    /// Frees the blocks from `keep` on, the last first, and at most `budget` + [`LAST_CUT`] of them.
    /// True when none is left. The caller writes the inode.
    pub(super) fn cut_blocks(
        &mut self,
        inode: &mut DiskInode,
        keep: u64,
        budget: usize,
    ) -> Result<bool, Errno> {
        let mut budget = budget;
        if let Some(double) = self.checked(inode.double)? {
            for (slot, leaf) in self.pointers(double)?.into_iter().rev() {
                if budget == 0 {
                    return Ok(false);
                }
                let first = FIRST_DOUBLE + (slot * POINTERS) as u64;
                let keep_here = keep.saturating_sub(first);
                if keep_here >= POINTERS as u64 {
                    break;
                }
                if !self.cut_leaf(inode, leaf, keep_here as usize, &mut budget)? {
                    return Ok(false);
                }
                if keep_here == 0 {
                    self.drop_block(inode, leaf)?;
                    self.set_pointer(double, slot, 0)?;
                    budget = budget.saturating_sub(1);
                }
            }
            if keep <= FIRST_DOUBLE {
                self.drop_block(inode, double)?;
                inode.double = 0;
            }
        }
        if let Some(indirect) = self.checked(inode.indirect)? {
            let keep_here = keep.saturating_sub(FIRST_INDIRECT).min(POINTERS as u64);
            if !self.cut_leaf(inode, indirect, keep_here as usize, &mut budget)? {
                return Ok(false);
            }
            if keep_here == 0 {
                self.drop_block(inode, indirect)?;
                inode.indirect = 0;
            }
        }
        for slot in keep.min(FIRST_INDIRECT) as usize..DIRECT {
            if let Some(block) = self.checked(inode.direct[slot])? {
                self.drop_block(inode, block)?;
                inode.direct[slot] = 0;
            }
        }
        Ok(true)
    }

    /// Frees what a pointer block names from slot `keep` on; false if the budget ran out first.
    fn cut_leaf(
        &mut self,
        inode: &mut DiskInode,
        leaf: u32,
        keep: usize,
        budget: &mut usize,
    ) -> Result<bool, Errno> {
        let mut named = self.pointers(leaf)?;
        named.retain(|(slot, _)| *slot >= keep);
        let cut = named.split_off(named.len().saturating_sub(*budget));
        let done = named.is_empty();
        *budget -= cut.len();
        for (_, block) in &cut {
            self.drop_block(inode, *block)?;
        }
        // A leaf that becomes empty is freed by the caller: no need to log its zeros.
        if !(done && keep == 0)
            && let Some((first, _)) = cut.first()
        {
            self.cache.write(&mut self.store, leaf)?[first * 4..].fill(0);
        }
        Ok(done)
    }

    /// The slots in use of a pointer block, with their checked pointers.
    fn pointers(&mut self, block: u32) -> Result<Vec<(usize, u32)>, Errno> {
        let disk = self.disk;
        let block = self.cache.read(&mut self.store, block)?;
        let used = block
            .chunks_exact(4)
            .map(u32::get)
            .enumerate()
            .filter(|(_, p)| *p != 0);
        used.map(|(slot, p)| {
            if disk.is_data(p) {
                Ok((slot, p))
            } else {
                Err(Errno::EUCLEAN)
            }
        })
        .collect()
    }

    fn drop_block(&mut self, inode: &mut DiskInode, block: u32) -> Result<(), Errno> {
        inode.blocks = inode.blocks.saturating_sub(1);
        self.free_block(block)
    }

    fn checked(&self, pointer: u32) -> Result<Option<u32>, Errno> {
        match pointer {
            0 => Ok(None),
            block if self.disk.is_data(block) => Ok(Some(block)),
            _ => Err(Errno::EUCLEAN),
        }
    }

    /// The pointer in a slot of a pointer block, which may itself be missing.
    fn follow(&mut self, pointers: u32, slot: usize) -> Result<Option<u32>, Errno> {
        let Some(block) = self.checked(pointers)? else {
            return Ok(None);
        };
        let found = pointer(self.cache.read(&mut self.store, block)?, slot);
        self.checked(found)
    }

    fn set_pointer(&mut self, pointers: u32, slot: usize, to: u32) -> Result<(), Errno> {
        let block = self.cache.write(&mut self.store, pointers)?;
        to.put(&mut block[slot * 4..]);
        Ok(())
    }

    fn new_pointer_block(&mut self, inode: &mut DiskInode) -> Result<u32, Errno> {
        let block = self.find_free_block()?;
        self.take_block(block)?;
        self.cache.fresh(block);
        inode.blocks += 1;
        Ok(block)
    }
}
