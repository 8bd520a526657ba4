//! Pipes (pipe(7)): a bounded queue of bytes between descriptors.
//!
//! The two ends are two inodes that share one `Pipe`. An end lives as long as some open file refers to
//! it, and tells the other side when it goes: readers then find the end of the file, writers get
//! `SIGPIPE` and `EPIPE`.
//!
//! Bytes pass through a small kernel buffer on their way, because the ring is guarded by a spin lock, under
//! which user memory must not be touched. A write of at most `PIPE_BUF` bytes goes into the ring in
//! one piece or not at all; longer ones go piece by piece and may mix with those of other writers.

use core::sync::atomic::{AtomicU64, Ordering};

use alloc::sync::Arc;
use alloc::vec;

use abi::Errno;
use abi::limits::PIPE_BUF;
use abi::poll::{POLLERR, POLLHUP, POLLIN, POLLOUT};
use abi::signal::SIGPIPE;
use abi::stat::{S_IFIFO, Stat};
use abi::termios::FIONREAD;
use kcore::ring::Ring;

use crate::fs::inode::{Inode, InodeId, InodeRef, Place, Wait};
use crate::fs::poll;
use crate::fs::transfer::{Sink, Source};
use crate::mm::frame;
use crate::mm::user::UserPtr;
use crate::proc::signal;
use crate::sync::{SpinLock, WaitQueue, current};

/// Bytes that fit into a pipe, as on Linux.
pub const CAPACITY: usize = 64 * 1024;
/// What a pipe starts with; it grows when a write does not fit.
const FIRST_CAPACITY: usize = 4096;
/// The device number of all pipes.
const PIPE_DEV: u64 = 0xc;

/// What both ends share.
struct Pipe {
    ino: u64,
    state: SpinLock<State>,
    /// Readers that wait for bytes.
    readers: WaitQueue,
    /// Writers that wait for room.
    writers: WaitQueue,
}

struct State {
    ring: Ring,
    has_reader: bool,
    has_writer: bool,
}

/// The end to read from.
struct ReadEnd(Arc<Pipe>);

/// The end to write to.
struct WriteEnd(Arc<Pipe>);

/// Makes a pipe: the end to read from and the end to write to.
pub fn new() -> (InodeRef, InodeRef) {
    static NEXT_INO: AtomicU64 = AtomicU64::new(1);
    let pipe = Arc::new(Pipe {
        ino: NEXT_INO.fetch_add(1, Ordering::Relaxed),
        state: SpinLock::new(
            c"pipe",
            State {
                ring: Ring::new(FIRST_CAPACITY),
                has_reader: true,
                has_writer: true,
            },
        ),
        readers: WaitQueue::new(c"pipe_read"),
        writers: WaitQueue::new(c"pipe_write"),
    });
    (Arc::new(ReadEnd(pipe.clone())), Arc::new(WriteEnd(pipe)))
}

impl State {
    /// Room for a write of `len` bytes, after growing the ring if that helps.
    fn make_room(&mut self, len: usize) -> usize {
        let capacity = self.ring.len() + self.ring.room();
        // When memory is short the ring stays small, and the pipe slow.
        if self.ring.room() < len && capacity < CAPACITY && frame::check_room().is_ok() {
            let wanted = (self.ring.len() + len).next_power_of_two().min(CAPACITY);
            let mut larger = Ring::new(wanted);
            while !self.ring.is_empty() {
                let count = larger.push(self.ring.filled());
                self.ring.consume(count);
            }
            self.ring = larger;
        }
        self.ring.room()
    }
}

impl Pipe {
    fn read(&self, to: &mut Sink, wait: Wait) -> Result<(), Errno> {
        let mut buffer = vec![0; to.room().min(PIPE_BUF)];
        while to.room() > 0 {
            let mut state = self.state.lock();
            while state.ring.is_empty() {
                // What was read already is enough.
                if to.done() > 0 || !state.has_writer {
                    return Ok(());
                }
                if wait == Wait::Never {
                    return Err(Errno::EAGAIN);
                }
                state = self.readers.sleep(state)?;
            }
            let want = to.room().min(buffer.len());
            let count = state.ring.pop(&mut buffer[..want]);
            drop(state);
            self.writers.wake_all();
            poll::something_changed();
            to.put(&buffer[..count])?;
        }
        Ok(())
    }

    fn write(&self, from: &mut Source, wait: Wait) -> Result<(), Errno> {
        let atomic = from.left() <= PIPE_BUF;
        let mut buffer = vec![0; from.left().min(PIPE_BUF)];
        while from.left() > 0 {
            let count = from.take(&mut buffer)?;
            let mut sent = 0;
            while sent < count {
                match self.send(&buffer[sent..count], atomic, wait) {
                    Ok(more) => sent += more,
                    Err(errno) => {
                        from.put_back(count - sent);
                        return Err(errno);
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts bytes into the ring, all of them if `atomic`, at least one otherwise; waits for room.
    fn send(&self, bytes: &[u8], atomic: bool, wait: Wait) -> Result<usize, Errno> {
        let need = if atomic { bytes.len() } else { 1 };
        let mut state = self.state.lock();
        loop {
            if !state.has_reader {
                drop(state);
                // As on Linux, it looks as if the writer had sent it to itself.
                let me = current();
                signal::send(&me.arc(), SIGPIPE, signal::Origin::Process(me.pid));
                return Err(Errno::EPIPE);
            }
            if state.make_room(bytes.len()) >= need {
                break;
            }
            if wait == Wait::Never {
                return Err(Errno::EAGAIN);
            }
            state = self.writers.sleep(state)?;
        }
        let count = state.ring.push(bytes);
        drop(state);
        self.readers.wake_all();
        poll::something_changed();
        Ok(count)
    }

    fn stat(&self) -> Stat {
        Stat {
            dev: PIPE_DEV,
            ino: self.ino,
            nlink: 1,
            mode: S_IFIFO | 0o600,
            blksize: PIPE_BUF as _,
            ..Stat::default()
        }
    }

    fn ioctl(&self, request: u32, arg: usize) -> Result<usize, Errno> {
        if request != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let count = self.state.lock().ring.len();
        UserPtr::new(arg).write(&(count as i32)).map(|()| 0)
    }
}

impl Inode for ReadEnd {
    fn id(&self) -> InodeId {
        InodeId {
            dev: PIPE_DEV,
            ino: self.0.ino,
        }
    }

    fn mode(&self) -> u32 {
        S_IFIFO | 0o600
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(self.0.stat())
    }

    fn is_seekable(&self) -> bool {
        false
    }

    fn open(self: Arc<Self>, _write: bool) -> Result<InodeRef, Errno> {
        Ok(self)
    }

    fn read(&self, _at: u64, to: &mut Sink, wait: Wait) -> Result<(), Errno> {
        self.0.read(to, wait)
    }

    fn poll(&self) -> i16 {
        let state = self.0.state.lock();
        let readable = if state.ring.is_empty() { 0 } else { POLLIN };
        let hung_up = if state.has_writer { 0 } else { POLLHUP };
        readable | hung_up
    }

    fn ioctl(&self, request: u32, arg: usize) -> Result<usize, Errno> {
        self.0.ioctl(request, arg)
    }
}

impl Drop for ReadEnd {
    fn drop(&mut self) {
        self.0.state.lock().has_reader = false;
        self.0.writers.wake_all();
        poll::something_changed();
    }
}

impl Inode for WriteEnd {
    fn id(&self) -> InodeId {
        InodeId {
            dev: PIPE_DEV,
            ino: self.0.ino,
        }
    }

    fn mode(&self) -> u32 {
        S_IFIFO | 0o600
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(self.0.stat())
    }

    fn is_seekable(&self) -> bool {
        false
    }

    fn open(self: Arc<Self>, _write: bool) -> Result<InodeRef, Errno> {
        Ok(self)
    }

    fn write(&self, _place: Place, from: &mut Source, wait: Wait) -> Result<u64, Errno> {
        match self.0.write(from, wait) {
            Err(errno) if from.done() == 0 => Err(errno),
            _ => Ok(0),
        }
    }

    fn poll(&self) -> i16 {
        let mut state = self.0.state.lock();
        let writable = if state.make_room(PIPE_BUF) >= PIPE_BUF {
            POLLOUT
        } else {
            0
        };
        let broken = if state.has_reader { 0 } else { POLLERR };
        writable | broken
    }

    fn ioctl(&self, request: u32, arg: usize) -> Result<usize, Errno> {
        self.0.ioctl(request, arg)
    }
}

impl Drop for WriteEnd {
    fn drop(&mut self) {
        self.0.state.lock().has_writer = false;
        self.0.readers.wake_all();
        poll::something_changed();
    }
}
