//! The disk layout of Silica's file system. `kcore::fs` is its only reader and writer.
//!
//! The whole disk is one file system of 4 KiB blocks; its regions follow each other, and where each
//! starts follows from the three counts in the superblock:
//!
//! ```text
//! block 0     1         2 ...               ...            ...            ...           ...
//! superblock  orphans   log                 inode bitmap   block bitmap   inode table   data
//!                       (header, then body)  1 bit each     1 bit each     32 a block
//! ```
//!
//! Every number is little-endian. A bit that is 1 in a bitmap means "in use"; bit 0 of the inode
//! bitmap is always 1, because inode 0 stands for "none". The block bitmap covers every block of
//! the disk, so the bits of the regions before the data are always 1.

/// Bytes of a block.
pub const BLOCK_SIZE: usize = 4096;
/// First bytes of the superblock.
pub const MAGIC: [u8; 8] = *b"SilicaFS";
/// Version of this layout.
pub const VERSION: u32 = 1;
/// Type that statfs(2) reports: "Sili".
pub const STATFS_MAGIC: i64 = 0x5369_6c69;

/// Block of the superblock.
pub const SUPERBLOCK: u32 = 0;
/// Block of the orphan table: 1024 inode numbers, 0 where a slot is free. Inodes named here have
/// lost their last name, or wait for blocks past their end to be freed; mounting finishes the work.
pub const ORPHANS: u32 = 1;
/// Slots of the orphan table.
pub const ORPHAN_SLOTS: usize = BLOCK_SIZE / 4;
/// First block of the log, its header.
pub const LOG_START: u32 = 2;

/// Inode of the root directory.
pub const ROOT_INO: u32 = 1;
/// Bits of one bitmap block.
pub const BITS_PER_BLOCK: u32 = BLOCK_SIZE as u32 * 8;
/// Inodes of one block of the inode table.
pub const INODES_PER_BLOCK: u32 = (BLOCK_SIZE / INODE_SIZE) as u32;
/// Bytes of an inode.
pub const INODE_SIZE: usize = 128;

record! {
    /// The superblock; the rest of its block is zero.
    pub struct Superblock {
        /// [`MAGIC`].
        pub magic: [u8; 8],
        /// [`VERSION`].
        pub version: u32,
        /// [`BLOCK_SIZE`].
        pub block_size: u32,
        /// Blocks of the disk.
        pub blocks: u32,
        /// Inodes, number 0 included.
        pub inodes: u32,
        /// Blocks of the log, its header included.
        pub log_blocks: u32,
        /// CRC-32C of all fields above.
        pub crc: u32,
    }
}

/// Block pointers that an inode holds itself.
pub const DIRECT: usize = 14;
/// Block pointers of an indirect block.
pub const POINTERS: usize = BLOCK_SIZE / 4;
/// Blocks that one file can have: direct, indirect and doubly indirect (about 4 GiB).
pub const MAX_FILE_BLOCKS: u64 = (DIRECT + POINTERS + POINTERS * POINTERS) as u64;
/// Bytes that one file can have.
pub const MAX_FILE_SIZE: u64 = MAX_FILE_BLOCKS * BLOCK_SIZE as u64;

record! {
    /// An inode. A `mode` of 0 means that it is free. A block pointer of 0 is a hole.
    pub struct DiskInode {
        /// Type and permissions, as in stat(2).
        pub mode: u32,
        /// Names that point here.
        pub nlink: u32,
        /// Owner.
        pub uid: u32,
        /// Group.
        pub gid: u32,
        /// Bytes.
        pub size: u64,
        /// Seconds of the last access.
        pub atime: i64,
        /// Seconds of the last change of the content.
        pub mtime: i64,
        /// Seconds of the last change of content or inode.
        pub ctime: i64,
        /// Nanoseconds of the last access.
        pub atime_nsec: u32,
        /// Nanoseconds of the last change of the content.
        pub mtime_nsec: u32,
        /// Nanoseconds of the last change of content or inode.
        pub ctime_nsec: u32,
        /// Blocks in use, indirect ones included.
        pub blocks: u32,
        /// The first blocks.
        pub direct: [u32; DIRECT],
        /// A block of pointers.
        pub indirect: u32,
        /// A block of pointers to blocks of pointers.
        pub double: u32,
    }
}

const _: () = assert!(size_of::<DiskInode>() == INODE_SIZE);

record! {
    /// Head of a directory record; the name follows. Records fill each block of a directory
    /// exactly, none crosses from one block to the next, and an `ino` of 0 marks free space.
    pub struct DirRecord {
        /// Inode, or 0.
        pub ino: u32,
        /// Bytes of the whole record, a multiple of 4.
        pub len: u16,
        /// Bytes of the name.
        pub name_len: u8,
        /// `DT_*` of the inode.
        pub kind: u8,
    }
}

record! {
    /// Head of the log's header block; `count` home block numbers (u32) follow it, and the block
    /// bodies lie in the same order in the blocks after the header.
    pub struct LogHeader {
        /// [`LOG_MAGIC`].
        pub magic: [u8; 8],
        /// Number of the transaction.
        pub sequence: u64,
        /// Blocks in the transaction.
        pub count: u32,
        /// CRC-32C of this head with `crc` zero, the block numbers, and the bodies.
        pub crc: u32,
    }
}

/// First bytes of a log header.
pub const LOG_MAGIC: [u8; 8] = *b"SilicLog";
/// Most blocks of one transaction: what one header block can name.
pub const LOG_MAX_BODY: usize = (BLOCK_SIZE - size_of::<LogHeader>()) / 4;
