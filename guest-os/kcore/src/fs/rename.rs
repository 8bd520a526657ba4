//! rename(2) and renameat2(2): one operation, so after a crash all of it has happened or nothing.

use super::Fs;
use super::dir::{ADD_ENTRY, Found, Room};
use super::inode::InodeExt;
use super::namespace::check_growing;
use super::store::BlockStore;
use crate::path::check_name;
use abi::Errno;
use abi::fcntl::{RENAME_EXCHANGE, RENAME_NOREPLACE};
use abi::layout::{DiskInode, ROOT_INO};
use abi::time::Timespec;

/// A name in a directory.
pub type Name<'a> = (u32, &'a [u8]);

impl<S: BlockStore> Fs<S> {
    /// Gives the file named `old` the name `new` (each a directory and a name in it).
    ///
    /// What had the name `new` loses it; if that was its last, it is an orphan and its inode number
    /// is the result. `flags` are `RENAME_NOREPLACE` or `RENAME_EXCHANGE`.
    pub fn rename(
        &mut self,
        old: Name<'_>,
        new: Name<'_>,
        flags: u32,
        now: Timespec,
    ) -> Result<Option<u32>, Errno> {
        if !matches!(flags, 0 | RENAME_NOREPLACE | RENAME_EXCHANGE) {
            return Err(Errno::EINVAL);
        }
        check_name(old.1)?;
        check_name(new.1)?;
        if [old.1, new.1]
            .iter()
            .any(|name| matches!(*name, b"." | b".."))
        {
            return Err(Errno::EBUSY);
        }
        let (old_dir, new_dir) = (self.directory(old.0)?, self.directory(new.0)?);
        let moved = self.find(&old_dir, old.1)?.ok_or(Errno::ENOENT)?;
        let target = self.find(&new_dir, new.1)?;
        match (flags, target) {
            (RENAME_NOREPLACE, Some(_)) => return Err(Errno::EEXIST),
            (RENAME_EXCHANGE, None) => return Err(Errno::ENOENT),
            (_, Some(target)) if target.ino == moved.ino => return Ok(None),
            _ => {}
        }
        let moved_inode = self.inode(moved.ino)?;
        if moved_inode.is_dir() && self.is_below(new.0, moved.ino)? {
            return Err(Errno::EINVAL);
        }
        match target {
            None => {
                check_growing(&new_dir, moved_inode.is_dir() && old.0 != new.0)?;
                let room = self.find_room(&new_dir, new.1)?;
                self.move_to_new_name(old, new, &moved, room, now)?;
                Ok(None)
            }
            Some(target) if flags == RENAME_EXCHANGE => {
                if self.inode(target.ino)?.is_dir() && self.is_below(old.0, target.ino)? {
                    return Err(Errno::EINVAL);
                }
                self.exchange(old.0, new.0, &moved, &target, now)?;
                Ok(None)
            }
            Some(target) => {
                let target_inode = self.inode(target.ino)?;
                match (moved_inode.is_dir(), target_inode.is_dir()) {
                    (true, false) => return Err(Errno::ENOTDIR),
                    (false, true) => return Err(Errno::EISDIR),
                    (true, true) if !self.is_empty_dir(&target_inode)? => {
                        return Err(Errno::ENOTEMPTY);
                    }
                    _ => {}
                }
                self.check_orphan_room()?;
                let orphaned = self.replace(old, new.0, &moved, &target, now)?;
                Ok(orphaned.then_some(target.ino))
            }
        }
    }

    fn move_to_new_name(
        &mut self,
        old: Name<'_>,
        new: Name<'_>,
        moved: &Found,
        room: Room,
        now: Timespec,
    ) -> Result<(), Errno> {
        // Besides the new entry: the old directory's inode and block, the moved inode and its "..".
        self.operation(ADD_ENTRY + 4, room.new_blocks(), |fs| {
            let mut new_dir = fs.directory(new.0)?;
            fs.add_entry(&mut new_dir, room, new.1, moved.ino, moved.kind)?;
            new_dir.set_mtime(now);
            fs.put_inode(new.0, &new_dir)?;
            fs.remove_moved_name(old, now)?;
            fs.change_parent(moved.ino, old.0, new.0, now)
        })
    }

    fn replace(
        &mut self,
        old: Name<'_>,
        new_dir: u32,
        moved: &Found,
        target: &Found,
        now: Timespec,
    ) -> Result<bool, Errno> {
        // New directory's inode and block, target's inode, orphan table, and as above.
        self.operation(4 + 4, 0, |fs| {
            let target_is_dir = fs.inode(target.ino)?.is_dir();
            fs.set_entry(target, moved.ino, moved.kind)?;
            fs.edit_inode(new_dir, |dir| {
                if target_is_dir {
                    dir.nlink = dir.nlink.saturating_sub(1);
                }
                dir.set_mtime(now);
            })?;
            fs.remove_moved_name(old, now)?;
            fs.change_parent(moved.ino, old.0, new_dir, now)?;
            fs.drop_link(target.ino, now)
        })
    }

    fn exchange(
        &mut self,
        old_dir: u32,
        new_dir: u32,
        moved: &Found,
        target: &Found,
        now: Timespec,
    ) -> Result<(), Errno> {
        // Two directories' inodes and blocks, two inodes and their ".." entries.
        self.operation(8, 0, |fs| {
            fs.set_entry(target, moved.ino, moved.kind)?;
            fs.set_entry(moved, target.ino, target.kind)?;
            for dir in [old_dir, new_dir] {
                fs.edit_inode(dir, |dir| dir.set_mtime(now))?;
            }
            fs.change_parent(moved.ino, old_dir, new_dir, now)?;
            fs.change_parent(target.ino, new_dir, old_dir, now)
        })
    }

    /// Removes the old name. It is looked up again, because adding the new one may have moved the
    /// borders of the records around it.
    fn remove_moved_name(&mut self, (dir, name): Name<'_>, now: Timespec) -> Result<(), Errno> {
        let inode = self.directory(dir)?;
        let found = self.find(&inode, name)?.ok_or(Errno::EUCLEAN)?;
        self.remove_entry(&found)?;
        self.edit_inode(dir, |dir| dir.set_mtime(now))
    }

    /// Records that an inode changed its name; a directory's `..` and the link counts follow it.
    fn change_parent(&mut self, ino: u32, from: u32, to: u32, now: Timespec) -> Result<(), Errno> {
        self.edit_inode(ino, |inode| inode.set_ctime(now))?;
        let inode = self.inode(ino)?;
        if !inode.is_dir() || from == to {
            return Ok(());
        }
        let parent = self.find(&inode, b"..")?.ok_or(Errno::EUCLEAN)?;
        self.set_entry(&parent, to, parent.kind)?;
        self.edit_inode(from, |dir| dir.nlink = dir.nlink.saturating_sub(1))?;
        self.edit_inode(to, |dir| dir.nlink = dir.nlink.saturating_add(1))
    }

    fn edit_inode(&mut self, ino: u32, edit: impl FnOnce(&mut DiskInode)) -> Result<(), Errno> {
        let mut inode = self.inode(ino)?;
        edit(&mut inode);
        self.put_inode(ino, &inode)
    }

    /// Is `dir` the directory `top` or below it?
    fn is_below(&mut self, mut dir: u32, top: u32) -> Result<bool, Errno> {
        // No chain of parents is longer than there are inodes, unless the disk is damaged.
        for _ in 0..self.disk.inodes {
            if dir == top {
                return Ok(true);
            }
            if dir == ROOT_INO {
                return Ok(false);
            }
            dir = self.lookup(dir, b"..")?;
        }
        Err(Errno::EUCLEAN)
    }
}
