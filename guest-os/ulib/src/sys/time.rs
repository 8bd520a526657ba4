//! Clocks and sleeping.

use super::Result;
use crate::arch::Arg::{In, Int, Out};
use crate::arch::syscall;
use abi::time::Timespec;
use abi::{Errno, Record, nr};

/// clock_gettime(2) for one of `CLOCK_*`.
pub fn clock(clock: u32) -> Result<Timespec> {
    let mut time = [0; Timespec::SIZE];
    syscall(nr::CLOCK_GETTIME, [Int(clock.into()), Out(&mut time)])?;
    Ok(Timespec::from_bytes(&time))
}

/// The calendar time.
pub fn now() -> Timespec {
    // A kernel without the clock starts at the epoch.
    clock(abi::time::CLOCK_REALTIME).unwrap_or_default()
}

/// The monotonic time in nanoseconds.
pub fn monotonic() -> u64 {
    clock(abi::time::CLOCK_MONOTONIC)
        .ok()
        .and_then(Timespec::to_nanos)
        .unwrap_or(0)
}

/// nanosleep(2): on `EINTR` the second part of the error is the time left.
pub fn nanosleep(time: Timespec) -> core::result::Result<(), (Errno, Timespec)> {
    let mut left = [0; Timespec::SIZE];
    let time = time.to_bytes();
    match syscall(nr::NANOSLEEP, [In(&time), Out(&mut left)]) {
        Ok(_) => Ok(()),
        Err(errno) => Err((errno, Timespec::from_bytes(&left))),
    }
}

/// Sleeps for the whole time, signals or not.
pub fn sleep(time: Timespec) -> Result<()> {
    let mut time = time;
    loop {
        match nanosleep(time) {
            Err((Errno::EINTR, left)) => time = left,
            Err((errno, _)) => return Err(errno),
            Ok(()) => return Ok(()),
        }
    }
}
