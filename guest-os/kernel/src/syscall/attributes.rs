//! Attributes: stat, access, chmod, chown, utimensat, statfs, and their relatives.

use abi::Errno;
use abi::fcntl::{
    AT_EACCESS, AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, F_OK, R_OK, W_OK,
    X_OK,
};
use abi::stat::Stat;
use abi::time::{Timespec, UTIME_NOW, UTIME_OMIT};

use super::lookup::{file, find, find_with_flags, named_file};
use super::{Args, SysResult};
use crate::fs::inode::{Attributes, InodeRef, now};
use crate::fs::walk::Last;
use crate::mm::user::UserPtr;

fn report(inode: &InodeRef, out: UserPtr<Stat>) -> SysResult {
    out.write(&inode.stat()?)?;
    Ok(0)
}

/// stat(2).
pub fn stat(args: &mut Args) -> SysResult {
    report(
        &find(AT_FDCWD, &args.path(0)?, Last::Follow)?,
        args.pointer(1),
    )
}

/// lstat(2).
pub fn lstat(args: &mut Args) -> SysResult {
    report(
        &find(AT_FDCWD, &args.path(0)?, Last::Keep)?,
        args.pointer(1),
    )
}

/// fstat(2).
pub fn fstat(args: &mut Args) -> SysResult {
    report(named_file(args.int(0))?.inode(), args.pointer(1))
}

/// newfstatat(2).
pub fn newfstatat(args: &mut Args) -> SysResult {
    let allowed = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT;
    report(
        &find_with_flags(args.int(0), &args.path(1)?, args.uint(3), allowed)?,
        args.pointer(2),
    )
}

/// access(2).
pub fn access(args: &mut Args) -> SysResult {
    check_access(AT_FDCWD, args, 0, 0)
}

/// faccessat(2).
pub fn faccessat(args: &mut Args) -> SysResult {
    check_access(args.int(0), args, 1, 0)
}

/// faccessat2(2).
pub fn faccessat2(args: &mut Args) -> SysResult {
    check_access(args.int(0), args, 1, args.uint(3))
}

/// Root may do anything, except execute a file that nobody may.
fn check_access(dir: i32, args: &Args, index: usize, flags: u32) -> SysResult {
    let (path, mode) = (args.path(index)?, args.uint(index + 1));
    if mode & !(F_OK | R_OK | W_OK | X_OK) != 0 {
        return Err(Errno::EINVAL);
    }
    let allowed = AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
    let inode = find_with_flags(dir, &path, flags, allowed)?;
    if mode & X_OK != 0 && !inode.is_dir() && inode.mode() & 0o111 == 0 {
        return Err(Errno::EACCES);
    }
    Ok(0)
}

fn change_mode(inode: &InodeRef, mode: u32) -> SysResult {
    inode.set_attributes(&Attributes {
        perm: Some(mode),
        ..Attributes::default()
    })?;
    Ok(0)
}

/// chmod(2).
pub fn chmod(args: &mut Args) -> SysResult {
    change_mode(&find(AT_FDCWD, &args.path(0)?, Last::Follow)?, args.uint(1))
}

/// fchmod(2).
pub fn fchmod(args: &mut Args) -> SysResult {
    change_mode(file(args.int(0))?.inode(), args.uint(1))
}

/// fchmodat(2).
pub fn fchmodat(args: &mut Args) -> SysResult {
    change_mode(
        &find(args.int(0), &args.path(1)?, Last::Follow)?,
        args.uint(2),
    )
}

/// Owner and group are in two arguments from `index` on; -1 leaves one alone.
fn change_owner(inode: &InodeRef, args: &Args, index: usize) -> SysResult {
    let id = |index| Some(args.uint(index)).filter(|id| *id != u32::MAX);
    inode.set_attributes(&Attributes {
        uid: id(index),
        gid: id(index + 1),
        ..Attributes::default()
    })?;
    Ok(0)
}

/// chown(2).
pub fn chown(args: &mut Args) -> SysResult {
    change_owner(&find(AT_FDCWD, &args.path(0)?, Last::Follow)?, args, 1)
}

/// lchown(2).
pub fn lchown(args: &mut Args) -> SysResult {
    change_owner(&find(AT_FDCWD, &args.path(0)?, Last::Keep)?, args, 1)
}

/// fchown(2).
pub fn fchown(args: &mut Args) -> SysResult {
    change_owner(file(args.int(0))?.inode(), args, 1)
}

/// fchownat(2).
pub fn fchownat(args: &mut Args) -> SysResult {
    let allowed = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
    change_owner(
        &find_with_flags(args.int(0), &args.path(1)?, args.uint(4), allowed)?,
        args,
        2,
    )
}

/// utimensat(2). Without a path it is about the descriptor itself.
pub fn utimensat(args: &mut Args) -> SysResult {
    let times: UserPtr<Timespec> = args.pointer(2);
    let present = now();
    let time = |index: usize| -> Result<Option<Timespec>, Errno> {
        if times.is_null() {
            return Ok(Some(present));
        }
        let time = times.at(index).read()?;
        match time.nsec {
            UTIME_NOW => Ok(Some(present)),
            UTIME_OMIT => Ok(None),
            0..1_000_000_000 => Ok(Some(time)),
            _ => Err(Errno::EINVAL),
        }
    };
    let changes = Attributes {
        atime: time(0)?,
        mtime: time(1)?,
        ..Attributes::default()
    };
    let inode = if args.word(1) == 0 && args.int(0) != AT_FDCWD {
        file(args.int(0))?.inode().clone()
    } else {
        let allowed = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
        find_with_flags(args.int(0), &args.path(1)?, args.uint(3), allowed)?
    };
    if changes.atime.is_some() || changes.mtime.is_some() {
        inode.set_attributes(&changes)?;
    }
    Ok(0)
}

/// statfs(2).
pub fn statfs(args: &mut Args) -> SysResult {
    let state = find(AT_FDCWD, &args.path(0)?, Last::Follow)?.statfs()?;
    args.pointer(1).write(&state)?;
    Ok(0)
}

/// fstatfs(2).
pub fn fstatfs(args: &mut Args) -> SysResult {
    let state = named_file(args.int(0))?.inode().statfs()?;
    args.pointer(1).write(&state)?;
    Ok(0)
}
