//! What file systems without a disk have in common: the attributes of their inodes, and listing a directory
//! from names that are at hand.

use abi::dirent::{DT_DIR, Dirent};
use abi::limits::{NAME_MAX, PAGE_SIZE};
use abi::stat::{S_IFDIR, S_IFMT, Stat, Statfs};
use abi::time::Timespec;

use super::inode::InodeId;

/// Attributes of an inode that came to be at start-up.
pub fn stat(id: InodeId, mode: u32) -> Stat {
    let made = Timespec::from_nanos(crate::time::calendar_ns() - crate::time::now_ns());
    Stat {
        dev: id.dev,
        ino: id.ino,
        nlink: if mode & S_IFMT == S_IFDIR { 2 } else { 1 },
        mode,
        blksize: PAGE_SIZE as _,
        atime: made,
        mtime: made,
        ctime: made,
        ..Stat::default()
    }
}

/// The state of a file system that has no blocks.
pub fn statfs(kind: i64) -> Statfs {
    Statfs {
        kind,
        bsize: PAGE_SIZE as i64,
        frsize: PAGE_SIZE as i64,
        namelen: NAME_MAX as i64,
        ..Statfs::default()
    }
}

/// Lists a directory: `.` and `..`, then the entries (inode number, `DT_*`, name). A cursor is the number of
/// entries before it.
pub fn list<'a>(
    ino: u64,
    parent: u64,
    entries: impl Iterator<Item = (u64, u8, &'a [u8])>,
    cursor: u64,
    each: &mut dyn FnMut(Dirent) -> bool,
) {
    let dots = [(ino, DT_DIR, &b"."[..]), (parent, DT_DIR, b"..")];
    for (next, (ino, kind, name)) in (1..)
        .zip(dots.into_iter().chain(entries))
        .skip(cursor as usize)
    {
        if !each(Dirent {
            ino,
            next,
            kind,
            name,
        }) {
            return;
        }
    }
}
