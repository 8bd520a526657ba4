//! Open files: what descriptors refer to (Linux's `struct file`).
//!
//! One is made by each open(2). `dup` and `fork` share it, and with it the position and the status flags.
//! The last descriptor's close drops it, and the inode's reference with it; a pipe's end notices that.

use core::sync::atomic::{AtomicU32, Ordering};

use alloc::sync::Arc;

use abi::Errno;
use abi::fcntl::{
    O_ACCMODE, O_APPEND, O_DSYNC, O_NONBLOCK, O_PATH, O_RDONLY, O_SYNC, O_WRONLY, SEEK_CUR,
    SEEK_END, SEEK_SET,
};
use abi::stat::{S_IFCHR, S_IFMT};

use super::inode::{InodeRef, Place, Wait};
use super::transfer::{Sink, Source};
use crate::sync::SleepLock;

/// Status flags that fcntl(2) may change.
const CHANGEABLE: u32 = O_APPEND | O_NONBLOCK;

/// An open file.
pub struct OpenFile {
    inode: InodeRef,
    /// The `O_*` flags it has.
    flags: AtomicU32,
    /// Where the next read or write begins. The lock orders those that share the file.
    position: SleepLock<u64>,
}

impl OpenFile {
    /// Opens an inode with these `O_*` flags, which must suit it.
    pub fn new(inode: InodeRef, flags: u32) -> Arc<OpenFile> {
        Arc::new(OpenFile {
            inode,
            flags: AtomicU32::new(flags),
            position: SleepLock::new(c"file_position", 0),
        })
    }

    /// What is open.
    pub fn inode(&self) -> &InodeRef {
        &self.inode
    }

    /// The status flags (`F_GETFL`).
    pub fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Changes the changeable ones (`F_SETFL`).
    pub fn set_flags(&self, flags: u32) {
        let kept = self.flags() & !CHANGEABLE;
        self.flags
            .store(kept | flags & CHANGEABLE, Ordering::Relaxed);
    }

    /// Whether it may be read.
    pub fn is_readable(&self) -> bool {
        self.flags() & O_PATH == 0 && self.flags() & O_ACCMODE != O_WRONLY
    }

    /// Whether it may be written.
    pub fn is_writable(&self) -> bool {
        self.flags() & O_PATH == 0 && self.flags() & O_ACCMODE != O_RDONLY
    }

    fn wait(&self) -> Wait {
        if self.flags() & O_NONBLOCK != 0 {
            Wait::Never
        } else {
            Wait::Block
        }
    }

    /// Reads at the file's position and moves it; gives the number of bytes, 0 at the end.
    pub fn read(&self, to: &mut Sink) -> Result<usize, Errno> {
        if !self.is_readable() {
            return Err(Errno::EBADF);
        }
        if !self.inode.is_seekable() {
            return self.read_inode(0, to);
        }
        let mut position = self.position.lock();
        let count = self.read_inode(*position, to)?;
        *position += count as u64;
        Ok(count)
    }

    /// Reads at a position of the caller's (pread).
    pub fn read_at(&self, at: u64, to: &mut Sink) -> Result<usize, Errno> {
        if !self.is_readable() {
            return Err(Errno::EBADF);
        }
        if !self.inode.is_seekable() {
            return Err(Errno::ESPIPE);
        }
        self.read_inode(at, to)
    }

    fn read_inode(&self, at: u64, to: &mut Sink) -> Result<usize, Errno> {
        match self.inode.read(at, to, self.wait()) {
            Err(errno) if to.done() == 0 => Err(errno),
            _ => Ok(to.done()),
        }
    }

    /// Writes at the file's position, or at the end with `O_APPEND`, and moves it.
    pub fn write(&self, from: &mut Source) -> Result<usize, Errno> {
        if !self.is_writable() {
            return Err(Errno::EBADF);
        }
        if !self.inode.is_seekable() {
            self.inode.write(Place::At(0), from, self.wait())?;
            return Ok(from.done());
        }
        let mut position = self.position.lock();
        let append = self.flags() & O_APPEND != 0;
        *position = self.write_inode(
            if append {
                Place::End
            } else {
                Place::At(*position)
            },
            from,
        )?;
        Ok(from.done())
    }

    /// Writes at a position of the caller's (pwrite). As on Linux, `O_APPEND` overrides it.
    pub fn write_at(&self, at: u64, from: &mut Source) -> Result<usize, Errno> {
        if !self.is_writable() {
            return Err(Errno::EBADF);
        }
        if !self.inode.is_seekable() {
            return Err(Errno::ESPIPE);
        }
        let append = self.flags() & O_APPEND != 0;
        self.write_inode(if append { Place::End } else { Place::At(at) }, from)?;
        Ok(from.done())
    }

    fn write_inode(&self, place: Place, from: &mut Source) -> Result<u64, Errno> {
        let end = self.inode.write(place, from, self.wait())?;
        if self.flags() & (O_SYNC | O_DSYNC) != 0 {
            self.inode.sync()?;
        }
        Ok(end)
    }

    /// Moves the position (lseek). It stays 0 in devices of characters. Directories know only the
    /// positions that getdents has left there.
    pub fn seek(&self, offset: i64, whence: u32) -> Result<u64, Errno> {
        if !self.inode.is_seekable() {
            return Err(Errno::ESPIPE);
        }
        if self.inode.mode() & S_IFMT == S_IFCHR {
            return Ok(0);
        }
        let mut position = self.position.lock();
        let base = match whence {
            SEEK_SET => 0,
            SEEK_CUR => *position as i64,
            SEEK_END => self.inode.stat()?.size,
            _ => return Err(Errno::EINVAL),
        };
        let target = base.checked_add(offset).ok_or(Errno::EOVERFLOW)?;
        *position = u64::try_from(target).map_err(|_| Errno::EINVAL)?;
        Ok(*position)
    }

    /// Runs `operation` on the position, which others who share the file cannot move meanwhile.
    pub fn with_position<T>(&self, operation: impl FnOnce(&mut u64) -> T) -> T {
        operation(&mut self.position.lock())
    }
}
