//! The journaling file system of Silica: inodes, directories and files over a [`BlockStore`].
//!
//! The disk layout is in [`abi::layout`]; the promises after a crash, and why they hold, are at the
//! head of `log.rs`. From the bottom up:
//!
//! | file | what |
//! |---|---|
//! | `store` | the disk: blocks, flush |
//! | `geometry`, `format` | superblock, regions; making a file system |
//! | `cache`, `log` | metadata in memory, transactions |
//! | `space` | free blocks and inodes |
//! | `inode`, `map` | inodes, and which blocks a file has |
//! | `file`, `dir` | contents of files and directories |
//! | `namespace`, `rename`, `orphan` | names; inodes that lost theirs |
//! | `tree`, `fsck` | work with whole paths; checking a disk |
//!
//! [`Fs`] has no lock and no clock: its user serialises the calls and says what time it is. It does
//! not know who has a file open either. An inode that loses its last name becomes an *orphan* and
//! keeps its contents until the user calls [`Fs::reap`], at the last close or at once; after a
//! crash, mounting reaps what is left.
//!
//! Files are named by inode number. The caller may cache file contents above; nothing is cached
//! here but metadata. Everything on the disk is untrusted: a structure that makes no sense is the
//! error `EUCLEAN`, never a panic. An operation that fails half-way (the disk failed, or turned out
//! to be damaged) aborts the journal: nothing more is written and every change is `EROFS`, so what
//! is on the disk stays consistent.

mod cache;
mod crc;
mod dir;
mod file;
mod format;
mod fsck;
mod geometry;
mod inode;
mod log;
mod map;
mod namespace;
mod orphan;
mod rename;
mod space;
mod store;
#[cfg(test)]
mod tests;
mod tree;

pub use abi::layout::{BLOCK_SIZE, MAX_FILE_SIZE, ROOT_INO};
pub use format::FormatOptions;
pub use fsck::{Report, fsck};
pub use geometry::MountError;
pub use inode::{Attributes, NewFile};
pub use namespace::Removed;
pub use store::{Block, BlockStore, IoError, MemStore};

use abi::Errno;
use alloc::collections::BTreeSet;
use cache::Cache;
use geometry::Geometry;
use log::Log;
use orphan::Orphans;
use space::Space;

/// A mounted file system.
pub struct Fs<S> {
    store: S,
    disk: Geometry,
    cache: Cache,
    log: Log,
    space: Space,
    orphans: Orphans,
    /// Files that this transaction cut in the middle of a block (see `file.rs`).
    cut_inside: BTreeSet<u32>,
    aborted: bool,
}

impl<S: BlockStore> Fs<S> {
    /// Mounts the file system on a disk: replays the log and reaps orphans.
    pub fn mount(mut store: S) -> Result<Fs<S>, MountError> {
        let disk = Geometry::read(&mut store)?;
        let log = Log::replay(&mut store, &disk)?;
        let mut cache = Cache::default();
        let space = Space::count(&mut store, &mut cache, &disk)?;
        let orphans = Orphans::read(&mut store, &mut cache)?;
        let cut_inside = BTreeSet::new();
        let mut fs = Fs {
            store,
            disk,
            cache,
            log,
            space,
            orphans,
            cut_inside,
            aborted: false,
        };
        if !fs.directory(ROOT_INO).is_ok_and(|root| root.nlink > 0) {
            return Err(MountError::Damaged("root directory"));
        }
        fs.recover_orphans()?;
        Ok(fs)
    }

    /// Makes everything durable that was done so far: sync(2) and fsync(2).
    pub fn sync(&mut self) -> Result<(), Errno> {
        self.check_writable()?;
        self.commit()
    }

    /// Makes everything durable and empties the log, so that the next mount has nothing to replay.
    /// For a machine that is about to end.
    pub fn settle(&mut self) -> Result<(), Errno> {
        self.sync()?;
        Ok(self.log.clear(&mut self.store)?)
    }

    /// Settles the file system and gives the disk back.
    pub fn unmount(mut self) -> Result<S, Errno> {
        self.settle()?;
        Ok(self.store)
    }

    /// Blocks of metadata in memory.
    pub fn cached_blocks(&self) -> usize {
        self.cache.len()
    }

    /// Forgets all metadata that can be read again. For a caller that is short of memory.
    pub fn drop_clean(&mut self) {
        self.cache.drop_clean();
    }

    /// The disk.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Has the journal been aborted, so that the file system is read-only?
    pub fn is_aborted(&self) -> bool {
        self.aborted
    }

    /// Number of the last committed transaction and its size in blocks.
    pub fn last_commit(&self) -> (u64, usize) {
        self.log.last_commit()
    }

    /// Runs one operation as a part of the running transaction.
    ///
    /// It dirties at most `log_blocks` blocks more and takes at most `new_blocks` free ones; both
    /// are sure to be there when `body` runs. A body that fails must not have changed anything: if
    /// it has, the journal is aborted.
    fn operation<R>(
        &mut self,
        log_blocks: usize,
        new_blocks: u32,
        body: impl FnOnce(&mut Self) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        self.check_writable()?;
        let log_is_full = self.cache.dirty_len() + log_blocks > self.disk.log_body as usize;
        let freed_would_help = self.space.free_blocks < new_blocks && !self.space.freed.is_empty();
        if log_is_full || freed_would_help {
            self.commit()?;
        }
        if self.space.free_blocks < new_blocks {
            return Err(Errno::ENOSPC);
        }
        self.cache.trim();
        let changes = self.cache.changes();
        let result = body(self);
        // A body that dirties more than it said is a bug, or was misled by a damaged disk.
        let result = match self.cache.dirty_len() > self.disk.log_body as usize {
            true => Err(Errno::EUCLEAN),
            false => result,
        };
        if result.is_err() && self.cache.changes() != changes {
            self.aborted = true;
        }
        result
    }

    fn commit(&mut self) -> Result<(), Errno> {
        let result = self.release_freed().and_then(|freed| {
            self.log.commit(&mut self.store, &mut self.cache)?;
            // Only now is it certain that nobody will want what was in them.
            freed.iter().for_each(|block| self.store.discard(*block));
            Ok(())
        });
        self.cut_inside.clear();
        self.aborted |= result.is_err();
        result
    }

    fn check_writable(&self) -> Result<(), Errno> {
        if self.aborted {
            Err(Errno::EROFS)
        } else {
            Ok(())
        }
    }
}
