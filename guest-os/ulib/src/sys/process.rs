//! Processes, groups and sessions.

use super::{Result, with_path};
use crate::arch::Arg::{In, Int, Out};
use crate::arch::{self, syscall};
use abi::resource::Rusage;
use abi::wait::WaitStatus;
use abi::{Errno, Record, nr};
use rust_alloc::vec::Vec;

/// A process id.
pub type Pid = i32;

/// exit_group(2).
pub fn exit(status: i32) -> ! {
    loop {
        // It does not come back.
        let _ = syscall(nr::EXIT_GROUP, [Int(status.into())]);
    }
}

/// fork(2): `None` in the child, the child's id in the parent.
pub fn fork() -> Result<Option<Pid>> {
    arch::fork().map(|pid| (pid != 0).then_some(pid as Pid))
}

/// execve(2); returns only if it failed.
pub fn execve<A: AsRef<[u8]>, E: AsRef<[u8]>>(path: &[u8], args: &[A], env: &[E]) -> Errno {
    let args = StringVector::new(args.iter().map(AsRef::as_ref));
    let env = StringVector::new(env.iter().map(AsRef::as_ref));
    let done = with_path(path, |path| {
        syscall(
            nr::EXECVE,
            [In(path), In(&args.pointers), In(&env.pointers)],
        )
    });
    match done {
        Ok(_) => Errno::EINVAL,
        Err(errno) => errno,
    }
}

/// Strings as the kernel takes them: an array of addresses that ends with 0.
struct StringVector {
    pointers: Vec<u8>,
    /// What the pointers point to.
    _strings: Vec<u8>,
}

impl StringVector {
    fn new<'a>(items: impl Iterator<Item = &'a [u8]> + Clone) -> StringVector {
        let mut strings = Vec::new();
        for item in items.clone() {
            strings.extend_from_slice(item);
            strings.push(0);
        }
        let mut pointers = Vec::new();
        let mut at = strings.as_ptr() as u64;
        for item in items {
            pointers.extend_from_slice(&at.to_ne_bytes());
            at += item.len() as u64 + 1;
        }
        pointers.extend_from_slice(&[0; 8]);
        StringVector {
            pointers,
            _strings: strings,
        }
    }
}

/// wait4(2): the child and its status, or `None` if `WNOHANG` found nothing.
pub fn wait4(pid: Pid, options: u32) -> Result<Option<(Pid, WaitStatus)>> {
    wait4_usage(pid, options).map(|found| found.map(|(pid, status, _)| (pid, status)))
}

/// wait4(2) with the child's use of resources.
pub fn wait4_usage(pid: Pid, options: u32) -> Result<Option<(Pid, WaitStatus, Rusage)>> {
    let mut status = [0; 4];
    let mut usage = [0; Rusage::SIZE];
    let args = [
        Int(pid.into()),
        Out(&mut status),
        Int(options.into()),
        Out(&mut usage),
    ];
    let found = syscall(nr::WAIT4, args)? as Pid;
    let status = WaitStatus(u32::from_le_bytes(status));
    Ok((found != 0).then_some((found, status, Rusage::from_bytes(&usage))))
}

/// Waits for one child to end; an interrupted wait continues.
pub fn wait_for(pid: Pid) -> Result<WaitStatus> {
    loop {
        match wait4(pid, 0) {
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// kill(2).
pub fn kill(pid: Pid, signal: u32) -> Result<()> {
    syscall(nr::KILL, [Int(pid.into()), Int(signal.into())]).map(drop)
}

fn id(number: u64) -> Pid {
    // These calls cannot fail.
    syscall(number, []).unwrap_or(0) as Pid
}

/// getpid(2).
pub fn getpid() -> Pid {
    id(nr::GETPID)
}

/// getppid(2).
pub fn getppid() -> Pid {
    id(nr::GETPPID)
}

/// getuid(2).
pub fn getuid() -> u32 {
    id(nr::GETUID) as u32
}

/// geteuid(2).
pub fn geteuid() -> u32 {
    id(nr::GETEUID) as u32
}

/// setpgid(2).
pub fn setpgid(pid: Pid, group: Pid) -> Result<()> {
    syscall(nr::SETPGID, [Int(pid.into()), Int(group.into())]).map(drop)
}

/// getpgid(2).
pub fn getpgid(pid: Pid) -> Result<Pid> {
    syscall(nr::GETPGID, [Int(pid.into())]).map(|n| n as Pid)
}

/// getsid(2).
pub fn getsid(pid: Pid) -> Result<Pid> {
    syscall(nr::GETSID, [Int(pid.into())]).map(|n| n as Pid)
}

/// setsid(2).
pub fn setsid() -> Result<Pid> {
    syscall(nr::SETSID, []).map(|n| n as Pid)
}

/// sched_yield(2).
pub fn sched_yield() {
    // The call cannot fail.
    let _ = syscall(nr::SCHED_YIELD, []);
}

/// getrusage(2).
pub fn getrusage(who: u32) -> Result<Rusage> {
    let mut usage = [0; Rusage::SIZE];
    syscall(nr::GETRUSAGE, [Int((who as i32).into()), Out(&mut usage)])?;
    Ok(Rusage::from_bytes(&usage))
}
