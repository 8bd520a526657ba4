//! Inodes in the inode table: reading, writing, making, and what stat(2) and its relatives see.

use super::Fs;
use super::store::BlockStore;
use abi::layout::{
    BLOCK_SIZE, DiskInode, INODE_SIZE, INODES_PER_BLOCK, MAX_FILE_SIZE, STATFS_MAGIC,
};
use abi::stat::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_PERM, Stat, Statfs};
use abi::time::Timespec;
use abi::{Errno, Record};

/// Who makes a file and how: what a new inode starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewFile {
    /// Permission bits.
    pub perm: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Present time.
    pub now: Timespec,
}

/// Changes to an inode's attributes; `None` leaves one alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits.
    pub perm: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Last access.
    pub atime: Option<Timespec>,
    /// Last change of the content.
    pub mtime: Option<Timespec>,
}

/// The fields of an inode that need care.
pub(super) trait InodeExt {
    fn is_dir(&self) -> bool;
    fn is_file(&self) -> bool;
    fn is_symlink(&self) -> bool;
    fn set_mtime(&mut self, time: Timespec);
    fn set_ctime(&mut self, time: Timespec);
}

impl InodeExt for DiskInode {
    fn is_dir(&self) -> bool {
        self.mode & S_IFMT == S_IFDIR
    }

    fn is_file(&self) -> bool {
        self.mode & S_IFMT == S_IFREG
    }

    fn is_symlink(&self) -> bool {
        self.mode & S_IFMT == S_IFLNK
    }

    /// Sets the time of the last change of the content, which is one of the inode too.
    fn set_mtime(&mut self, time: Timespec) {
        (self.mtime, self.mtime_nsec) = (time.sec, time.nsec as u32);
        self.set_ctime(time);
    }

    fn set_ctime(&mut self, time: Timespec) {
        (self.ctime, self.ctime_nsec) = (time.sec, time.nsec as u32);
    }
}

impl<S: BlockStore> Fs<S> {
    /// Reads an inode that is in use.
    pub(super) fn inode(&mut self, ino: u32) -> Result<DiskInode, Errno> {
        let inode = self.raw_inode(ino)?;
        let sound = inode.mode != 0 && inode.size <= MAX_FILE_SIZE;
        if sound {
            Ok(inode)
        } else {
            Err(Errno::EUCLEAN)
        }
    }

    /// Reads an inode that must be a directory.
    pub(super) fn directory(&mut self, ino: u32) -> Result<DiskInode, Errno> {
        let inode = self.inode(ino)?;
        if inode.is_dir() {
            Ok(inode)
        } else {
            Err(Errno::ENOTDIR)
        }
    }

    /// Reads an inode, which may be free.
    pub(super) fn raw_inode(&mut self, ino: u32) -> Result<DiskInode, Errno> {
        let (block, at) = self.inode_place(ino)?;
        let block = self.cache.read(&mut self.store, block)?;
        Ok(DiskInode::get(&block[at..at + INODE_SIZE]))
    }

    /// Writes an inode.
    pub(super) fn put_inode(&mut self, ino: u32, inode: &DiskInode) -> Result<(), Errno> {
        let (block, at) = self.inode_place(ino)?;
        let block = self.cache.write(&mut self.store, block)?;
        inode.put(&mut block[at..at + INODE_SIZE]);
        Ok(())
    }

    /// An inode of this type as it starts; it is not on the disk yet.
    pub(super) fn fresh_inode(kind: u32, new: &NewFile) -> DiskInode {
        let mut inode = DiskInode {
            mode: kind | new.perm & S_PERM,
            nlink: 1,
            uid: new.uid,
            gid: new.gid,
            atime: new.now.sec,
            atime_nsec: new.now.nsec as u32,
            ..DiskInode::ZERO
        };
        inode.set_mtime(new.now);
        inode
    }

    fn inode_place(&self, ino: u32) -> Result<(u32, usize), Errno> {
        if ino == 0 || ino >= self.disk.inodes {
            return Err(Errno::EUCLEAN);
        }
        let block = self.disk.inode_table + ino / INODES_PER_BLOCK;
        Ok((block, (ino % INODES_PER_BLOCK) as usize * INODE_SIZE))
    }

    /// The attributes of an inode, as stat(2) reports them; `dev` is left 0.
    pub fn stat(&mut self, ino: u32) -> Result<Stat, Errno> {
        let inode = self.inode(ino)?;
        let time = |sec, nsec| Timespec {
            sec,
            nsec: i64::from(nsec),
        };
        Ok(Stat {
            ino: u64::from(ino),
            nlink: inode.nlink as _,
            mode: inode.mode,
            uid: inode.uid,
            gid: inode.gid,
            size: inode.size as i64,
            blksize: BLOCK_SIZE as _,
            blocks: i64::from(inode.blocks) * (BLOCK_SIZE / 512) as i64,
            atime: time(inode.atime, inode.atime_nsec),
            mtime: time(inode.mtime, inode.mtime_nsec),
            ctime: time(inode.ctime, inode.ctime_nsec),
            ..Stat::ZERO
        })
    }

    /// Changes attributes; `now` becomes the time of the inode's last change.
    pub fn set_attributes(
        &mut self,
        ino: u32,
        changes: &Attributes,
        now: Timespec,
    ) -> Result<(), Errno> {
        self.operation(1, 0, |fs| {
            let mut inode = fs.inode(ino)?;
            if let Some(perm) = changes.perm {
                inode.mode = inode.mode & S_IFMT | perm & S_PERM;
            }
            inode.uid = changes.uid.unwrap_or(inode.uid);
            inode.gid = changes.gid.unwrap_or(inode.gid);
            if let Some(time) = changes.mtime {
                inode.set_mtime(time);
            }
            if let Some(time) = changes.atime {
                (inode.atime, inode.atime_nsec) = (time.sec, time.nsec as u32);
            }
            inode.set_ctime(now);
            fs.put_inode(ino, &inode)
        })
    }

    /// The state of the whole file system, as statfs(2) reports it.
    pub fn statfs(&self) -> Statfs {
        let free = u64::from(self.space.free_blocks) + self.space.freed.len() as u64;
        Statfs {
            kind: STATFS_MAGIC,
            bsize: BLOCK_SIZE as i64,
            blocks: u64::from(self.disk.blocks - self.disk.data),
            bfree: free,
            bavail: free,
            files: u64::from(self.disk.inodes - 1),
            ffree: u64::from(self.space.free_inodes),
            namelen: abi::limits::NAME_MAX as i64,
            frsize: BLOCK_SIZE as i64,
            ..Statfs::ZERO
        }
    }
}
