//! The system-call table: number, name, argument types and result of each call (a long table).
//!
//! The one list below makes the constants that the kernel dispatches on and the user library calls
//! with (`nr::READ`), and the [`TABLE`] that the tracer decodes with. Each instruction set has a
//! column of numbers: x86-64 (arch/x86/entry/syscalls/syscall_64.tbl), by which the list is ordered,
//! and riscv64 (asm-generic/unistd.h), which lacks the older of two calls that do the same. A plain
//! constant is the number where the program that uses it runs; on a host that is x86-64's. The list
//! also holds a few calls that Silica answers with `ENOSYS`, because stock C libraries make them and
//! a trace should name them.

use crate::isa::{ISAS, Isa};
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
    /// Number on the instruction set this is built for, or [`ABSENT`].
    pub number: u64,
    /// Number on each [`Isa`], or [`ABSENT`].
    pub numbers: [u64; ISAS],
    /// Name, as in its manual page and in strace's output.
    pub name: &'static str,
    /// Types of the arguments in order.
    pub args: &'static [Arg],
    /// Type of the result.
    pub ret: Ret,
}

/// The number of a call that an instruction set does not have; no call has it.
pub const ABSENT: u64 = u64::MAX;

macro_rules! number {
    (-) => {
        ABSENT
    };
    ($number:literal) => {
        $number
    };
}

macro_rules! syscalls {
    ($($x86_64:tt $riscv64:tt $constant:ident $name:literal ($($arg:expr),*) $ret:ident;)*) => {
        $(
            #[doc = concat!("Number of ", $name, "(2).")]
            pub const $constant: u64 = [number!($x86_64), number!($riscv64)][Isa::NATIVE as usize];
        )*

        /// Every call, in the order of x86-64's numbers.
        pub const TABLE: &[Syscall] = {
            use Arg::*;
            use Struct::{
                CpuSet, Dirents, FdPair, PollFds, Rlimit, Rusage, SigStack, Sigaction, Sigset, Stat,
                Statfs, Statx, Sysinfo, Time, Timespec, TimespecPair, Timeval, Timezone, Tms, Utsname,
                WaitStatus,
            };
            &[$(
                Syscall {
                    number: $constant,
                    numbers: [number!($x86_64), number!($riscv64)],
                    name: $name,
                    args: &[$($arg),*],
                    ret: Ret::$ret,
                },
            )*]
        };
    };
}

syscalls! {
    0 63 READ "read" (Fd, OutBuf, Len) Int;
    1 64 WRITE "write" (Fd, InBuf, Len) Int;
    2 - OPEN "open" (Path, Set(&fcntl::OPEN), Mode) Fd;
    3 57 CLOSE "close" (Fd) Int;
    4 - STAT "stat" (Path, Out(Stat)) Int;
    5 80 FSTAT "fstat" (Fd, Out(Stat)) Int;
    6 - LSTAT "lstat" (Path, Out(Stat)) Int;
    7 - POLL "poll" (In(PollFds), Len, Int) Int;
    8 62 LSEEK "lseek" (Fd, Off, Set(&fcntl::WHENCE)) Int;
    9 222 MMAP "mmap" (Addr, Len, Set(&mman::PROT), Set(&mman::MAP), Fd, Addr) Addr;
    10 226 MPROTECT "mprotect" (Addr, Len, Set(&mman::PROT)) Int;
    11 215 MUNMAP "munmap" (Addr, Len) Int;
    12 214 BRK "brk" (Addr) Addr;
    13 134 RT_SIGACTION "rt_sigaction" (Signal, In(Sigaction), Out(Sigaction), Len) Int;
    14 135 RT_SIGPROCMASK "rt_sigprocmask" (Set(&signal::HOW), In(Sigset), Out(Sigset), Len) Int;
    15 139 RT_SIGRETURN "rt_sigreturn" () Int;
    16 29 IOCTL "ioctl" (Fd, Set(&termios::IOCTL), IoctlArg) Int;
    17 67 PREAD64 "pread64" (Fd, OutBuf, Len, Off) Int;
    18 68 PWRITE64 "pwrite64" (Fd, InBuf, Len, Off) Int;
    19 65 READV "readv" (Fd, OutVec, Len) Int;
    20 66 WRITEV "writev" (Fd, InVec, Len) Int;
    21 - ACCESS "access" (Path, Set(&fcntl::ACCESS)) Int;
    22 - PIPE "pipe" (Out(FdPair)) Int;
    24 124 SCHED_YIELD "sched_yield" () Int;
    25 216 MREMAP "mremap" (Addr, Len, Len, Set(&mman::MREMAP), Addr) Addr;
    28 233 MADVISE "madvise" (Addr, Len, Set(&mman::MADVISE)) Int;
    32 23 DUP "dup" (Fd) Fd;
    33 - DUP2 "dup2" (Fd, Fd) Fd;
    34 - PAUSE "pause" () Int;
    35 101 NANOSLEEP "nanosleep" (In(Timespec), Out(Timespec)) Int;
    36 102 GETITIMER "getitimer" (Int, Addr) Int;
    37 - ALARM "alarm" (Len) Int;
    38 103 SETITIMER "setitimer" (Int, Addr, Addr) Int;
    39 172 GETPID "getpid" () Int;
    40 71 SENDFILE "sendfile" (Fd, Fd, In(Struct::Off), Len) Int;
    56 220 CLONE "clone" (CloneFlags, Addr, Out(Struct::Int), Out(Struct::Int), Addr) Int;
    57 - FORK "fork" () Int;
    58 - VFORK "vfork" () Int;
    59 221 EXECVE "execve" (Path, Argv, Envp) Int;
    60 93 EXIT "exit" (Int) Never;
    61 260 WAIT4 "wait4" (Pid, Out(WaitStatus), Set(&wait::OPTIONS), Out(Rusage)) Int;
    62 129 KILL "kill" (Pid, Signal) Int;
    63 160 UNAME "uname" (Out(Utsname)) Int;
    72 25 FCNTL "fcntl" (Fd, Set(&fcntl::FCNTL), FcntlArg) Int;
    73 32 FLOCK "flock" (Fd, Set(&fcntl::FLOCK)) Int;
    74 82 FSYNC "fsync" (Fd) Int;
    75 83 FDATASYNC "fdatasync" (Fd) Int;
    76 45 TRUNCATE "truncate" (Path, Len) Int;
    77 46 FTRUNCATE "ftruncate" (Fd, Len) Int;
    79 17 GETCWD "getcwd" (Out(Struct::Path), Len) Int;
    80 49 CHDIR "chdir" (Path) Int;
    81 50 FCHDIR "fchdir" (Fd) Int;
    82 - RENAME "rename" (Path, Path) Int;
    83 - MKDIR "mkdir" (Path, Mode) Int;
    84 - RMDIR "rmdir" (Path) Int;
    85 - CREAT "creat" (Path, Mode) Fd;
    86 - LINK "link" (Path, Path) Int;
    87 - UNLINK "unlink" (Path) Int;
    88 - SYMLINK "symlink" (Path, Path) Int;
    89 - READLINK "readlink" (Path, OutBuf, Len) Int;
    90 - CHMOD "chmod" (Path, Mode) Int;
    91 52 FCHMOD "fchmod" (Fd, Mode) Int;
    92 - CHOWN "chown" (Path, Id, Id) Int;
    93 55 FCHOWN "fchown" (Fd, Id, Id) Int;
    94 - LCHOWN "lchown" (Path, Id, Id) Int;
    95 166 UMASK "umask" (Mode) Mode;
    96 169 GETTIMEOFDAY "gettimeofday" (Out(Timeval), Out(Timezone)) Int;
    97 163 GETRLIMIT "getrlimit" (Set(&resource::RLIMIT), Out(Rlimit)) Int;
    98 165 GETRUSAGE "getrusage" (Set(&resource::WHO), Out(Rusage)) Int;
    99 179 SYSINFO "sysinfo" (Out(Sysinfo)) Int;
    100 153 TIMES "times" (Out(Tms)) Int;
    102 174 GETUID "getuid" () Int;
    104 176 GETGID "getgid" () Int;
    105 146 SETUID "setuid" (Id) Int;
    106 144 SETGID "setgid" (Id) Int;
    107 175 GETEUID "geteuid" () Int;
    108 177 GETEGID "getegid" () Int;
    109 154 SETPGID "setpgid" (Pid, Pid) Int;
    110 173 GETPPID "getppid" () Int;
    111 - GETPGRP "getpgrp" () Int;
    112 157 SETSID "setsid" () Int;
    121 155 GETPGID "getpgid" (Pid) Int;
    124 156 GETSID "getsid" (Pid) Int;
    127 136 RT_SIGPENDING "rt_sigpending" (Out(Sigset), Len) Int;
    130 133 RT_SIGSUSPEND "rt_sigsuspend" (In(Sigset), Len) Int;
    131 132 SIGALTSTACK "sigaltstack" (In(SigStack), Out(SigStack)) Int;
    137 43 STATFS "statfs" (Path, Out(Statfs)) Int;
    138 44 FSTATFS "fstatfs" (Fd, Out(Statfs)) Int;
    157 167 PRCTL "prctl" (Set(&clone::PRCTL), Addr, Addr, Addr, Addr) Int;
    158 - ARCH_PRCTL "arch_prctl" (Set(&clone::ARCH), Addr) Int;
    160 164 SETRLIMIT "setrlimit" (Set(&resource::RLIMIT), In(Rlimit)) Int;
    162 81 SYNC "sync" () Int;
    169 142 REBOOT "reboot" (Addr, Addr, Set(&reboot::COMMANDS), Addr) Int;
    186 178 GETTID "gettid" () Int;
    200 130 TKILL "tkill" (Pid, Signal) Int;
    201 - TIME "time" (Out(Time)) Int;
    202 98 FUTEX "futex" (Addr, Set(&clone::FUTEX), Int, In(Timespec), Addr, Int) Int;
    203 122 SCHED_SETAFFINITY "sched_setaffinity" (Pid, Len, In(CpuSet)) Int;
    204 123 SCHED_GETAFFINITY "sched_getaffinity" (Pid, Len, Out(CpuSet)) Int;
    217 61 GETDENTS64 "getdents64" (Fd, Out(Dirents), Len) Int;
    218 96 SET_TID_ADDRESS "set_tid_address" (Addr) Int;
    228 113 CLOCK_GETTIME "clock_gettime" (Set(&time::CLOCK), Out(Timespec)) Int;
    229 114 CLOCK_GETRES "clock_getres" (Set(&time::CLOCK), Out(Timespec)) Int;
    230 115 CLOCK_NANOSLEEP "clock_nanosleep"
        (Set(&time::CLOCK), Set(&time::TIMER), In(Timespec), Out(Timespec)) Int;
    231 94 EXIT_GROUP "exit_group" (Int) Never;
    234 131 TGKILL "tgkill" (Pid, Pid, Signal) Int;
    257 56 OPENAT "openat" (DirFd, Path, Set(&fcntl::OPEN), Mode) Fd;
    258 34 MKDIRAT "mkdirat" (DirFd, Path, Mode) Int;
    260 54 FCHOWNAT "fchownat" (DirFd, Path, Id, Id, Set(&fcntl::AT)) Int;
    262 79 NEWFSTATAT "newfstatat" (DirFd, Path, Out(Stat), Set(&fcntl::AT)) Int;
    263 35 UNLINKAT "unlinkat" (DirFd, Path, Set(&fcntl::AT)) Int;
    264 - RENAMEAT "renameat" (DirFd, Path, DirFd, Path) Int;
    265 37 LINKAT "linkat" (DirFd, Path, DirFd, Path, Set(&fcntl::AT)) Int;
    266 36 SYMLINKAT "symlinkat" (Path, DirFd, Path) Int;
    267 78 READLINKAT "readlinkat" (DirFd, Path, OutBuf, Len) Int;
    268 53 FCHMODAT "fchmodat" (DirFd, Path, Mode) Int;
    269 48 FACCESSAT "faccessat" (DirFd, Path, Set(&fcntl::ACCESS)) Int;
    271 73 PPOLL "ppoll" (In(PollFds), Len, In(Timespec), In(Sigset), Len) Int;
    273 99 SET_ROBUST_LIST "set_robust_list" (Addr, Len) Int;
    280 88 UTIMENSAT "utimensat" (DirFd, Path, In(TimespecPair), Set(&fcntl::AT)) Int;
    292 24 DUP3 "dup3" (Fd, Fd, Set(&fcntl::PIPE)) Fd;
    293 59 PIPE2 "pipe2" (Out(FdPair), Set(&fcntl::PIPE)) Int;
    302 261 PRLIMIT64 "prlimit64" (Pid, Set(&resource::RLIMIT), In(Rlimit), Out(Rlimit)) Int;
    316 276 RENAMEAT2 "renameat2" (DirFd, Path, DirFd, Path, Set(&fcntl::RENAME)) Int;
    318 278 GETRANDOM "getrandom" (OutBuf, Len, Set(&system::GETRANDOM)) Int;
    332 291 STATX "statx" (DirFd, Path, Set(&fcntl::AT), Set(&stat::STATX), Out(Statx)) Int;
    334 293 RSEQ "rseq" (Addr, Len, Int, Addr) Int;
    439 439 FACCESSAT2 "faccessat2"
        (DirFd, Path, Set(&fcntl::ACCESS), Set(&fcntl::ACCESS_AT)) Int;
}

/// The highest number in the [`TABLE`] on the instruction set this is built for.
pub const LAST: u64 = last(Isa::NATIVE);

const fn last(isa: Isa) -> u64 {
    let mut last = 0;
    let mut index = 0;
    while index < TABLE.len() {
        let number = TABLE[index].numbers[isa as usize];
        if number != ABSENT && number > last {
            last = number;
        }
        index += 1;
    }
    last
}

/// Numbers there is room for in [`PLACES`].
const ROOM: usize = 512;

/// Where in the [`TABLE`] each number of each instruction set is, counted from 1; 0 for those that are not in it.
static PLACES: [[u8; ROOM]; ISAS] = [places(Isa::X86_64), places(Isa::Riscv64)];

const fn places(isa: Isa) -> [u8; ROOM] {
    assert!(TABLE.len() < u8::MAX as usize);
    let mut places = [0; ROOM];
    let mut index = 0;
    while index < TABLE.len() {
        let number = TABLE[index].numbers[isa as usize];
        if number != ABSENT {
            places[number as usize] = index as u8 + 1;
        }
        index += 1;
    }
    places
}

/// The call with this number.
pub fn lookup(number: u64) -> Option<&'static Syscall> {
    lookup_on(Isa::NATIVE, number)
}

/// The call with this number on an instruction set.
pub fn lookup_on(isa: Isa, number: u64) -> Option<&'static Syscall> {
    let place = *PLACES[isa as usize].get(usize::try_from(number).ok()?)?;
    TABLE.get(usize::from(place).checked_sub(1)?)
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
        let x86_64 = |call: &Syscall| call.numbers[Isa::X86_64 as usize];
        assert!(
            TABLE
                .windows(2)
                .all(|pair| x86_64(&pair[0]) < x86_64(&pair[1]))
        );
        for call in TABLE {
            assert_eq!(by_name(call.name).map(|c| c.numbers), Some(call.numbers));
        }
    }

    #[test]
    fn each_instruction_set_finds_its_own_numbers() {
        for call in TABLE {
            for isa in [Isa::X86_64, Isa::Riscv64] {
                let number = call.numbers[isa as usize];
                let found = lookup_on(isa, number).map(|found| found.name);
                assert_eq!(found, (number != ABSENT).then_some(call.name));
            }
        }
        let name = |isa, number| lookup_on(isa, number).map(|call| call.name);
        assert_eq!(name(Isa::Riscv64, 63), Some("read"));
        assert_eq!(name(Isa::X86_64, 63), Some("uname"));
        assert_eq!(by_name("fork").unwrap().numbers, [57, ABSENT]);
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
