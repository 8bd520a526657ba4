//! Calls that name files.

use super::{Fd, Result, with_path};
use crate::arch::Arg::{In, Int, Out};
use crate::arch::syscall;
use abi::fcntl::{AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW};
use abi::limits::PATH_MAX;
use abi::stat::{Stat, Statfs};
use abi::time::Timespec;
use abi::{Record, nr};
use rust_alloc::vec;
use rust_alloc::vec::Vec;

const HERE: i64 = AT_FDCWD as i64;

/// openat(2) from the current directory.
pub fn open(path: &[u8], flags: u32, mode: u32) -> Result<Fd> {
    open_at(AT_FDCWD, path, flags, mode)
}

/// openat(2).
pub fn open_at(dir: Fd, path: &[u8], flags: u32, mode: u32) -> Result<Fd> {
    with_path(path, |path| {
        syscall(
            nr::OPENAT,
            [
                Int(dir.into()),
                In(path),
                Int(flags.into()),
                Int(mode.into()),
            ],
        )
    })
    .map(|n| n as Fd)
}

/// newfstatat(2).
pub fn stat_at(dir: Fd, path: &[u8], flags: u32) -> Result<Stat> {
    let mut bytes = [0; Stat::SIZE];
    with_path(path, |path| {
        syscall(
            nr::NEWFSTATAT,
            [
                Int(dir.into()),
                In(path),
                Out(&mut bytes),
                Int(flags.into()),
            ],
        )
    })?;
    Ok(Stat::from_bytes(&bytes))
}

/// Status of a file, following symbolic links.
pub fn stat(path: &[u8]) -> Result<Stat> {
    stat_at(AT_FDCWD, path, 0)
}

/// Status of a file or of the symbolic link itself.
pub fn lstat(path: &[u8]) -> Result<Stat> {
    stat_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)
}

/// statfs(2).
pub fn statfs(path: &[u8]) -> Result<Statfs> {
    let mut bytes = [0; Statfs::SIZE];
    with_path(path, |path| {
        syscall(nr::STATFS, [In(path), Out(&mut bytes)])
    })?;
    Ok(Statfs::from_bytes(&bytes))
}

/// mkdirat(2) in the current directory.
pub fn mkdir(path: &[u8], mode: u32) -> Result<()> {
    with_path(path, |path| {
        syscall(nr::MKDIRAT, [Int(HERE), In(path), Int(mode.into())])
    })
    .map(drop)
}

/// unlinkat(2) with flags.
pub fn unlink_at(dir: Fd, path: &[u8], flags: u32) -> Result<()> {
    with_path(path, |path| {
        syscall(nr::UNLINKAT, [Int(dir.into()), In(path), Int(flags.into())])
    })
    .map(drop)
}

/// Removes a name that is not a directory's.
pub fn unlink(path: &[u8]) -> Result<()> {
    unlink_at(AT_FDCWD, path, 0)
}

/// Removes an empty directory.
pub fn rmdir(path: &[u8]) -> Result<()> {
    unlink_at(AT_FDCWD, path, AT_REMOVEDIR)
}

/// linkat(2): a further name for a file. `flags` may ask to follow symbolic links.
pub fn link(old: &[u8], new: &[u8], flags: u32) -> Result<()> {
    with_path(old, |old| {
        with_path(new, |new| {
            syscall(
                nr::LINKAT,
                [Int(HERE), In(old), Int(HERE), In(new), Int(flags.into())],
            )
        })
    })
    .map(drop)
}

/// symlinkat(2): `new` will hold the text `target`.
pub fn symlink(target: &[u8], new: &[u8]) -> Result<()> {
    with_path(target, |target| {
        with_path(new, |new| {
            syscall(nr::SYMLINKAT, [In(target), Int(HERE), In(new)])
        })
    })
    .map(drop)
}

/// readlinkat(2).
pub fn readlink(path: &[u8]) -> Result<Vec<u8>> {
    let mut buffer = vec![0; PATH_MAX];
    let len = with_path(path, |path| {
        syscall(
            nr::READLINKAT,
            [Int(HERE), In(path), Out(&mut buffer), Int(PATH_MAX as i64)],
        )
    })?;
    buffer.truncate(len as usize);
    Ok(buffer)
}

/// renameat2(2) in the current directory.
pub fn rename(old: &[u8], new: &[u8], flags: u32) -> Result<()> {
    with_path(old, |old| {
        with_path(new, |new| {
            syscall(
                nr::RENAMEAT2,
                [Int(HERE), In(old), Int(HERE), In(new), Int(flags.into())],
            )
        })
    })
    .map(drop)
}

/// fchmodat(2) in the current directory.
pub fn chmod(path: &[u8], mode: u32) -> Result<()> {
    with_path(path, |path| {
        syscall(nr::FCHMODAT, [Int(HERE), In(path), Int(mode.into())])
    })
    .map(drop)
}

/// faccessat(2) in the current directory.
pub fn access(path: &[u8], mode: u32) -> Result<()> {
    with_path(path, |path| {
        syscall(nr::FACCESSAT, [Int(HERE), In(path), Int(mode.into())])
    })
    .map(drop)
}

/// utimensat(2): sets the times of access and modification.
pub fn set_times(path: &[u8], times: [Timespec; 2], flags: u32) -> Result<()> {
    let mut bytes = [0; 2 * Timespec::SIZE];
    times.put(&mut bytes);
    with_path(path, |path| {
        syscall(
            nr::UTIMENSAT,
            [Int(HERE), In(path), In(&bytes), Int(flags.into())],
        )
    })
    .map(drop)
}

/// truncate(2).
pub fn truncate(path: &[u8], len: i64) -> Result<()> {
    with_path(path, |path| syscall(nr::TRUNCATE, [In(path), Int(len)])).map(drop)
}

/// chdir(2).
pub fn chdir(path: &[u8]) -> Result<()> {
    with_path(path, |path| syscall(nr::CHDIR, [In(path)])).map(drop)
}

/// getcwd(2).
pub fn getcwd() -> Result<Vec<u8>> {
    let mut buffer = vec![0; PATH_MAX];
    let len = syscall(nr::GETCWD, [Out(&mut buffer), Int(PATH_MAX as i64)])?;
    buffer.truncate((len as usize).saturating_sub(1));
    Ok(buffer)
}

/// umask(2): the previous mask.
pub fn umask(mask: u32) -> u32 {
    // The call cannot fail.
    syscall(nr::UMASK, [Int(mask.into())]).unwrap_or(0) as u32
}

/// sync(2).
pub fn sync() {
    // The call cannot fail.
    let _ = syscall(nr::SYNC, []);
}
