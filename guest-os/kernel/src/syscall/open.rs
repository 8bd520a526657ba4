//! Opening files: open, openat, creat.

use abi::Errno;
use abi::fcntl::{
    AT_FDCWD, O_ACCMODE, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_PATH,
    O_RDONLY, O_TMPFILE, O_TRUNC, O_WRONLY,
};
use abi::limits::SYMLOOP_MAX;
use abi::stat::{S_IFLNK, S_IFMT, S_IFREG};
use alloc::vec::Vec;

use super::lookup::{new_file, start};
use super::{Args, SysResult};
use crate::fs::inode::InodeRef;
use crate::fs::mount;
use crate::fs::open_file::OpenFile;
use crate::fs::walk::{self, Last};
use crate::proc::current;

/// Flags that matter only while opening.
const ONCE: u32 = O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY | O_CLOEXEC;

/// open(2).
pub fn open(args: &mut Args) -> SysResult {
    open_at(AT_FDCWD, &args.path(0)?, args.uint(1), args.uint(2))
}

/// openat(2).
pub fn openat(args: &mut Args) -> SysResult {
    open_at(args.int(0), &args.path(1)?, args.uint(2), args.uint(3))
}

/// creat(2).
pub fn creat(args: &mut Args) -> SysResult {
    open_at(
        AT_FDCWD,
        &args.path(0)?,
        O_CREAT | O_WRONLY | O_TRUNC,
        args.uint(1),
    )
}

fn open_at(dir: i32, path: &[u8], flags: u32, mode: u32) -> SysResult {
    if flags & O_ACCMODE == O_ACCMODE || flags & O_CREAT != 0 && flags & O_DIRECTORY != 0 {
        return Err(Errno::EINVAL);
    }
    if flags & O_TMPFILE == O_TMPFILE {
        return Err(Errno::EOPNOTSUPP);
    }
    let me = current();
    me.files.lock().check_room()?;
    let start = start(dir, path)?;
    let (inode, is_new) = if flags & O_CREAT != 0 && flags & O_PATH == 0 {
        find_or_create(start, path, flags, mode)?
    } else {
        let last = if flags & O_NOFOLLOW != 0 {
            Last::Keep
        } else {
            Last::Follow
        };
        (walk::find(&start, path, last)?, false)
    };
    check(&inode, flags)?;
    let opened = if flags & O_PATH != 0 {
        inode
    } else {
        inode.open(flags & O_ACCMODE != O_RDONLY)?
    };
    if flags & O_TRUNC != 0 && !is_new && flags & O_PATH == 0 && opened.mode() & S_IFMT == S_IFREG {
        opened.truncate(0)?;
    }
    let file = OpenFile::new(opened, flags & !ONCE);
    let fd = me.files.lock().insert(file, 0, flags & O_CLOEXEC != 0)?;
    Ok(fd as usize)
}

/// Refuses what the flags do not allow for this kind of inode.
fn check(inode: &InodeRef, flags: u32) -> Result<(), Errno> {
    let wants_to_write = flags & O_ACCMODE != O_RDONLY || flags & (O_CREAT | O_TRUNC) != 0;
    if inode.mode() & S_IFMT == S_IFLNK && flags & O_PATH == 0 {
        return Err(Errno::ELOOP);
    }
    if flags & O_DIRECTORY != 0 && !inode.is_dir() {
        return Err(Errno::ENOTDIR);
    }
    if inode.is_dir() && wants_to_write && flags & O_PATH == 0 {
        return Err(Errno::EISDIR);
    }
    Ok(())
}

/// With `O_CREAT`: the inode that the path names, made if there is none; and whether it was made. A symbolic link
/// to nowhere is followed there.
fn find_or_create(
    mut start: InodeRef,
    path: &[u8],
    flags: u32,
    mode: u32,
) -> Result<(InodeRef, bool), Errno> {
    let mut path = Vec::from(path);
    for _ in 0..SYMLOOP_MAX {
        let place = walk::parent(&start, &path, Errno::EISDIR)?;
        let found = match place.dir.lookup(&place.name).map(mount::enter) {
            Err(Errno::ENOENT) if place.wants_directory => return Err(Errno::EISDIR),
            Err(Errno::ENOENT) => match place.dir.create(&place.name, &new_file(mode)) {
                // Another process made it between the two looks.
                Err(Errno::EEXIST) if flags & O_EXCL == 0 => continue,
                made => return made.map(|inode| (inode, true)),
            },
            found => found?,
        };
        if flags & O_EXCL != 0 {
            return Err(Errno::EEXIST);
        }
        if found.mode() & S_IFMT != S_IFLNK || flags & O_NOFOLLOW != 0 {
            return if place.wants_directory && !found.is_dir() {
                Err(Errno::ENOTDIR)
            } else {
                Ok((found, false))
            };
        }
        path = found.read_link()?;
        start = place.dir;
    }
    Err(Errno::ELOOP)
}
