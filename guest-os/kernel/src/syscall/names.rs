//! Making, moving and removing names: mkdir, link, symlink, readlink, rename, unlink, and their `*at` forms.

use abi::Errno;
use abi::fcntl::{
    AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, RENAME_EXCHANGE, RENAME_NOREPLACE,
};
use abi::limits::PATH_MAX;
use kcore::path;

use super::lookup::{find, find_with_flags, new_file, parent};
use super::{Args, SysResult};
use crate::fs::mount;
use crate::fs::walk::{Last, Parent};
use crate::mm::user::UserSlice;

/// mkdir(2).
pub fn mkdir(args: &mut Args) -> SysResult {
    make_dir(AT_FDCWD, &args.path(0)?, args.uint(1))
}

/// mkdirat(2).
pub fn mkdirat(args: &mut Args) -> SysResult {
    make_dir(args.int(0), &args.path(1)?, args.uint(2))
}

fn make_dir(dir: i32, path: &[u8], mode: u32) -> SysResult {
    let place = parent(dir, path, Errno::EEXIST)?;
    if place.dir.lookup(&place.name).is_ok() {
        return Err(Errno::EEXIST);
    }
    place.dir.make_dir(&place.name, &new_file(mode))?;
    Ok(0)
}

/// link(2).
pub fn link(args: &mut Args) -> SysResult {
    make_link(AT_FDCWD, &args.path(0)?, AT_FDCWD, &args.path(1)?, 0)
}

/// linkat(2).
pub fn linkat(args: &mut Args) -> SysResult {
    make_link(
        args.int(0),
        &args.path(1)?,
        args.int(2),
        &args.path(3)?,
        args.uint(4),
    )
}

fn make_link(old_dir: i32, old: &[u8], new_dir: i32, new: &[u8], flags: u32) -> SysResult {
    let inode = find_with_flags(old_dir, old, flags, AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)?;
    let place = parent(new_dir, new, Errno::EEXIST)?;
    if place.dir.lookup(&place.name).is_ok() {
        return Err(Errno::EEXIST);
    }
    if place.wants_directory {
        return Err(Errno::ENOENT);
    }
    if inode.id().dev != place.dir.id().dev {
        return Err(Errno::EXDEV);
    }
    place.dir.link(&place.name, inode.id().ino)?;
    Ok(0)
}

/// symlink(2).
pub fn symlink(args: &mut Args) -> SysResult {
    make_symlink(&args.path(0)?, AT_FDCWD, &args.path(1)?)
}

/// symlinkat(2).
pub fn symlinkat(args: &mut Args) -> SysResult {
    make_symlink(&args.path(0)?, args.int(1), &args.path(2)?)
}

fn make_symlink(target: &[u8], dir: i32, path: &[u8]) -> SysResult {
    if target.is_empty() {
        return Err(Errno::ENOENT);
    }
    let place = parent(dir, path, Errno::EEXIST)?;
    if place.dir.lookup(&place.name).is_ok() {
        return Err(Errno::EEXIST);
    }
    if place.wants_directory {
        return Err(Errno::ENOENT);
    }
    place.dir.make_link(&place.name, target, &new_file(0o777))?;
    Ok(0)
}

/// readlink(2).
pub fn readlink(args: &mut Args) -> SysResult {
    show_link(AT_FDCWD, &args.path(0)?, args.bytes(1)?)
}

/// readlinkat(2).
pub fn readlinkat(args: &mut Args) -> SysResult {
    show_link(args.int(0), &args.path(1)?, args.bytes(2)?)
}

fn show_link(dir: i32, path: &[u8], out: UserSlice) -> SysResult {
    if out.is_empty() || out.len() > i32::MAX as usize {
        return Err(Errno::EINVAL);
    }
    let target = find(dir, path, Last::Keep)?.read_link()?;
    let len = target.len().min(out.len()).min(PATH_MAX);
    out.write(0, &target[..len])?;
    Ok(len)
}

/// rename(2).
pub fn rename(args: &mut Args) -> SysResult {
    move_name(AT_FDCWD, &args.path(0)?, AT_FDCWD, &args.path(1)?, 0)
}

/// renameat(2).
pub fn renameat(args: &mut Args) -> SysResult {
    move_name(args.int(0), &args.path(1)?, args.int(2), &args.path(3)?, 0)
}

/// renameat2(2).
pub fn renameat2(args: &mut Args) -> SysResult {
    move_name(
        args.int(0),
        &args.path(1)?,
        args.int(2),
        &args.path(3)?,
        args.uint(4),
    )
}

fn move_name(old_dir: i32, old: &[u8], new_dir: i32, new: &[u8], flags: u32) -> SysResult {
    if !matches!(flags, 0 | RENAME_NOREPLACE | RENAME_EXCHANGE) {
        return Err(Errno::EINVAL);
    }
    let from = parent(old_dir, old, Errno::EBUSY)?;
    let to = parent(new_dir, new, Errno::EBUSY)?;
    if from.dir.id().dev != to.dir.id().dev {
        return Err(Errno::EXDEV);
    }
    let moved = from.dir.lookup(&from.name)?;
    if (from.wants_directory || to.wants_directory) && !moved.is_dir() {
        return Err(Errno::ENOTDIR);
    }
    if mount::is_busy(&*moved) || is_mount_point(&to) {
        return Err(Errno::EBUSY);
    }
    drop(moved);
    from.dir
        .rename(&from.name, to.dir.id().ino, &to.name, flags)?;
    Ok(0)
}

fn is_mount_point(place: &Parent) -> bool {
    place
        .dir
        .lookup(&place.name)
        .is_ok_and(|inode| mount::is_busy(&*inode))
}

/// unlink(2).
pub fn unlink(args: &mut Args) -> SysResult {
    remove_file(AT_FDCWD, &args.path(0)?)
}

/// rmdir(2).
pub fn rmdir(args: &mut Args) -> SysResult {
    remove_dir(AT_FDCWD, &args.path(0)?)
}

/// unlinkat(2).
pub fn unlinkat(args: &mut Args) -> SysResult {
    match args.uint(2) {
        0 => remove_file(args.int(0), &args.path(1)?),
        AT_REMOVEDIR => remove_dir(args.int(0), &args.path(1)?),
        _ => Err(Errno::EINVAL),
    }
}

fn remove_file(dir: i32, path: &[u8]) -> SysResult {
    let place = parent(dir, path, Errno::EISDIR)?;
    if place.wants_directory {
        let is_dir = place.dir.lookup(&place.name)?.is_dir();
        return Err(if is_dir {
            Errno::EISDIR
        } else {
            Errno::ENOTDIR
        });
    }
    place.dir.unlink(&place.name)?;
    Ok(0)
}

fn remove_dir(dir: i32, path: &[u8]) -> SysResult {
    let special = match path::split_last(path) {
        Some((_, b".")) => Errno::EINVAL,
        Some((_, b"..")) => Errno::ENOTEMPTY,
        _ => Errno::EBUSY,
    };
    let place = parent(dir, path, special)?;
    if is_mount_point(&place) {
        return Err(Errno::EBUSY);
    }
    place.dir.remove_dir(&place.name)?;
    Ok(0)
}
