//! Calls of which this instruction set has only the general form, as C libraries make them of that.

use super::super::Arg::{In, Int, Out};
use super::super::syscall;
use crate::sys::{Fd, Result};
use abi::fcntl::F_GETFD;
use abi::signal::SIGCHLD;
use abi::time::{ITIMER_REAL, Itimerval, Timeval};
use abi::{Record, nr};

/// fork(2): 0 in the child, the child's id in the parent.
pub(crate) fn fork() -> Result<u64> {
    let nothing = || Int(0);
    let flags = Int(SIGCHLD.into());
    syscall(
        nr::CLONE,
        [flags, nothing(), nothing(), nothing(), nothing()],
    )
}

/// dup2(2): dup3(2) refuses a descriptor that is to be its own duplicate.
pub(crate) fn dup2(old: Fd, new: Fd) -> Result<u64> {
    if old == new {
        syscall(nr::FCNTL, [Int(old.into()), Int(F_GETFD.into())])?;
        return Ok(new as u64);
    }
    syscall(nr::DUP3, [Int(old.into()), Int(new.into()), Int(0)])
}

/// pause(2): waits for no descriptor, for ever.
pub(crate) fn pause() -> Result<u64> {
    syscall(nr::PPOLL, [Int(0), Int(0), Int(0), Int(0), Int(0)])
}

/// alarm(2).
pub(crate) fn alarm(seconds: u32) -> Result<u64> {
    let value = Timeval {
        sec: seconds.into(),
        usec: 0,
    };
    let new = Itimerval {
        value,
        ..Itimerval::default()
    };
    let mut old = [0; Itimerval::SIZE];
    let args = [Int(ITIMER_REAL.into()), In(&new.to_bytes()), Out(&mut old)];
    syscall(nr::SETITIMER, args)?;
    let left = Itimerval::from_bytes(&old).value;
    // Not less than 1 while there is something left.
    Ok((left.sec + i64::from(left.usec > 0)) as u64)
}
