//! Inodes with unfinished business: they lost their last name but may be open, or blocks past their
//! end wait to be freed. The orphan table names them on the disk, so that a mount after a crash can
//! finish the work.

use super::cache::Cache;
use super::geometry::MountError;
use super::inode::InodeExt;
use super::store::BlockStore;
use super::{BLOCK_SIZE, Fs};
use abi::layout::{DiskInode, ORPHANS};
use abi::{Errno, Record};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The orphan table in memory.
pub(super) struct Orphans {
    slots: BTreeMap<u32, usize>,
    free: Vec<usize>,
}

impl Orphans {
    /// Reads the table. If an inode stands there twice, one slot is kept.
    pub(super) fn read(store: &mut impl BlockStore, cache: &mut Cache) -> Result<Orphans, Errno> {
        let block = cache.read(store, ORPHANS)?;
        let mut orphans = Orphans {
            slots: BTreeMap::new(),
            free: Vec::new(),
        };
        for (slot, ino) in block.chunks_exact(4).map(u32::get).enumerate().rev() {
            if ino == 0 {
                orphans.free.push(slot);
            } else {
                orphans.slots.insert(ino, slot);
            }
        }
        Ok(orphans)
    }
}

impl<S: BlockStore> Fs<S> {
    /// Frees an inode that lost its last name, with its contents. To be called when the last
    /// descriptor is closed, or right after the name went if there was none.
    pub fn reap(&mut self, ino: u32) -> Result<(), Errno> {
        if self.inode(ino)?.nlink > 0 {
            return Err(Errno::EINVAL);
        }
        self.cut_to(ino, 0)?;
        self.operation(3, 0, |fs| {
            fs.put_inode(ino, &DiskInode::ZERO)?;
            fs.free_inode(ino)?;
            fs.remove_orphan(ino)
        })
    }

    /// Is there a free slot in the orphan table? `ENOSPC` if not.
    pub(super) fn check_orphan_room(&self) -> Result<(), Errno> {
        if self.orphans.free.is_empty() {
            Err(Errno::ENOSPC)
        } else {
            Ok(())
        }
    }

    /// Enters an inode into the table; dirties one block.
    pub(super) fn add_orphan(&mut self, ino: u32) -> Result<(), Errno> {
        let slot = *self.orphans.free.last().ok_or(Errno::ENOSPC)?;
        ino.put(&mut self.cache.write(&mut self.store, ORPHANS)?[slot * 4..]);
        self.orphans.free.pop();
        self.orphans.slots.insert(ino, slot);
        Ok(())
    }

    /// Strikes an inode from the table; dirties one block.
    pub(super) fn remove_orphan(&mut self, ino: u32) -> Result<(), Errno> {
        let slot = self.orphans.slots.remove(&ino).ok_or(Errno::EUCLEAN)?;
        0u32.put(&mut self.cache.write(&mut self.store, ORPHANS)?[slot * 4..]);
        self.orphans.free.push(slot);
        Ok(())
    }

    /// Finishes what a crash interrupted.
    pub(super) fn recover_orphans(&mut self) -> Result<(), MountError> {
        let inos: Vec<u32> = self.orphans.slots.keys().copied().collect();
        for ino in inos {
            self.recover_orphan(ino).map_err(|errno| match errno {
                Errno::EUCLEAN => MountError::Damaged("orphaned inode"),
                other => MountError::Failed(other),
            })?;
        }
        Ok(())
    }

    fn recover_orphan(&mut self, ino: u32) -> Result<(), Errno> {
        let inode = self.inode(ino)?;
        if inode.nlink == 0 {
            return self.reap(ino);
        }
        if !inode.is_file() {
            return Err(Errno::EUCLEAN);
        }
        self.cut_to(ino, inode.size.div_ceil(BLOCK_SIZE as u64))?;
        self.operation(1, 0, |fs| fs.remove_orphan(ino))
    }
}
