//! Opening files and naming them: fcntl.h, unistd.h (`access`, `lseek`) and the `*at` flags.

names! {
    /// Flags of open(2). The access mode is one of four values, the rest are single bits; where one value holds
    /// another, the larger one comes first.
    OPEN: u32, choice 0o3 => {
        O_RDONLY = 0, "Open for reading.";
        O_WRONLY = 0o1, "Open for writing.";
        O_RDWR = 0o2, "Open for both.";
        O_ACCMODE = 0o3, "Mask of the access mode; as a mode, for ioctl(2) only.";
        O_CREAT = 0o100, "Create the file if it does not exist.";
        O_EXCL = 0o200, "With `O_CREAT`: fail if it exists.";
        O_NOCTTY = 0o400, "Do not make a terminal the controlling one.";
        O_TRUNC = 0o1000, "Cut the file to length 0.";
        O_APPEND = 0o2000, "Every write goes to the end.";
        O_NONBLOCK = 0o4000, "Never wait.";
        O_SYNC = 0o4010000, "Writes return when data and metadata are on the disk.";
        __O_SYNC = 0o4000000, "The bit that `O_SYNC` has more than `O_DSYNC`.";
        O_DSYNC = 0o10000, "Writes return when the data is on the disk.";
        O_DIRECT = 0o40000, "Bypass caches.";
        O_LARGEFILE = 0o100000, "Meaningless on 64-bit systems.";
        O_NOFOLLOW = 0o400000, "Fail if the last part is a symbolic link.";
        O_NOATIME = 0o1000000, "Do not touch the access time.";
        O_CLOEXEC = 0o2000000, "Close on exec.";
        O_PATH = 0o10000000, "A descriptor that only names the file.";
        O_TMPFILE = 0o20200000, "Make a file without a name.";
        __O_TMPFILE = 0o20000000, "The bit that `O_TMPFILE` has more than `O_DIRECTORY`.";
        O_DIRECTORY = 0o200000, "Fail if it is not a directory.";
        FASYNC = 0o20000, "Send SIGIO when I/O is possible.";
    }
}

/// As a directory descriptor: the current directory.
pub const AT_FDCWD: i32 = -100;

names! {
    /// Flags of newfstatat(2), linkat(2), fchmodat(2), utimensat(2), ...
    AT: u32, choice 0 => {
        AT_SYMLINK_NOFOLLOW = 0x100, "Do not follow a symbolic link in the last part.";
        AT_REMOVEDIR = 0x200, "Remove a directory, as rmdir(2) does (unlinkat).";
        AT_SYMLINK_FOLLOW = 0x400, "Follow it (linkat does not otherwise).";
        AT_NO_AUTOMOUNT = 0x800, "Do not mount anything on the way.";
        AT_EMPTY_PATH = 0x1000, "An empty path names the descriptor itself.";
        AT_RECURSIVE = 0x8000, "The whole tree.";
    }
}

/// With faccessat2(2): check with the effective ids. Its bit is that of [`AT_REMOVEDIR`].
pub const AT_EACCESS: u32 = 0x200;

/// Flags of faccessat2(2).
pub static ACCESS_AT: crate::names::Names = crate::names::Names {
    choice: 0,
    entries: &[
        (AT_SYMLINK_NOFOLLOW as u64, "AT_SYMLINK_NOFOLLOW"),
        (AT_EACCESS as u64, "AT_EACCESS"),
        (AT_EMPTY_PATH as u64, "AT_EMPTY_PATH"),
    ],
};

names! {
    /// How statx(2) deals with caches.
    STATX_SYNC: u32, choice 0 => {
        AT_STATX_SYNC_AS_STAT = 0, "As stat(2) does.";
        AT_STATX_FORCE_SYNC = 0x2000, "Ask the server.";
        AT_STATX_DONT_SYNC = 0x4000, "Take what is cached.";
    }
}

/// The bits that say how statx(2) deals with caches.
pub const AT_STATX_SYNC_TYPE: u32 = AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC;

names! {
    /// Modes of access(2).
    ACCESS: u32, choice 0 => {
        F_OK = 0, "Does it exist?";
        R_OK = 4, "May it be read?";
        W_OK = 2, "May it be written?";
        X_OK = 1, "May it be executed?";
    }
}

names! {
    /// Where lseek(2) counts from.
    WHENCE: u32, choice u64::MAX => {
        SEEK_SET = 0, "The start of the file.";
        SEEK_CUR = 1, "The current position.";
        SEEK_END = 2, "The end of the file.";
        SEEK_DATA = 3, "The next byte that is not in a hole.";
        SEEK_HOLE = 4, "The next hole.";
    }
}

names! {
    /// Commands of fcntl(2).
    FCNTL: u32, choice u64::MAX => {
        F_DUPFD = 0, "Duplicate to the lowest descriptor not below the argument.";
        F_GETFD = 1, "Get descriptor flags.";
        F_SETFD = 2, "Set descriptor flags.";
        F_GETFL = 3, "Get status flags.";
        F_SETFL = 4, "Set status flags.";
        F_GETLK = 5, "Test a lock.";
        F_SETLK = 6, "Set a lock.";
        F_SETLKW = 7, "Set a lock, waiting.";
        F_SETOWN = 8, "Set the receiver of SIGIO.";
        F_GETOWN = 9, "Get the receiver of SIGIO.";
        F_SETSIG = 10, "Set the signal that is sent instead of SIGIO.";
        F_GETSIG = 11, "Get it.";
        F_SETLEASE = 1024, "Set a lease.";
        F_GETLEASE = 1025, "Get it.";
        F_NOTIFY = 1026, "Watch a directory.";
        F_DUPFD_CLOEXEC = 1030, "`F_DUPFD` with close-on-exec.";
        F_SETPIPE_SZ = 1031, "Set a pipe's capacity.";
        F_GETPIPE_SZ = 1032, "Get a pipe's capacity.";
        F_ADD_SEALS = 1033, "Forbid changes.";
        F_GET_SEALS = 1034, "Get what is forbidden.";
    }
}

names! {
    /// Descriptor flags (`F_SETFD`).
    FD: u32, choice 0 => {
        FD_CLOEXEC = 1, "Close on exec.";
    }
}

names! {
    /// Kinds of record locks (`F_SETLK`).
    LOCK_TYPES: u16, choice u64::MAX => {
        F_RDLCK = 0, "Shared.";
        F_WRLCK = 1, "Exclusive.";
        F_UNLCK = 2, "None.";
    }
}

record! {
    /// `struct flock`.
    pub struct Flock {
        /// [`LOCK_TYPES`].
        pub kind: u16,
        /// Where `start` counts from.
        pub whence: u16,
        /// Zero.
        pub pad: u32,
        /// First byte.
        pub start: i64,
        /// Number of bytes, 0 for all that follow.
        pub len: i64,
        /// The process that holds it.
        pub pid: i32,
        /// Zero.
        pub pad2: u32,
    }
}

names! {
    /// Operations of flock(2).
    FLOCK: u32, choice 0 => {
        LOCK_SH = 1, "Shared.";
        LOCK_EX = 2, "Exclusive.";
        LOCK_NB = 4, "Do not wait.";
        LOCK_UN = 8, "Give it up.";
        LOCK_MAND = 32, "Gone.";
        LOCK_RW = 192, "Gone, with `LOCK_MAND`: others may read and write.";
        LOCK_READ = 64, "The same: others may read.";
        LOCK_WRITE = 128, "The same: others may write.";
    }
}

names! {
    /// Flags of renameat2(2).
    RENAME: u32, choice 0 => {
        RENAME_NOREPLACE = 1, "Fail if the new name exists.";
        RENAME_EXCHANGE = 2, "Swap the two names.";
        RENAME_WHITEOUT = 4, "Leave a whiteout behind.";
    }
}

/// Flags of pipe2(2) and dup3(2): those of open(2) without the access mode.
pub static PIPE: crate::names::Names = crate::names::Names {
    choice: 0,
    entries: OPEN.entries.split_at(4).1,
};
