//! The machine as a whole.

use super::Result;
use crate::arch::Arg::{Int, Out};
use crate::arch::syscall;
use abi::reboot::{MAGIC1, MAGIC2};
use abi::system::{Sysinfo, Utsname};
use abi::{Record, nr};

/// uname(2).
pub fn uname() -> Result<Utsname> {
    let mut bytes = [0; Utsname::SIZE];
    syscall(nr::UNAME, [Out(&mut bytes)])?;
    Ok(Utsname::from_bytes(&bytes))
}

/// sysinfo(2).
pub fn sysinfo() -> Result<Sysinfo> {
    let mut bytes = [0; Sysinfo::SIZE];
    syscall(nr::SYSINFO, [Out(&mut bytes)])?;
    Ok(Sysinfo::from_bytes(&bytes))
}

/// getrandom(2): bytes filled.
pub fn getrandom(buffer: &mut [u8], flags: u32) -> Result<usize> {
    let len = buffer.len() as i64;
    syscall(nr::GETRANDOM, [Out(buffer), Int(len), Int(flags.into())]).map(|n| n as usize)
}

/// reboot(2) with one of `abi::reboot`'s commands and its argument.
pub fn reboot(command: u32, arg: u32) -> Result<()> {
    let args = [
        Int(MAGIC1.into()),
        Int(MAGIC2.into()),
        Int(command.into()),
        Int(arg.into()),
    ];
    syscall(nr::REBOOT, args).map(drop)
}

/// How many CPUs this process may run on.
pub fn cpu_count() -> Result<u32> {
    let mut mask = [0; 128];
    let len = mask.len() as i64;
    let used = syscall(nr::SCHED_GETAFFINITY, [Int(0), Int(len), Out(&mut mask)])?;
    Ok(mask
        .iter()
        .take(used as usize)
        .map(|byte| byte.count_ones())
        .sum())
}
