//! Who a process is: numbers of process, parent, group, session and user.

use abi::Errno;

use super::{Args, SysResult};
use crate::proc::{Pid, current, table};

/// getpid(2).
pub fn getpid(_args: &mut Args) -> SysResult {
    Ok(current().pid as usize)
}

/// gettid(2): processes have one thread.
pub fn gettid(_args: &mut Args) -> SysResult {
    Ok(current().pid as usize)
}

/// getppid(2).
pub fn getppid(_args: &mut Args) -> SysResult {
    table::relations(current().pid)
        .map(|(parent, ..)| parent as usize)
        .ok_or(Errno::ESRCH)
}

/// getuid(2) and its kin: everybody is root.
pub fn root_id(_args: &mut Args) -> SysResult {
    Ok(0)
}

/// setuid(2), setgid(2): there is nobody else to become.
pub fn set_id(args: &mut Args) -> SysResult {
    if args.uint(0) == 0 {
        Ok(0)
    } else {
        Err(Errno::EINVAL)
    }
}

/// A process named by an argument, 0 meaning the caller.
fn pid_or_self(args: &Args, index: usize) -> Result<Pid, Errno> {
    match args.int(index) {
        0 => Ok(current().pid),
        pid => Pid::try_from(pid).map_err(|_| Errno::EINVAL),
    }
}

/// setpgid(2): puts the caller or one of its children into a group of its session, or a new one.
pub fn setpgid(args: &mut Args) -> SysResult {
    let pid = pid_or_self(args, 0)?;
    let group = match args.int(1) {
        0 => pid,
        group => Pid::try_from(group).map_err(|_| Errno::EINVAL)?,
    };
    let me = current().pid;
    let mut table = table::lock();
    let session = table
        .get(me)
        .map(|entry| entry.session)
        .ok_or(Errno::ESRCH)?;
    let entry = table
        .get(pid)
        .filter(|entry| pid == me || entry.parent == me)
        .ok_or(Errno::ESRCH)?;
    if entry.session != session || entry.session == pid {
        return Err(Errno::EPERM); // another session, or a session's leader
    }
    if group != pid
        && !table
            .entries()
            .any(|entry| entry.group == group && entry.session == session)
    {
        return Err(Errno::EPERM);
    }
    if let Some(entry) = table.get_mut(pid) {
        entry.group = group;
    }
    Ok(0)
}

/// getpgid(2).
pub fn getpgid(args: &mut Args) -> SysResult {
    let pid = pid_or_self(args, 0).map_err(|_| Errno::ESRCH)?;
    table::relations(pid)
        .map(|(_, group, _)| group as usize)
        .ok_or(Errno::ESRCH)
}

/// getpgrp(2).
pub fn getpgrp(_args: &mut Args) -> SysResult {
    table::relations(current().pid)
        .map(|(_, group, _)| group as usize)
        .ok_or(Errno::ESRCH)
}

/// setsid(2): the caller leads a new session and a new group.
pub fn setsid(_args: &mut Args) -> SysResult {
    let me = current().pid;
    let mut table = table::lock();
    if table.entries().any(|entry| entry.group == me) {
        return Err(Errno::EPERM);
    }
    let entry = table.get_mut(me).ok_or(Errno::ESRCH)?;
    entry.group = me;
    entry.session = me;
    Ok(me as usize)
}

/// getsid(2).
pub fn getsid(args: &mut Args) -> SysResult {
    let pid = pid_or_self(args, 0).map_err(|_| Errno::ESRCH)?;
    table::relations(pid)
        .map(|(.., session)| session as usize)
        .ok_or(Errno::ESRCH)
}
