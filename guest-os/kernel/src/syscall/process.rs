//! Process calls: making, ending, waiting, scheduling, limits.

use core::sync::atomic::Ordering;

use abi::Errno;
use abi::clone::{ARCH_GET_FS, ARCH_SET_FS, CLONE_ORDER};
use abi::resource::{
    RLIM_INFINITY, RLIMIT_AS, RLIMIT_NOFILE, RLIMIT_STACK, RUSAGE_CHILDREN, RUSAGE_SELF,
    RUSAGE_THREAD, Rlimit, Rusage, Tms,
};
use abi::time::Timeval;
use abi::wait::{WCONTINUED, WNOHANG, WUNTRACED, WaitStatus};

use super::{Args, SysResult};
use crate::mm::layout::USER_TOP;
use crate::mm::space::STACK_LIMIT;
use crate::mm::user::{copy_in, copy_out};
use crate::proc::exit::Which;
use crate::proc::fork::Request;
use crate::proc::{Pid, current, exec, exit as ending, fork as making, table};
use crate::time::{NANOS_PER_SEC, now_ns};

/// fork(2).
pub fn fork(args: &mut Args) -> SysResult {
    making::clone(args.frame, &Request::FORK).map(|pid| pid as usize)
}

/// vfork(2).
pub fn vfork(args: &mut Args) -> SysResult {
    making::clone(args.frame, &Request::VFORK).map(|pid| pid as usize)
}

/// clone(2).
pub fn clone(args: &mut Args) -> SysResult {
    let request = Request {
        flags: args.word(0) as u64,
        stack: args.word(1),
        parent_tid: args.word(2),
        child_tid: args.word(CLONE_ORDER.child_tid),
        thread_pointer: args.word(CLONE_ORDER.thread_pointer),
    };
    making::clone(args.frame, &request).map(|pid| pid as usize)
}

/// execve(2).
pub fn execve(args: &mut Args) -> SysResult {
    let path = args.path(0)?;
    let strings = exec::Strings::copy_in(args.word(1), args.word(2))?;
    exec::exec(args.frame, &path, strings)?;
    Ok(0)
}

/// exit(2), exit_group(2).
pub fn exit(args: &mut Args) -> SysResult {
    ending::exit(WaitStatus::exited(args.int(0) as u8))
}

/// wait4(2).
pub fn wait4(args: &mut Args) -> SysResult {
    let options = args.uint(2);
    if options & !(WNOHANG | WUNTRACED | WCONTINUED) != 0 {
        return Err(Errno::EINVAL);
    }
    let which = match args.int(0) {
        -1 => Which::Any,
        0 => Which::Group(table::relations(current().pid).ok_or(Errno::ECHILD)?.1),
        pid @ 1.. => Which::Process(pid as Pid),
        group => Which::Group(group.unsigned_abs()),
    };
    let Some(report) = ending::wait(which, options)? else {
        return Ok(0);
    };
    args.pointer(1).write_if_some(&report.status.0)?;
    args.pointer(3).write_if_some(&usage(report.cpu_time))?;
    Ok(report.pid as usize)
}

/// sched_yield(2).
pub fn sched_yield(_args: &mut Args) -> SysResult {
    crate::sched::yield_now();
    Ok(0)
}

/// Bytes of a CPU mask.
const MASK_SIZE: usize = 8;

fn process_or_self(args: &Args) -> Result<alloc::sync::Arc<crate::proc::Process>, Errno> {
    match args.int(0) {
        0 => Ok(current().arc()),
        pid => Pid::try_from(pid)
            .ok()
            .and_then(table::find)
            .ok_or(Errno::ESRCH),
    }
}

/// sched_setaffinity(2).
pub fn sched_setaffinity(args: &mut Args) -> SysResult {
    let process = process_or_self(args)?;
    let mut mask = [0; MASK_SIZE];
    let len = args.word(1).min(MASK_SIZE);
    copy_in(args.word(2), &mut mask[..len])?;
    let mask = u64::from_le_bytes(mask) & all_cpus();
    if mask == 0 {
        return Err(Errno::EINVAL);
    }
    process.affinity.store(mask, Ordering::Relaxed);
    if process.pid == current().pid {
        crate::sched::move_if_needed();
    }
    Ok(0)
}

/// sched_getaffinity(2): gives the size of the mask.
pub fn sched_getaffinity(args: &mut Args) -> SysResult {
    let process = process_or_self(args)?;
    if args.word(1) < MASK_SIZE {
        return Err(Errno::EINVAL);
    }
    let mask = process.affinity.load(Ordering::Relaxed) & all_cpus();
    copy_out(args.word(2), &mask.to_le_bytes())?;
    Ok(MASK_SIZE)
}

fn all_cpus() -> u64 {
    (1 << crate::sched::online_cpus()) - 1
}

/// arch_prctl(2): the thread pointer.
pub fn arch_prctl(args: &mut Args) -> SysResult {
    let me = current();
    match args.uint(0) {
        ARCH_SET_FS if args.word(1) < USER_TOP => me.context.set_thread_pointer(args.word(1)),
        ARCH_SET_FS => return Err(Errno::EPERM),
        ARCH_GET_FS => args
            .pointer(1)
            .write(&(me.context.thread_pointer() as u64))?,
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

/// set_tid_address(2): there are no threads to be told of the end.
pub fn set_tid_address(_args: &mut Args) -> SysResult {
    Ok(current().pid as usize)
}

/// set_robust_list(2): there are no shared locks to be cleaned up.
pub fn set_robust_list(_args: &mut Args) -> SysResult {
    Ok(0)
}

/// The limit on a resource: they are the same for everybody.
fn limit(resource: u32) -> Result<Rlimit, Errno> {
    let value = match resource {
        RLIMIT_STACK => STACK_LIMIT as u64,
        RLIMIT_NOFILE => 1024,
        0..=RLIMIT_AS | 10..16 => RLIM_INFINITY,
        _ => return Err(Errno::EINVAL),
    };
    Ok(Rlimit {
        soft: value,
        hard: value,
    })
}

/// prlimit64(2): limits can be read, and "set" to what they are or above.
pub fn prlimit64(args: &mut Args) -> SysResult {
    process_or_self(args)?;
    let old = limit(args.uint(1))?;
    if let Some(new) = args.pointer::<Rlimit>(2).read_if_some()? {
        check_limit(&old, &new)?;
    }
    args.pointer(3).write_if_some(&old)?;
    Ok(0)
}

fn check_limit(old: &Rlimit, new: &Rlimit) -> Result<(), Errno> {
    if new.soft > new.hard {
        Err(Errno::EINVAL)
    } else if new.soft < old.soft {
        Err(Errno::EPERM)
    } else {
        Ok(())
    }
}

/// getrlimit(2).
pub fn getrlimit(args: &mut Args) -> SysResult {
    args.pointer(1).write(&limit(args.uint(0))?)?;
    Ok(0)
}

/// setrlimit(2).
pub fn setrlimit(args: &mut Args) -> SysResult {
    check_limit(&limit(args.uint(0))?, &args.pointer(1).read()?)?;
    Ok(0)
}

/// CPU time is not split into user's and kernel's: all of it counts as the user's.
fn usage(cpu_time: u64) -> Rusage {
    let utime = Timeval {
        sec: (cpu_time / NANOS_PER_SEC) as i64,
        usec: (cpu_time % NANOS_PER_SEC / 1000) as i64,
    };
    Rusage {
        utime,
        ..Rusage::default()
    }
}

fn children_time() -> u64 {
    table::lock()
        .get(current().pid)
        .map_or(0, |entry| entry.children_time)
}

/// getrusage(2).
pub fn getrusage(args: &mut Args) -> SysResult {
    let cpu_time = match args.uint(0) {
        RUSAGE_SELF | RUSAGE_THREAD => current().cpu_time_now(),
        RUSAGE_CHILDREN => children_time(),
        _ => return Err(Errno::EINVAL),
    };
    args.pointer(1).write(&usage(cpu_time))?;
    Ok(0)
}

/// Ticks per second of times(2).
const TICKS_PER_SEC: u64 = 100;

/// times(2): gives the ticks since boot.
pub fn times(args: &mut Args) -> SysResult {
    let ticks = |nanos: u64| (nanos / (NANOS_PER_SEC / TICKS_PER_SEC)) as i64;
    let times = Tms {
        utime: ticks(current().cpu_time_now()),
        cutime: ticks(children_time()),
        ..Tms::default()
    };
    args.pointer(0).write_if_some(&times)?;
    Ok(ticks(now_ns()) as usize)
}
