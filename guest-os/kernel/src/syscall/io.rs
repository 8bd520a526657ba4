//! Moving bytes: read, write and their relatives, lseek, truncation, fsync.

use abi::Errno;
use abi::fcntl::AT_FDCWD;
use abi::limits::IOV_MAX;
use abi::poll::Iovec;
use alloc::vec::Vec;

use super::lookup::{file, find};
use super::{Args, SysResult};
use crate::fs;
use crate::fs::transfer::{Sink, Source, UserRange};
use crate::fs::walk::Last;
use crate::mm::user::{UserPtr, UserSlice};

/// Most bytes of one call, as on Linux.
const MAX_COUNT: usize = 0x7fff_f000;

/// Address and length of bytes in two arguments.
fn range(args: &Args, index: usize) -> Result<[UserRange; 1], Errno> {
    let (address, len) = (args.word(index), args.word(index + 1).min(MAX_COUNT));
    UserSlice::new(address, len)?;
    Ok([UserRange { address, len }])
}

/// The `struct iovec` array of readv and writev.
fn ranges(args: &Args, index: usize) -> Result<Vec<UserRange>, Errno> {
    let count = usize::try_from(args.int(index + 1))
        .ok()
        .filter(|n| *n <= IOV_MAX)
        .ok_or(Errno::EINVAL)?;
    let vectors: UserPtr<Iovec> = args.pointer(index);
    let mut room = MAX_COUNT;
    let mut ranges = Vec::with_capacity(count);
    for i in 0..count {
        let vector = vectors.at(i).read()?;
        if vector.len > i64::MAX as u64 {
            return Err(Errno::EINVAL);
        }
        let len = (vector.len as usize).min(room);
        UserSlice::new(vector.base as usize, len)?;
        ranges.push(UserRange {
            address: vector.base as usize,
            len,
        });
        room -= len;
    }
    Ok(ranges)
}

/// A position argument.
fn position(args: &Args, index: usize) -> Result<u64, Errno> {
    u64::try_from(args.long(index)).map_err(|_| Errno::EINVAL)
}

/// read(2).
pub fn read(args: &mut Args) -> SysResult {
    let file = file(args.int(0))?;
    file.read(&mut Sink::new(&range(args, 1)?))
}

/// readv(2).
pub fn readv(args: &mut Args) -> SysResult {
    let file = file(args.int(0))?;
    file.read(&mut Sink::new(&ranges(args, 1)?))
}

/// pread64(2).
pub fn pread64(args: &mut Args) -> SysResult {
    let file = file(args.int(0))?;
    file.read_at(position(args, 3)?, &mut Sink::new(&range(args, 1)?))
}

/// write(2).
pub fn write(args: &mut Args) -> SysResult {
    let file = file(args.int(0))?;
    file.write(&mut Source::new(&range(args, 1)?))
}

/// writev(2).
pub fn writev(args: &mut Args) -> SysResult {
    let file = file(args.int(0))?;
    file.write(&mut Source::new(&ranges(args, 1)?))
}

/// pwrite64(2).
pub fn pwrite64(args: &mut Args) -> SysResult {
    let file = file(args.int(0))?;
    file.write_at(position(args, 3)?, &mut Source::new(&range(args, 1)?))
}

/// lseek(2).
pub fn lseek(args: &mut Args) -> SysResult {
    let file = file(args.int(0))?;
    Ok(file.seek(args.long(1), args.uint(2))? as usize)
}

/// truncate(2).
pub fn truncate(args: &mut Args) -> SysResult {
    let path = args.path(0)?;
    let len = position(args, 1)?;
    find(AT_FDCWD, &path, Last::Follow)?.truncate(len)?;
    Ok(0)
}

/// ftruncate(2).
pub fn ftruncate(args: &mut Args) -> SysResult {
    let file = file(args.int(0))?;
    let len = position(args, 1)?;
    if !file.is_writable() {
        return Err(Errno::EINVAL);
    }
    file.inode().truncate(len)?;
    Ok(0)
}

/// fsync(2), and fdatasync(2), which has nothing less to do: the journal commits as a whole.
pub fn fsync(args: &mut Args) -> SysResult {
    file(args.int(0))?.inode().sync()?;
    Ok(0)
}

/// sync(2): never fails, as far as the program is told.
pub fn sync(_args: &mut Args) -> SysResult {
    fs::sync();
    Ok(0)
}
