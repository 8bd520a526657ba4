//! What stat(2) reports (`struct stat` itself differs between instruction sets: [`crate::isa`]; statx(2)) and the bits
//! of a file's mode.

pub use crate::isa::native::Stat;

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
    /// `struct statfs`, 120 bytes on 64-bit systems (statfs(2)).
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

names! {
    /// What statx(2) is asked for, and what it tells.
    STATX: u32, choice 0 => {
        STATX_ALL = 0xfff, "Everything that the first version of the call knew.";
        STATX_BASIC_STATS = 0x7ff, "What is in `struct stat`.";
        STATX_TYPE = 1, "The type.";
        STATX_MODE = 2, "The permissions.";
        STATX_NLINK = 4, "The number of links.";
        STATX_UID = 8, "The owner.";
        STATX_GID = 0x10, "The group.";
        STATX_ATIME = 0x20, "Last access.";
        STATX_MTIME = 0x40, "Last change of the content.";
        STATX_CTIME = 0x80, "Last change of content or inode.";
        STATX_INO = 0x100, "The inode's number.";
        STATX_SIZE = 0x200, "Bytes.";
        STATX_BLOCKS = 0x400, "Allocated units of 512 bytes.";
        STATX_BTIME = 0x800, "When it was made.";
        STATX_MNT_ID = 0x1000, "The mount.";
        STATX_DIOALIGN = 0x2000, "Alignment of direct I/O.";
    }
}

names! {
    /// Attributes that statx(2) tells.
    STATX_ATTR: u64, choice 0 => {
        STATX_ATTR_COMPRESSED = 4, "Compressed.";
        STATX_ATTR_IMMUTABLE = 0x10, "Cannot be changed.";
        STATX_ATTR_APPEND = 0x20, "Can only grow.";
        STATX_ATTR_NODUMP = 0x40, "Not for dump(8).";
        STATX_ATTR_ENCRYPTED = 0x800, "Encrypted.";
        STATX_ATTR_AUTOMOUNT = 0x1000, "Something is mounted here when it is used.";
        STATX_ATTR_MOUNT_ROOT = 0x2000, "The root of a mount.";
        STATX_ATTR_VERITY = 0x10_0000, "Its content is verified.";
        STATX_ATTR_DAX = 0x20_0000, "Mapped without a page cache.";
    }
}

record! {
    /// The head of `struct statx` (256 bytes), as far as the size.
    pub struct StatxHead {
        /// `STATX_*`: which fields are valid.
        pub mask: u32,
        /// Preferred size of reads and writes, in bytes.
        pub blksize: u32,
        /// `STATX_ATTR_*`.
        pub attributes: u64,
        /// Hard links.
        pub nlink: u32,
        /// Owner.
        pub uid: u32,
        /// Group.
        pub gid: u32,
        /// Type and permissions.
        pub mode: u16,
        /// Zero.
        pub pad: u16,
        /// Inode number.
        pub ino: u64,
        /// Bytes.
        pub size: u64,
    }
}

names! {
    /// Types of file systems (statfs(2)), as far as Silica mounts them.
    FS_MAGIC: i64, choice u64::MAX => {
        PROC_SUPER_MAGIC = 0x9fa0, "procfs.";
        TMPFS_MAGIC = 0x0102_1994, "tmpfs.";
    }
}

/// Set in [`Statfs::flags`] when the others are valid.
pub const ST_VALID: u64 = 0x20;

names! {
    /// Flags of statfs(2).
    ST: u64, choice 0 => {
        ST_RDONLY = 1, "Read-only.";
        ST_NOSUID = 2, "Set-id bits have no effect.";
        ST_NODEV = 4, "Device files have no effect.";
        ST_NOEXEC = 8, "Nothing may be executed.";
        ST_SYNCHRONOUS = 0x10, "Writes wait for the disk.";
        ST_MANDLOCK = 0x40, "Mandatory locks.";
        ST_NOATIME = 0x400, "Access times are not kept.";
        ST_NODIRATIME = 0x800, "Those of directories are not.";
        ST_RELATIME = 0x1000, "Access times follow changes.";
    }
}
