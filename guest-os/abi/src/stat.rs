//! What stat(2) reports (asm/stat.h for x86-64, statx(2)) and the bits of a file's mode.

use crate::time::Timespec;

record! {
    /// `struct stat` of x86-64, 144 bytes.
    pub struct Stat {
        /// Device that holds the file.
        pub dev: u64,
        /// Inode number.
        pub ino: u64,
        /// Hard links.
        pub nlink: u64,
        /// Type and permissions.
        pub mode: u32,
        /// Owner.
        pub uid: u32,
        /// Group.
        pub gid: u32,
        /// Zero.
        pub pad: u32,
        /// The device a special file stands for.
        pub rdev: u64,
        /// Bytes.
        pub size: i64,
        /// Preferred size of reads and writes, in bytes.
        pub blksize: i64,
        /// Allocated units of 512 bytes.
        pub blocks: i64,
        /// Last access.
        pub atime: Timespec,
        /// Last change of the content.
        pub mtime: Timespec,
        /// Last change of content or inode.
        pub ctime: Timespec,
        /// Zero.
        pub unused: [i64; 3],
    }
}

const _: () = assert!(size_of::<Stat>() == 144);

/// Mask of the type within a mode.
pub const S_IFMT: u32 = 0o170000;
/// Permission bits, with set-id and sticky.
pub const S_PERM: u32 = 0o7777;

names! {
    /// File types within a mode.
    FILE_TYPE: u32, choice 0o170000 => {
        S_IFSOCK = 0o140000, "Socket.";
        S_IFLNK = 0o120000, "Symbolic link.";
        S_IFREG = 0o100000, "Regular file.";
        S_IFBLK = 0o060000, "Block device.";
        S_IFDIR = 0o040000, "Directory.";
        S_IFCHR = 0o020000, "Character device.";
        S_IFIFO = 0o010000, "Pipe.";
    }
}

/// Set user id on execution.
pub const S_ISUID: u32 = 0o4000;
/// Set group id on execution.
pub const S_ISGID: u32 = 0o2000;
/// Sticky: only owners delete from this directory.
pub const S_ISVTX: u32 = 0o1000;

impl Stat {
    /// Is this the status of a directory?
    pub fn is_dir(&self) -> bool {
        self.mode & S_IFMT == S_IFDIR
    }

    /// Is this the status of a regular file?
    pub fn is_file(&self) -> bool {
        self.mode & S_IFMT == S_IFREG
    }

    /// Is this the status of a symbolic link?
    pub fn is_symlink(&self) -> bool {
        self.mode & S_IFMT == S_IFLNK
    }
}

record! {
    /// `struct statfs` of x86-64, 120 bytes (statfs(2)).
    pub struct Statfs {
        /// Magic number of the file system's type.
        pub kind: i64,
        /// Bytes of a block.
        pub bsize: i64,
        /// Blocks in all.
        pub blocks: u64,
        /// Free blocks.
        pub bfree: u64,
        /// Free blocks for ordinary users.
        pub bavail: u64,
        /// Inodes in all.
        pub files: u64,
        /// Free inodes.
        pub ffree: u64,
        /// Identity of the file system.
        pub fsid: [i32; 2],
        /// Longest name.
        pub namelen: i64,
        /// Bytes of a fragment.
        pub frsize: i64,
        /// Mount flags.
        pub flags: i64,
        /// Zero.
        pub spare: [i64; 4],
    }
}

const _: () = assert!(size_of::<Statfs>() == 120);

/// `f_type` of tmpfs.
pub const TMPFS_MAGIC: i64 = 0x0102_1994;
/// `f_type` of procfs.
pub const PROC_SUPER_MAGIC: i64 = 0x9fa0;
