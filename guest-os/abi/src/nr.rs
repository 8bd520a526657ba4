//! The system-call table: number, name, argument types and result of each call (a long table).
//!
//! The one list below makes the constants that the kernel dispatches on and the user library calls
//! with (`nr::READ`), and the [`TABLE`] that the tracer decodes with. It is in the order of the
//! x86-64 numbers (arch/x86/entry/syscalls/syscall_64.tbl); another instruction set is one more
//! column. It also holds a few calls that Silica answers with `ENOSYS`, because stock C libraries
//! make them and a trace should name them.

use crate::names::Names;
use crate::{clone, fcntl, mman, reboot, resource, signal, stat, system, termios, time, wait};

/// What an argument is; the tracer prints it accordingly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A signed number of 32 bits.
    Int,
    /// A signed number of 64 bits.
    Long,
    /// An unsigned number of 64 bits, such as a length.
    Len,
    /// A signed position in a file.
    Off,
    /// An address, or a number best read in hexadecimal.
    Addr,
    /// A descriptor.
    Fd,
    /// A descriptor of a directory, or `AT_FDCWD`.
    DirFd,
    /// Address of a NUL-terminated path.
    Path,
    /// Permissions, in octal.
    Mode,
    /// A process id.
    Pid,
    /// A user or group id; -1 leaves it alone.
    Id,
    /// A signal number.
    Signal,
    /// Flags or a choice from a family of constants.
    Set(&'static Names),
    /// clone(2)'s flags with the exit signal in the low byte.
    CloneFlags,
    /// Address of bytes the call reads; their number is the next argument.
    InBuf,
    /// Address of bytes the call writes; their number is the result, the room the next argument.
    OutBuf,
    /// Address of a `struct iovec` array (length: next argument) whose bytes the call reads.
    InVec,
    /// Address of a `struct iovec` array (length: next argument) whose bytes the call writes.
    OutVec,
    /// Address of a structure the call reads.
    In(Struct),
    /// Address of a structure the call writes.
    Out(Struct),
    /// Address of a NULL-terminated array of strings, shown in full.
    Argv,
    /// Address of a NULL-terminated array of strings, counted.
    Envp,
    /// The third argument of fcntl(2), which depends on the second.
    FcntlArg,
    /// The third argument of ioctl(2), which depends on the second.
    IoctlArg,
}

/// Structures that calls point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Struct {
    /// [`crate::stat::Stat`].
    Stat,
    /// `struct statx`, which begins with [`crate::stat::StatxHead`].
    Statx,
    /// [`crate::stat::Statfs`].
    Statfs,
    /// [`crate::time::Timespec`].
    Timespec,
    /// Two timespecs: access and modification.
    TimespecPair,
    /// [`crate::time::Timeval`].
    Timeval,
    /// `struct timezone`, obsolete.
    Timezone,
    /// A `time_t`.
    Time,
    /// [`crate::signal::Sigaction`].
    Sigaction,
    /// A `sigset_t` of 8 bytes.
    Sigset,
    /// [`crate::sigframe::SigStack`].
    SigStack,
    /// [`crate::resource::Rusage`].
    Rusage,
    /// [`crate::resource::Rlimit`].
    Rlimit,
    /// [`crate::resource::Tms`].
    Tms,
    /// [`crate::system::Utsname`].
    Utsname,
    /// [`crate::system::Sysinfo`].
    Sysinfo,
    /// [`crate::poll::PollFd`] array; its length is the next argument.
    PollFds,
    /// Two descriptors.
    FdPair,
    /// [`crate::wait::WaitStatus`].
    WaitStatus,
    /// [`crate::dirent::Dirent`] records; their bytes are the result.
    Dirents,
    /// A NUL-terminated path.
    Path,
    /// A CPU mask; its bytes are the previous argument.
    CpuSet,
    /// An `int`.
    Int,
    /// An `off_t`.
    Off,
}

/// What a call gives back when it succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    /// A number.
    Int,
    /// An address.
    Addr,
    /// Permissions, in octal.
    Mode,
    /// A descriptor.
    Fd,
    /// It does not come back.
    Never,
}

/// One system call.
#[derive(Debug, PartialEq, Eq)]
pub struct Syscall {
    /// Number on x86-64.
    pub number: u64,
    /// Name, as in its manual page and in strace's output.
    pub name: &'static str,
    /// Types of the arguments in order.
    pub args: &'static [Arg],
    /// Type of the result.
    pub ret: Ret,
}

macro_rules! syscalls {
    ($($number:literal $constant:ident $name:literal ($($arg:expr),*) $ret:ident;)*) => {
        $(
            #[doc = concat!("Number of ", $name, "(2).")]
            pub const $constant: u64 = $number;
        )*

        /// Every call, in the order of the numbers.
        pub const TABLE: &[Syscall] = {
            use Arg::*;
            use Struct::{
                CpuSet, Dirents, FdPair, PollFds, Rlimit, Rusage, SigStack, Sigaction, Sigset, Stat,
                Statfs, Statx, Sysinfo, Time, Timespec, TimespecPair, Timeval, Timezone, Tms, Utsname,
                WaitStatus,
            };
            &[$(
                Syscall { number: $number, name: $name, args: &[$($arg),*], ret: Ret::$ret },
            )*]
        };
    };
}

syscalls! {
    0 READ "read" (Fd, OutBuf, Len) Int;
    1 WRITE "write" (Fd, InBuf, Len) Int;
    2 OPEN "open" (Path, Set(&fcntl::OPEN), Mode) Fd;
    3 CLOSE "close" (Fd) Int;
    4 STAT "stat" (Path, Out(Stat)) Int;
    5 FSTAT "fstat" (Fd, Out(Stat)) Int;
    6 LSTAT "lstat" (Path, Out(Stat)) Int;
    7 POLL "poll" (In(PollFds), Len, Int) Int;
    8 LSEEK "lseek" (Fd, Off, Set(&fcntl::WHENCE)) Int;
    9 MMAP "mmap" (Addr, Len, Set(&mman::PROT), Set(&mman::MAP), Fd, Addr) Addr;
    10 MPROTECT "mprotect" (Addr, Len, Set(&mman::PROT)) Int;
    11 MUNMAP "munmap" (Addr, Len) Int;
    12 BRK "brk" (Addr) Addr;
    13 RT_SIGACTION "rt_sigaction" (Signal, In(Sigaction), Out(Sigaction), Len) Int;
    14 RT_SIGPROCMASK "rt_sigprocmask" (Set(&signal::HOW), In(Sigset), Out(Sigset), Len) Int;
    15 RT_SIGRETURN "rt_sigreturn" () Int;
    16 IOCTL "ioctl" (Fd, Set(&termios::IOCTL), IoctlArg) Int;
    17 PREAD64 "pread64" (Fd, OutBuf, Len, Off) Int;
    18 PWRITE64 "pwrite64" (Fd, InBuf, Len, Off) Int;
    19 READV "readv" (Fd, OutVec, Len) Int;
    20 WRITEV "writev" (Fd, InVec, Len) Int;
    21 ACCESS "access" (Path, Set(&fcntl::ACCESS)) Int;
    22 PIPE "pipe" (Out(FdPair)) Int;
    24 SCHED_YIELD "sched_yield" () Int;
    25 MREMAP "mremap" (Addr, Len, Len, Set(&mman::MREMAP), Addr) Addr;
    28 MADVISE "madvise" (Addr, Len, Set(&mman::MADVISE)) Int;
    32 DUP "dup" (Fd) Fd;
    33 DUP2 "dup2" (Fd, Fd) Fd;
    34 PAUSE "pause" () Int;
    35 NANOSLEEP "nanosleep" (In(Timespec), Out(Timespec)) Int;
    37 ALARM "alarm" (Len) Int;
    39 GETPID "getpid" () Int;
    40 SENDFILE "sendfile" (Fd, Fd, In(Struct::Off), Len) Int;
    56 CLONE "clone" (CloneFlags, Addr, Out(Struct::Int), Out(Struct::Int), Addr) Int;
    57 FORK "fork" () Int;
    58 VFORK "vfork" () Int;
    59 EXECVE "execve" (Path, Argv, Envp) Int;
    60 EXIT "exit" (Int) Never;
    61 WAIT4 "wait4" (Pid, Out(WaitStatus), Set(&wait::OPTIONS), Out(Rusage)) Int;
    62 KILL "kill" (Pid, Signal) Int;
    63 UNAME "uname" (Out(Utsname)) Int;
    72 FCNTL "fcntl" (Fd, Set(&fcntl::FCNTL), FcntlArg) Int;
    73 FLOCK "flock" (Fd, Set(&fcntl::FLOCK)) Int;
    74 FSYNC "fsync" (Fd) Int;
    75 FDATASYNC "fdatasync" (Fd) Int;
    76 TRUNCATE "truncate" (Path, Len) Int;
    77 FTRUNCATE "ftruncate" (Fd, Len) Int;
    79 GETCWD "getcwd" (Out(Struct::Path), Len) Int;
    80 CHDIR "chdir" (Path) Int;
    81 FCHDIR "fchdir" (Fd) Int;
    82 RENAME "rename" (Path, Path) Int;
    83 MKDIR "mkdir" (Path, Mode) Int;
    84 RMDIR "rmdir" (Path) Int;
    85 CREAT "creat" (Path, Mode) Fd;
    86 LINK "link" (Path, Path) Int;
    87 UNLINK "unlink" (Path) Int;
    88 SYMLINK "symlink" (Path, Path) Int;
    89 READLINK "readlink" (Path, OutBuf, Len) Int;
    90 CHMOD "chmod" (Path, Mode) Int;
    91 FCHMOD "fchmod" (Fd, Mode) Int;
    92 CHOWN "chown" (Path, Id, Id) Int;
    93 FCHOWN "fchown" (Fd, Id, Id) Int;
    94 LCHOWN "lchown" (Path, Id, Id) Int;
    95 UMASK "umask" (Mode) Mode;
    96 GETTIMEOFDAY "gettimeofday" (Out(Timeval), Out(Timezone)) Int;
    97 GETRLIMIT "getrlimit" (Set(&resource::RLIMIT), Out(Rlimit)) Int;
    98 GETRUSAGE "getrusage" (Set(&resource::WHO), Out(Rusage)) Int;
    99 SYSINFO "sysinfo" (Out(Sysinfo)) Int;
    100 TIMES "times" (Out(Tms)) Int;
    102 GETUID "getuid" () Int;
    104 GETGID "getgid" () Int;
    105 SETUID "setuid" (Id) Int;
    106 SETGID "setgid" (Id) Int;
    107 GETEUID "geteuid" () Int;
    108 GETEGID "getegid" () Int;
    109 SETPGID "setpgid" (Pid, Pid) Int;
    110 GETPPID "getppid" () Int;
    111 GETPGRP "getpgrp" () Int;
    112 SETSID "setsid" () Int;
    121 GETPGID "getpgid" (Pid) Int;
    124 GETSID "getsid" (Pid) Int;
    127 RT_SIGPENDING "rt_sigpending" (Out(Sigset), Len) Int;
    130 RT_SIGSUSPEND "rt_sigsuspend" (In(Sigset), Len) Int;
    131 SIGALTSTACK "sigaltstack" (In(SigStack), Out(SigStack)) Int;
    137 STATFS "statfs" (Path, Out(Statfs)) Int;
    138 FSTATFS "fstatfs" (Fd, Out(Statfs)) Int;
    157 PRCTL "prctl" (Set(&clone::PRCTL), Addr, Addr, Addr, Addr) Int;
    158 ARCH_PRCTL "arch_prctl" (Set(&clone::ARCH), Addr) Int;
    160 SETRLIMIT "setrlimit" (Set(&resource::RLIMIT), In(Rlimit)) Int;
    162 SYNC "sync" () Int;
    169 REBOOT "reboot" (Addr, Addr, Set(&reboot::COMMANDS), Addr) Int;
    186 GETTID "gettid" () Int;
    200 TKILL "tkill" (Pid, Signal) Int;
    201 TIME "time" (Out(Time)) Int;
    202 FUTEX "futex" (Addr, Set(&clone::FUTEX), Int, In(Timespec), Addr, Int) Int;
    203 SCHED_SETAFFINITY "sched_setaffinity" (Pid, Len, In(CpuSet)) Int;
    204 SCHED_GETAFFINITY "sched_getaffinity" (Pid, Len, Out(CpuSet)) Int;
    217 GETDENTS64 "getdents64" (Fd, Out(Dirents), Len) Int;
    218 SET_TID_ADDRESS "set_tid_address" (Addr) Int;
    228 CLOCK_GETTIME "clock_gettime" (Set(&time::CLOCK), Out(Timespec)) Int;
    229 CLOCK_GETRES "clock_getres" (Set(&time::CLOCK), Out(Timespec)) Int;
    230 CLOCK_NANOSLEEP "clock_nanosleep"
        (Set(&time::CLOCK), Set(&time::TIMER), In(Timespec), Out(Timespec)) Int;
    231 EXIT_GROUP "exit_group" (Int) Never;
    234 TGKILL "tgkill" (Pid, Pid, Signal) Int;
    257 OPENAT "openat" (DirFd, Path, Set(&fcntl::OPEN), Mode) Fd;
    258 MKDIRAT "mkdirat" (DirFd, Path, Mode) Int;
    260 FCHOWNAT "fchownat" (DirFd, Path, Id, Id, Set(&fcntl::AT)) Int;
    262 NEWFSTATAT "newfstatat" (DirFd, Path, Out(Stat), Set(&fcntl::AT)) Int;
    263 UNLINKAT "unlinkat" (DirFd, Path, Set(&fcntl::AT)) Int;
    264 RENAMEAT "renameat" (DirFd, Path, DirFd, Path) Int;
    265 LINKAT "linkat" (DirFd, Path, DirFd, Path, Set(&fcntl::AT)) Int;
    266 SYMLINKAT "symlinkat" (Path, DirFd, Path) Int;
    267 READLINKAT "readlinkat" (DirFd, Path, OutBuf, Len) Int;
    268 FCHMODAT "fchmodat" (DirFd, Path, Mode) Int;
    269 FACCESSAT "faccessat" (DirFd, Path, Set(&fcntl::ACCESS)) Int;
    271 PPOLL "ppoll" (In(PollFds), Len, In(Timespec), In(Sigset), Len) Int;
    273 SET_ROBUST_LIST "set_robust_list" (Addr, Len) Int;
    280 UTIMENSAT "utimensat" (DirFd, Path, In(TimespecPair), Set(&fcntl::AT)) Int;
    292 DUP3 "dup3" (Fd, Fd, Set(&fcntl::PIPE)) Fd;
    293 PIPE2 "pipe2" (Out(FdPair), Set(&fcntl::PIPE)) Int;
    302 PRLIMIT64 "prlimit64" (Pid, Set(&resource::RLIMIT), In(Rlimit), Out(Rlimit)) Int;
    316 RENAMEAT2 "renameat2" (DirFd, Path, DirFd, Path, Set(&fcntl::RENAME)) Int;
    318 GETRANDOM "getrandom" (OutBuf, Len, Set(&system::GETRANDOM)) Int;
    332 STATX "statx" (DirFd, Path, Set(&fcntl::AT), Set(&stat::STATX), Out(Statx)) Int;
    334 RSEQ "rseq" (Addr, Len, Int, Addr) Int;
    439 FACCESSAT2 "faccessat2"
        (DirFd, Path, Set(&fcntl::ACCESS), Set(&fcntl::ACCESS_AT)) Int;
}

/// The call with this number.
pub fn lookup(number: u64) -> Option<&'static Syscall> {
    TABLE
        .binary_search_by_key(&number, |call| call.number)
        .ok()
        .map(|i| &TABLE[i])
}

/// The name of the call with this number.
pub fn name(number: u64) -> Option<&'static str> {
    lookup(number).map(|call| call.name)
}

/// The call with this name.
pub fn by_name(name: &str) -> Option<&'static Syscall> {
    TABLE.iter().find(|call| call.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_no_name_appears_twice() {
        assert!(TABLE.windows(2).all(|pair| pair[0].number < pair[1].number));
        for call in TABLE {
            assert_eq!(by_name(call.name).map(|c| c.number), Some(call.number));
        }
    }

    #[test]
    fn calls_are_found_by_number() {
        assert_eq!(name(READ), Some("read"));
        assert_eq!(name(FACCESSAT2), Some("faccessat2"));
        assert_eq!(name(23), None);
        assert_eq!(name(u64::MAX), None);
    }

    #[test]
    fn buffers_are_followed_by_their_length() {
        for call in TABLE {
            for (i, arg) in call.args.iter().enumerate() {
                if matches!(arg, Arg::InBuf | Arg::OutBuf | Arg::Out(Struct::Dirents)) {
                    assert_eq!(call.args.get(i + 1), Some(&Arg::Len), "{}", call.name);
                }
            }
        }
    }
}
