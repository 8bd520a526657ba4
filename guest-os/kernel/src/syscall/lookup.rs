//! From the arguments of a call to inodes and open files.

use abi::Errno;
use abi::fcntl::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW, O_PATH};
use alloc::sync::Arc;

use crate::fs::inode::{InodeRef, NewFile, now};
use crate::fs::open_file::OpenFile;
use crate::fs::walk::{self, Last, Parent};
use crate::proc::current;

/// The open file of a descriptor. One that was opened with `O_PATH` only names it: `EBADF`.
pub fn file(fd: i32) -> Result<Arc<OpenFile>, Errno> {
    let file = named_file(fd)?;
    if file.flags() & O_PATH != 0 {
        return Err(Errno::EBADF);
    }
    Ok(file)
}

/// The file of a descriptor, open or only named, for the calls that a name is enough for.
pub fn named_file(fd: i32) -> Result<Arc<OpenFile>, Errno> {
    current().files.lock().get(fd)
}

/// The working directory.
pub fn working_directory() -> InodeRef {
    current().file_context.lock().directory()
}

/// Where a path given with a directory descriptor starts. An absolute path does not care.
pub fn start(dir: i32, path: &[u8]) -> Result<InodeRef, Errno> {
    if dir == AT_FDCWD || kcore::path::is_absolute(path) {
        return Ok(working_directory());
    }
    let inode = named_file(dir)?.inode().clone();
    // An empty path may name the descriptor itself, whatever it is.
    if inode.is_dir() || path.is_empty() {
        Ok(inode)
    } else {
        Err(Errno::ENOTDIR)
    }
}

/// The inode that a path names.
pub fn find(dir: i32, path: &[u8], last: Last) -> Result<InodeRef, Errno> {
    walk::find(&start(dir, path)?, path, last)
}

/// The same under the `AT_*` flags of the call, of which `allowed` are legal.
pub fn find_with_flags(dir: i32, path: &[u8], flags: u32, allowed: u32) -> Result<InodeRef, Errno> {
    if flags & !allowed != 0 {
        return Err(Errno::EINVAL);
    }
    if path.is_empty() && flags & AT_EMPTY_PATH != 0 {
        return start(dir, path);
    }
    // linkat keeps a link unless told to follow it, all others the other way round.
    let keep = if allowed & AT_SYMLINK_FOLLOW != 0 {
        flags & AT_SYMLINK_FOLLOW == 0
    } else {
        flags & AT_SYMLINK_NOFOLLOW != 0
    };
    find(dir, path, if keep { Last::Keep } else { Last::Follow })
}

/// The directory for the last name of a path; `special` is the error for `/`, `.` and `..`.
pub fn parent(dir: i32, path: &[u8], special: Errno) -> Result<Parent, Errno> {
    walk::parent(&start(dir, path)?, path, special)
}

/// What a new inode starts with when a program asks for these permissions.
pub fn new_file(mode: u32) -> NewFile {
    let umask = current().file_context.lock().umask();
    NewFile {
        perm: mode & abi::stat::S_PERM & !umask,
        uid: 0,
        gid: 0,
        now: now(),
    }
}
