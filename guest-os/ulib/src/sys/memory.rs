//! The address space. Addresses are numbers here: who turns one into a pointer answers for it.

use super::Result;
use crate::arch::Arg::Int;
use crate::arch::syscall;
use abi::mman::{MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::nr;

/// brk(2): the program break after the call; 0 asks, and a refused request changes nothing.
pub fn brk(address: usize) -> usize {
    syscall(nr::BRK, [Int(address as i64)]).unwrap_or(0) as usize
}

/// Maps fresh zero pages, readable and writable, for at least `len` bytes.
pub fn map_anonymous(len: usize) -> Result<usize> {
    mmap(
        0,
        len,
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS,
        -1,
        0,
    )
}

/// mmap(2).
pub fn mmap(
    address: usize,
    len: usize,
    protection: u32,
    flags: u32,
    fd: super::Fd,
    offset: i64,
) -> Result<usize> {
    let args = [
        Int(address as i64),
        Int(len as i64),
        Int(protection.into()),
        Int(flags.into()),
        Int(fd.into()),
        Int(offset),
    ];
    syscall(nr::MMAP, args).map(|address| address as usize)
}

/// munmap(2).
pub fn munmap(address: usize, len: usize) -> Result<()> {
    syscall(nr::MUNMAP, [Int(address as i64), Int(len as i64)]).map(drop)
}

/// mprotect(2).
pub fn mprotect(address: usize, len: usize, protection: u32) -> Result<()> {
    let args = [Int(address as i64), Int(len as i64), Int(protection.into())];
    syscall(nr::MPROTECT, args).map(drop)
}
