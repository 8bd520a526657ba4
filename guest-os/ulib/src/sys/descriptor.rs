//! Calls on open descriptors.

use super::Result;
use crate::arch::Arg::{In, Int, Out};
use crate::arch::{self, syscall};
use abi::fcntl::{F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_SETFD, F_SETFL};
use abi::stat::Stat;
use abi::{Record, nr};

/// An open descriptor's number.
pub type Fd = i32;

/// read(2): bytes read, 0 at the end.
pub fn read(fd: Fd, buffer: &mut [u8]) -> Result<usize> {
    let len = buffer.len() as i64;
    syscall(nr::READ, [Int(fd.into()), Out(buffer), Int(len)]).map(|n| n as usize)
}

/// write(2): bytes written, perhaps fewer than given.
pub fn write(fd: Fd, bytes: &[u8]) -> Result<usize> {
    syscall(
        nr::WRITE,
        [Int(fd.into()), In(bytes), Int(bytes.len() as i64)],
    )
    .map(|n| n as usize)
}

/// pread64(2).
pub fn pread(fd: Fd, buffer: &mut [u8], offset: i64) -> Result<usize> {
    let len = buffer.len() as i64;
    syscall(
        nr::PREAD64,
        [Int(fd.into()), Out(buffer), Int(len), Int(offset)],
    )
    .map(|n| n as usize)
}

/// pwrite64(2).
pub fn pwrite(fd: Fd, bytes: &[u8], offset: i64) -> Result<usize> {
    let len = Int(bytes.len() as i64);
    syscall(nr::PWRITE64, [Int(fd.into()), In(bytes), len, Int(offset)]).map(|n| n as usize)
}

/// close(2).
pub fn close(fd: Fd) -> Result<()> {
    syscall(nr::CLOSE, [Int(fd.into())]).map(drop)
}

/// lseek(2): the new position.
pub fn lseek(fd: Fd, offset: i64, whence: u32) -> Result<i64> {
    syscall(nr::LSEEK, [Int(fd.into()), Int(offset), Int(whence.into())]).map(|n| n as i64)
}

/// fstat(2).
pub fn fstat(fd: Fd) -> Result<Stat> {
    let mut bytes = [0; Stat::SIZE];
    syscall(nr::FSTAT, [Int(fd.into()), Out(&mut bytes)])?;
    Ok(Stat::from_bytes(&bytes))
}

/// dup(2).
pub fn dup(fd: Fd) -> Result<Fd> {
    syscall(nr::DUP, [Int(fd.into())]).map(|n| n as Fd)
}

/// dup2(2).
pub fn dup2(old: Fd, new: Fd) -> Result<Fd> {
    arch::dup2(old, new).map(|n| n as Fd)
}

/// dup3(2).
pub fn dup3(old: Fd, new: Fd, flags: u32) -> Result<Fd> {
    syscall(
        nr::DUP3,
        [Int(old.into()), Int(new.into()), Int(flags.into())],
    )
    .map(|n| n as Fd)
}

/// pipe2(2): the reading and the writing end.
pub fn pipe2(flags: u32) -> Result<(Fd, Fd)> {
    let mut bytes = [0; 8];
    syscall(nr::PIPE2, [Out(&mut bytes), Int(flags.into())])?;
    Ok((Record::get(&bytes), Record::get(&bytes[4..])))
}

/// A pipe that programs inherit.
pub fn pipe() -> Result<(Fd, Fd)> {
    pipe2(0)
}

fn fcntl(fd: Fd, command: u32, arg: i64) -> Result<u64> {
    syscall(nr::FCNTL, [Int(fd.into()), Int(command.into()), Int(arg)])
}

/// Duplicates to the lowest free descriptor from `least` on.
pub fn dup_from(fd: Fd, least: Fd, close_on_exec: bool) -> Result<Fd> {
    let command = if close_on_exec {
        F_DUPFD_CLOEXEC
    } else {
        F_DUPFD
    };
    fcntl(fd, command, least.into()).map(|n| n as Fd)
}

/// `F_GETFD`.
pub fn descriptor_flags(fd: Fd) -> Result<u32> {
    fcntl(fd, F_GETFD, 0).map(|n| n as u32)
}

/// `F_SETFD`.
pub fn set_descriptor_flags(fd: Fd, flags: u32) -> Result<()> {
    fcntl(fd, F_SETFD, flags.into()).map(drop)
}

/// `F_GETFL`.
pub fn status_flags(fd: Fd) -> Result<u32> {
    fcntl(fd, F_GETFL, 0).map(|n| n as u32)
}

/// `F_SETFL`.
pub fn set_status_flags(fd: Fd, flags: u32) -> Result<()> {
    fcntl(fd, F_SETFL, flags.into()).map(drop)
}

/// ftruncate(2).
pub fn ftruncate(fd: Fd, len: i64) -> Result<()> {
    syscall(nr::FTRUNCATE, [Int(fd.into()), Int(len)]).map(drop)
}

/// fsync(2).
pub fn fsync(fd: Fd) -> Result<()> {
    syscall(nr::FSYNC, [Int(fd.into())]).map(drop)
}

/// fchmod(2).
pub fn fchmod(fd: Fd, mode: u32) -> Result<()> {
    syscall(nr::FCHMOD, [Int(fd.into()), Int(mode.into())]).map(drop)
}

/// fchdir(2).
pub fn fchdir(fd: Fd) -> Result<()> {
    syscall(nr::FCHDIR, [Int(fd.into())]).map(drop)
}

/// getdents64(2): bytes of records put into `buffer`, 0 at the end; see [`abi::dirent::entries`].
pub fn getdents(fd: Fd, buffer: &mut [u8]) -> Result<usize> {
    let len = buffer.len() as i64;
    syscall(nr::GETDENTS64, [Int(fd.into()), Out(buffer), Int(len)]).map(|n| n as usize)
}
