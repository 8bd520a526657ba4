//! Resource limits and use: getrusage(2), prlimit(2), times(2).

use crate::time::Timeval;

record! {
    /// `struct rusage`, 144 bytes.
    pub struct Rusage {
        /// Time in user mode.
        pub utime: Timeval,
        /// Time in the kernel.
        pub stime: Timeval,
        /// Largest resident set, in KiB.
        pub maxrss: i64,
        /// Zero.
        pub ixrss: i64,
        /// Zero.
        pub idrss: i64,
        /// Zero.
        pub isrss: i64,
        /// Page faults without I/O.
        pub minflt: i64,
        /// Page faults with I/O.
        pub majflt: i64,
        /// Zero.
        pub nswap: i64,
        /// Reads from the disk.
        pub inblock: i64,
        /// Writes to the disk.
        pub oublock: i64,
        /// Zero.
        pub msgsnd: i64,
        /// Zero.
        pub msgrcv: i64,
        /// Signals received.
        pub nsignals: i64,
        /// Voluntary context switches.
        pub nvcsw: i64,
        /// Involuntary context switches.
        pub nivcsw: i64,
    }
}

const _: () = assert!(size_of::<Rusage>() == 144);

names! {
    /// Whose use getrusage(2) asks for.
    WHO: u32, choice u64::MAX => {
        RUSAGE_SELF = 0, "The process.";
        RUSAGE_CHILDREN = u32::MAX, "Children that were waited for (-1).";
        RUSAGE_BOTH = u32::MAX - 1, "Both, inside a kernel (-2).";
        RUSAGE_THREAD = 1, "The thread.";
    }
}

record! {
    /// `struct rlimit64`.
    pub struct Rlimit {
        /// Limit in force.
        pub soft: u64,
        /// Ceiling of the soft limit.
        pub hard: u64,
    }
}

/// No limit.
pub const RLIM_INFINITY: u64 = u64::MAX;

names! {
    /// Resources of prlimit(2).
    RLIMIT: u32, choice u64::MAX => {
        RLIMIT_CPU = 0, "CPU seconds.";
        RLIMIT_FSIZE = 1, "Bytes of a file.";
        RLIMIT_DATA = 2, "Bytes of data.";
        RLIMIT_STACK = 3, "Bytes of stack.";
        RLIMIT_CORE = 4, "Bytes of a core file.";
        RLIMIT_RSS = 5, "Resident bytes.";
        RLIMIT_NPROC = 6, "Processes.";
        RLIMIT_NOFILE = 7, "Descriptors.";
        RLIMIT_MEMLOCK = 8, "Locked bytes.";
        RLIMIT_AS = 9, "Bytes of address space.";
        RLIMIT_LOCKS = 10, "File locks.";
        RLIMIT_SIGPENDING = 11, "Pending signals.";
        RLIMIT_MSGQUEUE = 12, "Bytes in message queues.";
        RLIMIT_NICE = 13, "Highest priority.";
        RLIMIT_RTPRIO = 14, "Highest real-time priority.";
        RLIMIT_RTTIME = 15, "Microseconds of real-time work without a pause.";
    }
}

record! {
    /// `struct tms`.
    pub struct Tms {
        /// Ticks in user mode.
        pub utime: i64,
        /// Ticks in the kernel.
        pub stime: i64,
        /// The same of waited-for children.
        pub cutime: i64,
        /// The same of waited-for children.
        pub cstime: i64,
    }
}
