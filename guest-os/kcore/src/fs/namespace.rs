//! Names in directories: looking up, making, linking and removing.
//!
//! Each function checks everything first and then changes the disk in one operation. The number
//! that `operation` gets is the most blocks the change can dirty.

use super::dir::{self, ADD_ENTRY, Found};
use super::inode::{InodeExt, NewFile};
use super::store::BlockStore;
use super::{BLOCK_SIZE, Fs};
use crate::path::check_name;
use abi::Errno;
use abi::dirent::type_of_mode;
use abi::layout::DiskInode;
use abi::stat::{S_IFDIR, S_IFLNK, S_IFREG};
use abi::time::Timespec;
use alloc::vec::Vec;

/// Most names of one file, and most subdirectories of a directory.
const LINK_MAX: u32 = 65_000;

/// The outcome of removing a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The inode that had the name.
    pub ino: u32,
    /// It was the last name: the inode is an orphan now, until [`Fs::reap`].
    pub orphaned: bool,
}

impl<S: BlockStore> Fs<S> {
    /// The inode that a name stands for. `.` and `..` are names like others.
    pub fn lookup(&mut self, dir: u32, name: &[u8]) -> Result<u32, Errno> {
        let dir = self.directory(dir)?;
        self.find(&dir, name)?
            .map(|found| found.ino)
            .ok_or(Errno::ENOENT)
    }

    /// Makes an empty regular file.
    pub fn create(&mut self, dir: u32, name: &[u8], new: &NewFile) -> Result<u32, Errno> {
        self.make(dir, name, S_IFREG, new, None)
    }

    /// Makes a directory.
    pub fn mkdir(&mut self, dir: u32, name: &[u8], new: &NewFile) -> Result<u32, Errno> {
        self.make(dir, name, S_IFDIR, new, None)
    }

    /// Makes a symbolic link; its permissions are always `rwxrwxrwx`.
    pub fn symlink(
        &mut self,
        dir: u32,
        name: &[u8],
        target: &[u8],
        new: &NewFile,
    ) -> Result<u32, Errno> {
        match target.len() {
            0 => Err(Errno::ENOENT),
            len if len >= BLOCK_SIZE => Err(Errno::ENAMETOOLONG),
            _ => self.make(
                dir,
                name,
                S_IFLNK,
                &NewFile {
                    perm: 0o777,
                    ..*new
                },
                Some(target),
            ),
        }
    }

    /// The text of a symbolic link.
    pub fn read_link(&mut self, ino: u32) -> Result<Vec<u8>, Errno> {
        let inode = self.inode(ino)?;
        if !inode.is_symlink() {
            return Err(Errno::EINVAL);
        }
        if inode.size >= BLOCK_SIZE as u64 {
            return Err(Errno::EUCLEAN);
        }
        // The text is metadata: it goes through the log, so it is read through the cache.
        let block = self.block_of(&inode, 0)?.ok_or(Errno::EUCLEAN)?;
        Ok(self.cache.read(&mut self.store, block)?[..inode.size as usize].to_vec())
    }

    fn make(
        &mut self,
        dir: u32,
        name: &[u8],
        kind: u32,
        new: &NewFile,
        target: Option<&[u8]>,
    ) -> Result<u32, Errno> {
        check_name(name)?;
        let mut parent = self.directory(dir)?;
        if self.find(&parent, name)?.is_some() {
            return Err(Errno::EEXIST);
        }
        check_growing(&parent, kind == S_IFDIR)?;
        if self.space.free_inodes == 0 {
            return Err(Errno::ENOSPC);
        }
        let room = self.find_room(&parent, name)?;
        let own_blocks = u32::from(kind != S_IFREG);
        // Besides the entry: inode, inode bitmap, and the block of a directory or link.
        self.operation(ADD_ENTRY + 4, room.new_blocks() + own_blocks, |fs| {
            let ino = fs.take_inode()?;
            let mut inode = Self::fresh_inode(kind, new);
            if own_blocks > 0 {
                let block = fs.find_free_block()?;
                fs.take_block(block)?;
                fs.set_block(&mut inode, 0, block)?;
                let block = fs.cache.fresh(block);
                match target {
                    Some(target) => {
                        block[..target.len()].copy_from_slice(target);
                        inode.size = target.len() as u64;
                    }
                    None => {
                        dir::init_block(block, ino, dir);
                        inode.size = BLOCK_SIZE as u64;
                        inode.nlink = 2;
                        parent.nlink += 1;
                    }
                }
            }
            fs.put_inode(ino, &inode)?;
            fs.add_entry(&mut parent, room, name, ino, type_of_mode(kind))?;
            parent.set_mtime(new.now);
            fs.put_inode(dir, &parent)?;
            Ok(ino)
        })
    }

    /// Gives a file that is not a directory another name.
    pub fn link(&mut self, ino: u32, dir: u32, name: &[u8], now: Timespec) -> Result<(), Errno> {
        check_name(name)?;
        let mut inode = self.inode(ino)?;
        if inode.is_dir() {
            return Err(Errno::EPERM);
        }
        let mut parent = self.directory(dir)?;
        if self.find(&parent, name)?.is_some() {
            return Err(Errno::EEXIST);
        }
        check_growing(&parent, false)?;
        match inode.nlink {
            0 => return Err(Errno::ENOENT),
            LINK_MAX.. => return Err(Errno::EMLINK),
            _ => inode.nlink += 1,
        }
        inode.set_ctime(now);
        let room = self.find_room(&parent, name)?;
        self.operation(ADD_ENTRY + 1, room.new_blocks(), |fs| {
            fs.put_inode(ino, &inode)?;
            fs.add_entry(&mut parent, room, name, ino, type_of_mode(inode.mode))?;
            parent.set_mtime(now);
            fs.put_inode(dir, &parent)
        })
    }

    /// Removes a name of a file that is not a directory.
    pub fn unlink(&mut self, dir: u32, name: &[u8], now: Timespec) -> Result<Removed, Errno> {
        let parent = self.directory(dir)?;
        let found = self.find(&parent, name)?.ok_or(Errno::ENOENT)?;
        if self.inode(found.ino)?.is_dir() {
            return Err(Errno::EISDIR);
        }
        self.remove_name(dir, parent, &found, now)
    }

    /// Removes an empty directory.
    pub fn rmdir(&mut self, dir: u32, name: &[u8], now: Timespec) -> Result<Removed, Errno> {
        match name {
            b"." => return Err(Errno::EINVAL),
            b".." => return Err(Errno::ENOTEMPTY),
            _ => {}
        }
        let parent = self.directory(dir)?;
        let found = self.find(&parent, name)?.ok_or(Errno::ENOENT)?;
        let inode = self.directory(found.ino)?;
        if !self.is_empty_dir(&inode)? {
            return Err(Errno::ENOTEMPTY);
        }
        self.remove_name(dir, parent, &found, now)
    }

    fn remove_name(
        &mut self,
        dir: u32,
        mut parent: DiskInode,
        found: &Found,
        now: Timespec,
    ) -> Result<Removed, Errno> {
        let is_dir = self.inode(found.ino)?.is_dir();
        self.check_orphan_room()?;
        self.operation(4, 0, |fs| {
            fs.remove_entry(found)?;
            if is_dir {
                parent.nlink = parent.nlink.saturating_sub(1);
            }
            parent.set_mtime(now);
            fs.put_inode(dir, &parent)?;
            let orphaned = fs.drop_link(found.ino, now)?;
            Ok(Removed {
                ino: found.ino,
                orphaned,
            })
        })
    }

    /// Takes one name from an inode, or all from an empty directory; true if it is an orphan now.
    /// Dirties two blocks. The orphan table must have room.
    pub(super) fn drop_link(&mut self, ino: u32, now: Timespec) -> Result<bool, Errno> {
        let mut inode = self.inode(ino)?;
        inode.nlink = if inode.is_dir() {
            0
        } else {
            inode.nlink.saturating_sub(1)
        };
        inode.set_ctime(now);
        self.put_inode(ino, &inode)?;
        if inode.nlink == 0 {
            self.add_orphan(ino)?;
        }
        Ok(inode.nlink == 0)
    }
}

/// May a directory get another entry, perhaps a subdirectory?
pub(super) fn check_growing(dir: &DiskInode, by_subdir: bool) -> Result<(), Errno> {
    match dir.nlink {
        0 => Err(Errno::ENOENT), // it was removed, but is somebody's current directory
        LINK_MAX.. if by_subdir => Err(Errno::EMLINK),
        _ => Ok(()),
    }
}
