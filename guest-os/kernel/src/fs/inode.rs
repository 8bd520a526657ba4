//! What every file system offers: inodes.
//!
//! An inode is anything a path can name, or a pipe, which no path names. Directories find other inodes,
//! files hold bytes at positions, streams (pipes, terminals) hold bytes in an order of their own. A file
//! system implements the operations that make sense for its inodes; the others keep the answer they have
//! here, which is the errno that Linux gives. The code above (`walk`, `open_file`, the system calls)
//! knows no file system by name.

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::Errno;
use abi::dirent::Dirent;
use abi::stat::{S_IFDIR, S_IFMT, Stat, Statfs};
use abi::time::Timespec;

use super::transfer::{Sink, Source};
use crate::mm::region::FilePage;

/// A reference to an inode.
pub type InodeRef = Arc<dyn Inode>;

/// Which inode of which file system.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct InodeId {
    /// The file system, as `st_dev`.
    pub dev: u64,
    /// Its number there.
    pub ino: u64,
}

/// Where a write goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// To this position. Streams ignore it.
    At(u64),
    /// Behind the last byte, wherever that is when the write happens.
    End,
}

/// How a read or write waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Until it can do something.
    Block,
    /// Not at all: `EAGAIN` instead.
    Never,
}

/// Who makes a file, and with which permissions: what a new inode starts with.
pub use kcore::fs::NewFile;

/// Attributes to change.
pub use kcore::fs::Attributes;

/// An inode. Operations may sleep, so no spin lock may be held.
#[allow(
    unused_variables,
    reason = "the defaults refuse, whatever they are asked"
)]
pub trait Inode: Send + Sync {
    /// Which one it is.
    fn id(&self) -> InodeId;

    /// Type and permissions, without a visit to the disk.
    fn mode(&self) -> u32;

    /// Everything stat(2) reports.
    fn stat(&self) -> Result<Stat, Errno>;

    /// Whether it is a directory.
    fn is_dir(&self) -> bool {
        self.mode() & S_IFMT == S_IFDIR
    }

    /// Whether reads and writes have positions.
    fn is_seekable(&self) -> bool {
        true
    }

    /// Called for each open(2), which is going to write or not: may refuse that, or give another
    /// inode that stands for this opening.
    fn open(self: Arc<Self>, write: bool) -> Result<InodeRef, Errno>;

    // Bytes.

    /// Reads bytes from position `at` on into `to`. Nothing put into `to` means the end.
    fn read(&self, at: u64, to: &mut Sink, wait: Wait) -> Result<(), Errno> {
        Err(if self.is_dir() {
            Errno::EISDIR
        } else {
            Errno::EINVAL
        })
    }

    /// Writes bytes taken from `from`; gives the position behind them.
    fn write(&self, place: Place, from: &mut Source, wait: Wait) -> Result<u64, Errno> {
        Err(Errno::EINVAL)
    }

    /// The page of a file that starts at byte `index * 4096`, filled with zeros behind the end of the
    /// file, to be mapped and never written. `ENXIO` if it lies behind the end as a whole.
    fn page(&self, index: u64) -> Result<FilePage, Errno> {
        Err(Errno::ENODEV)
    }

    /// Cuts or extends a file to `len` bytes.
    fn truncate(&self, len: u64) -> Result<(), Errno> {
        Err(if self.is_dir() {
            Errno::EISDIR
        } else {
            Errno::EINVAL
        })
    }

    /// Returns when everything written is durable.
    fn sync(&self) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// Which of `POLLIN`, `POLLOUT`, `POLLHUP` and `POLLERR` hold now.
    fn poll(&self) -> i16 {
        abi::poll::POLLIN | abi::poll::POLLOUT
    }

    /// A request of ioctl(2); `arg` may be a user address.
    fn ioctl(&self, request: u32, arg: usize) -> Result<usize, Errno> {
        Err(Errno::ENOTTY)
    }

    // Attributes.

    /// Changes attributes.
    fn set_attributes(&self, changes: &Attributes) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Where a symbolic link points.
    fn read_link(&self) -> Result<Vec<u8>, Errno> {
        Err(Errno::EINVAL)
    }

    /// The state of the file system it is in.
    fn statfs(&self) -> Result<Statfs, Errno> {
        Err(Errno::ENOSYS)
    }

    // Directories. Names have passed `kcore::path::check_name`; other directories given by number are in
    // the same file system.

    /// The inode with this name. `..` is a name, `.` is not.
    fn lookup(&self, name: &[u8]) -> Result<InodeRef, Errno> {
        Err(Errno::ENOTDIR)
    }

    /// Shows the entries behind `cursor` (0 at the start), until `each` has had enough and says false.
    fn entries(&self, cursor: u64, each: &mut dyn FnMut(Dirent) -> bool) -> Result<(), Errno> {
        Err(Errno::ENOTDIR)
    }

    /// Makes an empty file.
    fn create(&self, name: &[u8], new: &NewFile) -> Result<InodeRef, Errno> {
        Err(Errno::EACCES)
    }

    /// Makes a directory.
    fn make_dir(&self, name: &[u8], new: &NewFile) -> Result<(), Errno> {
        Err(Errno::EACCES)
    }

    /// Makes a symbolic link to `target`.
    fn make_link(&self, name: &[u8], target: &[u8], new: &NewFile) -> Result<(), Errno> {
        Err(Errno::EACCES)
    }

    /// Gives inode `ino` one more name.
    fn link(&self, name: &[u8], ino: u64) -> Result<(), Errno> {
        Err(Errno::EACCES)
    }

    /// Removes the name of a file.
    fn unlink(&self, name: &[u8]) -> Result<(), Errno> {
        Err(Errno::EACCES)
    }

    /// Removes an empty directory.
    fn remove_dir(&self, name: &[u8]) -> Result<(), Errno> {
        Err(Errno::EACCES)
    }

    /// Gives what is called `from` here the name `to` in directory `to_dir`, with `RENAME_*` flags.
    fn rename(&self, from: &[u8], to_dir: u64, to: &[u8], flags: u32) -> Result<(), Errno> {
        Err(Errno::EACCES)
    }
}

/// The present time, as timestamps have it.
pub fn now() -> Timespec {
    Timespec::from_nanos(crate::time::calendar_ns())
}
