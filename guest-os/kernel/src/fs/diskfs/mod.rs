//! The disk file system as a VFS citizen: `kcore::fs`, with locks, caches and a clock.
//!
//! # Who caches what
//!
//! ```text
//!   read, write, exec, page faults
//!        |
//!   DiskInode: size and mode; FilePages: pages of the file     (inode.rs, ../page_cache.rs)
//!        |
//!   kcore::fs::Fs: metadata blocks, the running transaction    (under `DiskFs::fs`)
//!        |
//!   BufferCache: written blocks not yet on the disk            (../buffer_cache.rs)
//!        |
//!   BlockDevice
//! ```
//!
//! # Locks, in the order in which they are taken
//!
//! 1. `DiskInode::writer`: one write at a time. Held while bytes come from user memory.
//! 2. an address space (`mm::space`), because a page fault asks for pages.
//! 3. `DiskInode::mapping`: the file's blocks stay where they are. Held while pages are read.
//! 4. `DiskFs::fs`: everything in `kcore::fs`.
//! 5. the buffers; then spin locks: the inode table, a file's pages.
//!
//! # Inodes in memory
//!
//! The table has one `DiskInode` for each inode that was used lately, and holds it, so that a file's pages
//! outlive its last close. Looking a name up and finding or making the table's entry happens under
//! `fs`, so an inode number cannot get a new meaning in between. An inode that loses its last name leaves
//! the table; whoever has it open keeps it, and its last reference reaps it on the disk when it drops.

mod inode;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ffi::CStr;

use abi::Errno;
use kcore::fs::{Fs, MountError, ROOT_INO};

use super::buffer_cache::BufferCache;
use super::inode::InodeRef;
use crate::drivers::block::{self, BlockDevice};
use crate::sync::{Once, SleepGuard, SleepLock, SpinLock};
use inode::DiskInode;

/// `kcore`'s file system over our buffers.
type CoreFs = Fs<&'static BufferCache>;

/// Inodes in memory before idle ones are dropped.
const MAX_INODES: usize = 512;

/// A mounted disk.
pub struct DiskFs {
    fs: SleepLock<CoreFs>,
    buffers: &'static BufferCache,
    inodes: SpinLock<BTreeMap<u32, Arc<DiskInode>>>,
    /// Its device number in stat(2).
    dev: u64,
}

/// The root file system, for `sync` and for memory pressure.
static MOUNTED: Once<&'static DiskFs> = Once::new();

/// The device number of the first disk: Linux's first number for virtio disks.
const FIRST_DISK_DEV: u64 = block::MAJOR << 8;

/// Mounts the file system on a disk, replaying its log, and gives its root directory. Done once.
pub fn mount(device: &'static dyn BlockDevice) -> Result<InodeRef, MountError> {
    let buffers: &'static BufferCache = Box::leak(Box::new(BufferCache::new(device)?));
    let fs = Fs::mount(buffers)?;
    let (sequence, blocks) = fs.last_commit();
    if sequence > 0 {
        crate::probe!(journal_replay, sequence, blocks);
        crate::info!("root: log replayed, transaction {sequence} of {blocks} blocks");
    }
    let disk: &'static DiskFs = Box::leak(Box::new(DiskFs {
        fs: SleepLock::new(c"file_system", fs),
        buffers,
        inodes: SpinLock::new(c"inodes", BTreeMap::new()),
        dev: FIRST_DISK_DEV,
    }));
    MOUNTED.set(disk);
    Ok(disk.inode(&mut disk.fs.lock(), ROOT_INO)?)
}

/// Makes everything durable.
pub fn sync() -> Result<(), Errno> {
    MOUNTED
        .get()
        .map_or(Ok(()), |disk| disk.with(|fs| fs.sync()))
}

/// Makes everything durable and leaves no log to replay, before the machine ends.
pub fn settle() -> Result<(), Errno> {
    MOUNTED
        .get()
        .map_or(Ok(()), |disk| disk.with(|fs| fs.settle()))
}

/// Blocks of the disk in memory: metadata, and what is in the buffer cache.
pub fn buffers() -> usize {
    let Some(disk) = MOUNTED.get() else { return 0 };
    disk.with(|fs| fs.cached_blocks()) + disk.buffers.len()
}

/// Drops up to `count` pages of files that were not used lately; gives how many. For when frames are short.
pub fn reclaim(count: usize) -> usize {
    MOUNTED.get().map_or(0, |disk| disk.reclaim(count))
}

/// Drops everything that can be read again.
pub fn drop_caches() -> Result<(), Errno> {
    let Some(disk) = MOUNTED.get() else {
        return Ok(());
    };
    sync()?;
    disk.reclaim(usize::MAX);
    drop(disk.take_idle_inodes(0));
    disk.with(|fs| fs.drop_clean());
    disk.buffers.drop_clean();
    Ok(())
}

impl DiskFs {
    /// Runs an operation of the file system.
    fn with<R>(&self, operation: impl FnOnce(&mut CoreFs) -> R) -> R {
        let mut fs = self.fs.lock();
        observed(&mut fs, operation)
    }

    /// Runs one that gives an inode number, and gives the inode.
    fn with_inode(
        &'static self,
        operation: impl FnOnce(&mut CoreFs) -> Result<u32, Errno>,
    ) -> Result<Arc<DiskInode>, Errno> {
        let mut fs = self.fs.lock();
        let ino = observed(&mut fs, operation)?;
        self.inode(&mut fs, ino)
    }

    /// Runs one that may leave an inode without a name, which the result names then.
    fn with_removal(
        &self,
        operation: impl FnOnce(&mut CoreFs) -> Result<Option<u32>, Errno>,
    ) -> Result<(), Errno> {
        let mut fs = self.fs.lock();
        let Some(ino) = observed(&mut fs, operation)? else {
            return Ok(());
        };
        let in_memory = self.inodes.lock().remove(&ino);
        match in_memory {
            // The last reference reaps it, perhaps the one that is dropped here.
            Some(inode) => {
                inode.set_orphan();
                drop(fs);
                drop(inode);
                Ok(())
            }
            None => observed(&mut fs, |fs| begin(fs, c"reap").reap(ino)),
        }
    }

    /// The inode with this number, which is in use; the guard says that this cannot change now.
    fn inode(
        &'static self,
        fs: &mut SleepGuard<CoreFs>,
        ino: u32,
    ) -> Result<Arc<DiskInode>, Errno> {
        if let Some(inode) = self.inodes.lock().get(&ino) {
            return Ok(inode.clone());
        }
        let stat = fs.stat(ino)?;
        let inode = Arc::new(DiskInode::new(self, ino, &stat));
        self.inodes.lock().insert(ino, inode.clone());
        if self.inodes.lock().len() > MAX_INODES {
            drop(self.take_idle_inodes(MAX_INODES / 2));
        }
        Ok(inode)
    }

    /// Takes inodes that nobody uses out of the table, the longest unused first, until `keep` are left.
    fn take_idle_inodes(&self, keep: usize) -> Vec<Arc<DiskInode>> {
        let mut inodes = self.inodes.lock();
        let idle = inodes
            .iter()
            .filter(|(_, inode)| Arc::strong_count(inode) == 1);
        let mut idle: Vec<(u64, u32)> = idle
            .map(|(ino, inode)| (inode.pages.last_use(), *ino))
            .collect();
        idle.sort_unstable();
        let surplus = inodes.len().saturating_sub(keep);
        idle.iter()
            .take(surplus)
            .filter_map(|(_, ino)| inodes.remove(ino))
            .collect()
    }

    fn reclaim(&self, count: usize) -> usize {
        // Whoever is short of memory may hold any lock, so none is waited for.
        let Some(inodes) = self.inodes.try_lock() else {
            return 0;
        };
        let mut files: Vec<&Arc<DiskInode>> = inodes.values().collect();
        files.sort_unstable_by_key(|inode| inode.pages.last_use());
        let mut dropped = 0;
        for file in files {
            if dropped >= count {
                break;
            }
            dropped += file.pages.reclaim(count - dropped);
        }
        dropped
    }
}

/// What every operation calls first that changes something: says which transaction it will be part of.
fn begin<'a>(fs: &'a mut CoreFs, operation: &'static CStr) -> &'a mut CoreFs {
    let (committed, _) = fs.last_commit();
    crate::probe!(journal_begin, committed + 1, operation.as_ptr());
    fs
}

/// Runs an operation, and leaves a probe if the journal committed on its way.
fn observed<R>(fs: &mut CoreFs, operation: impl FnOnce(&mut CoreFs) -> R) -> R {
    let (before, _) = fs.last_commit();
    let result = operation(fs);
    let (sequence, blocks) = fs.last_commit();
    if sequence != before {
        crate::probe!(journal_commit, sequence, blocks);
    }
    result
}
