//! Calls of which newer instruction sets have only the general form.

use super::super::Arg::Int;
use super::super::syscall;
use crate::sys::{Fd, Result};
use abi::nr;

/// fork(2): 0 in the child, the child's id in the parent.
pub(crate) fn fork() -> Result<u64> {
    syscall(nr::FORK, [])
}

/// dup2(2).
pub(crate) fn dup2(old: Fd, new: Fd) -> Result<u64> {
    syscall(nr::DUP2, [Int(old.into()), Int(new.into())])
}

/// pause(2).
pub(crate) fn pause() -> Result<u64> {
    syscall(nr::PAUSE, [])
}

/// alarm(2).
pub(crate) fn alarm(seconds: u32) -> Result<u64> {
    syscall(nr::ALARM, [Int(seconds.into())])
}
