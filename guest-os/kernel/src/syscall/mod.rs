//! System calls: from number to body, and what happens around every body.
//!
//! A body takes `Args` and gives `Result<usize, Errno>`; it is straight-line code with `?`. `dispatch` does
//! the rest: probes, errors that an observer injects, the result register, restarts after signals (`proc::signal`).
//!
//! # Your first system call
//! 1. a line in `abi::nr` (number, name, argument types),
//! 2. a body in one of the files here,
//! 3. a line in `calls!` below,
//! 4. a program that calls it (`ulib::sys`).

mod args;
mod attributes;
mod descriptor;
mod directory;
mod identity;
mod io;
mod lookup;
mod memory;
mod names;
mod open;
mod process;
mod signal;
mod system;
mod time;

pub use args::{Args, SysResult};

use abi::{Errno, nr};

use crate::arch::trap::TrapFrame;
use crate::proc::current;

type Body = fn(&mut Args) -> SysResult;

/// One more than the largest number in `abi::nr`.
const NUMBERS: usize = nr::LAST as usize + 1;

/// Builds the table of bodies, indexed by number; a number without a body is `ENOSYS`. A call that this instruction set
/// does not have (`nr::ABSENT`) has no place in it.
macro_rules! calls {
    ($($number:ident => $body:path,)*) => {
        static BODIES: [Option<Body>; NUMBERS] = {
            let mut table: [Option<Body>; NUMBERS] = [None; NUMBERS];
            $(
                if nr::$number != nr::ABSENT {
                    table[nr::$number as usize] = Some($body);
                }
            )*
            table
        };
    };
}

calls! {
    OPEN => open::open,
    OPENAT => open::openat,
    CREAT => open::creat,

    READ => io::read,
    WRITE => io::write,
    READV => io::readv,
    WRITEV => io::writev,
    PREAD64 => io::pread64,
    PWRITE64 => io::pwrite64,
    LSEEK => io::lseek,
    TRUNCATE => io::truncate,
    FTRUNCATE => io::ftruncate,
    FSYNC => io::fsync,
    FDATASYNC => io::fsync,
    SYNC => io::sync,

    CLOSE => descriptor::close,
    DUP => descriptor::dup,
    DUP2 => descriptor::dup2,
    DUP3 => descriptor::dup3,
    FCNTL => descriptor::fcntl,
    PIPE => descriptor::pipe,
    PIPE2 => descriptor::pipe2,
    IOCTL => descriptor::ioctl,
    POLL => descriptor::poll,
    PPOLL => descriptor::ppoll,

    GETDENTS64 => directory::getdents64,
    CHDIR => directory::chdir,
    FCHDIR => directory::fchdir,
    GETCWD => directory::getcwd,
    UMASK => directory::umask,

    MKDIR => names::mkdir,
    MKDIRAT => names::mkdirat,
    LINK => names::link,
    LINKAT => names::linkat,
    SYMLINK => names::symlink,
    SYMLINKAT => names::symlinkat,
    READLINK => names::readlink,
    READLINKAT => names::readlinkat,
    RENAME => names::rename,
    RENAMEAT => names::renameat,
    RENAMEAT2 => names::renameat2,
    UNLINK => names::unlink,
    UNLINKAT => names::unlinkat,
    RMDIR => names::rmdir,

    STAT => attributes::stat,
    LSTAT => attributes::lstat,
    FSTAT => attributes::fstat,
    NEWFSTATAT => attributes::newfstatat,
    ACCESS => attributes::access,
    FACCESSAT => attributes::faccessat,
    FACCESSAT2 => attributes::faccessat2,
    CHMOD => attributes::chmod,
    FCHMOD => attributes::fchmod,
    FCHMODAT => attributes::fchmodat,
    CHOWN => attributes::chown,
    LCHOWN => attributes::lchown,
    FCHOWN => attributes::fchown,
    FCHOWNAT => attributes::fchownat,
    UTIMENSAT => attributes::utimensat,
    STATFS => attributes::statfs,
    FSTATFS => attributes::fstatfs,

    MMAP => memory::mmap,
    MPROTECT => memory::mprotect,
    MUNMAP => memory::munmap,
    BRK => memory::brk,
    MADVISE => memory::madvise,

    FORK => process::fork,
    VFORK => process::vfork,
    CLONE => process::clone,
    EXECVE => process::execve,
    EXIT => process::exit,
    EXIT_GROUP => process::exit,
    WAIT4 => process::wait4,
    SCHED_YIELD => process::sched_yield,
    SCHED_SETAFFINITY => process::sched_setaffinity,
    SCHED_GETAFFINITY => process::sched_getaffinity,
    ARCH_PRCTL => process::arch_prctl,
    SET_TID_ADDRESS => process::set_tid_address,
    SET_ROBUST_LIST => process::set_robust_list,
    PRLIMIT64 => process::prlimit64,
    GETRLIMIT => process::getrlimit,
    SETRLIMIT => process::setrlimit,
    GETRUSAGE => process::getrusage,
    TIMES => process::times,

    GETPID => identity::getpid,
    GETPPID => identity::getppid,
    GETTID => identity::gettid,
    GETUID => identity::root_id,
    GETGID => identity::root_id,
    GETEUID => identity::root_id,
    GETEGID => identity::root_id,
    SETUID => identity::set_id,
    SETGID => identity::set_id,
    SETPGID => identity::setpgid,
    GETPGID => identity::getpgid,
    GETPGRP => identity::getpgrp,
    SETSID => identity::setsid,
    GETSID => identity::getsid,

    KILL => signal::kill,
    TKILL => signal::tkill,
    TGKILL => signal::tgkill,
    RT_SIGACTION => signal::rt_sigaction,
    RT_SIGPROCMASK => signal::rt_sigprocmask,
    RT_SIGPENDING => signal::rt_sigpending,
    RT_SIGSUSPEND => signal::rt_sigsuspend,
    RT_SIGRETURN => signal::rt_sigreturn,
    PAUSE => signal::pause,
    SIGALTSTACK => signal::sigaltstack,

    ALARM => time::alarm,
    GETITIMER => time::getitimer,
    SETITIMER => time::setitimer,
    FUTEX => time::futex,
    NANOSLEEP => time::nanosleep,
    CLOCK_NANOSLEEP => time::clock_nanosleep,
    CLOCK_GETTIME => time::clock_gettime,
    CLOCK_GETRES => time::clock_getres,
    GETTIMEOFDAY => time::gettimeofday,
    TIME => time::time,

    UNAME => system::uname,
    SYSINFO => system::sysinfo,
    GETRANDOM => system::getrandom,
    REBOOT => system::reboot,
}

/// Performs the system call that `frame` asks for.
pub fn dispatch(frame: &mut TrapFrame) {
    let Some(number) = frame.syscall_number() else {
        return;
    };
    let pid = current().pid;
    let a = frame.syscall_args();
    crate::probe!(sys_enter, pid, number, a[0], a[1], a[2], a[3], a[4], a[5]);
    let injected = crate::inject!(syscall, number) as usize;
    let value = if injected != 0 {
        injected.wrapping_neg()
    } else {
        let result = match BODIES.get(number).copied().flatten() {
            Some(body) => body(&mut Args::new(frame)),
            None => Err(Errno::ENOSYS),
        };
        result.unwrap_or_else(|errno| errno.to_result() as usize)
    };
    crate::probe!(sys_exit, pid, number, value);
    // rt_sigreturn and execve have replaced the registers: nothing to report in them.
    if frame.syscall_number().is_some() {
        frame.set_result(value);
    }
}
