//! Where the bytes of a read go and those of a write come from.
//!
//! A `Sink` takes bytes into a program's memory, a `Source` gives them, in one piece or several
//! (readv, writev), and both remember how far they are. Whoever moves bytes need not know how many
//! pieces there are. An error half way is the program's only if nothing was moved; otherwise it sees
//! a short count, as read(2) has it.
//!
//! Touching user memory may sleep (its page may be on the disk), so no spin lock may be held.

use abi::Errno;
use core::ops::Range;

use crate::mm::user;

/// A piece of a program's memory, not checked yet.
#[derive(Clone, Copy, Debug)]
pub struct UserRange {
    /// Address.
    pub address: usize,
    /// Bytes.
    pub len: usize,
}

/// How far a transfer is.
struct Progress<'a> {
    ranges: &'a [UserRange],
    len: usize,
    done: usize,
}

/// Takes the bytes of a read.
pub struct Sink<'a>(Progress<'a>);

/// Gives the bytes of a write.
pub struct Source<'a>(Progress<'a>);

impl<'a> Progress<'a> {
    fn new(ranges: &'a [UserRange]) -> Self {
        let len = ranges.iter().map(|range| range.len).sum();
        Progress {
            ranges,
            len,
            done: 0,
        }
    }

    fn left(&self) -> usize {
        self.len - self.done
    }

    /// Goes on by at most `len` bytes, calling `each` with the address of every piece and where it
    /// lies among these bytes; gives how many were moved. The first piece that fails ends it, and is
    /// an error only if nothing was moved before.
    fn advance(
        &mut self,
        len: usize,
        mut each: impl FnMut(usize, Range<usize>) -> Result<(), Errno>,
    ) -> Result<usize, Errno> {
        let len = len.min(self.left());
        let mut skip = self.done;
        let mut moved = 0;
        for range in self.ranges {
            if moved == len {
                break;
            }
            if skip >= range.len {
                skip -= range.len;
                continue;
            }
            let count = (range.len - skip).min(len - moved);
            match each(range.address.wrapping_add(skip), moved..moved + count) {
                Err(errno) if moved == 0 => return Err(errno),
                Err(_) => break,
                Ok(()) => moved += count,
            }
            skip = 0;
        }
        self.done += moved;
        Ok(moved)
    }
}

impl<'a> Sink<'a> {
    /// Into these pieces, one after the other.
    pub fn new(ranges: &'a [UserRange]) -> Self {
        Sink(Progress::new(ranges))
    }

    /// Bytes that still fit.
    pub fn room(&self) -> usize {
        self.0.left()
    }

    /// Bytes taken so far.
    pub fn done(&self) -> usize {
        self.0.done
    }

    /// Takes as much of `bytes` as fits; gives how much. `EFAULT` only if not even one byte could be
    /// put.
    pub fn put(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        self.0.advance(bytes.len(), |address, piece| {
            user::copy_out(address, &bytes[piece])
        })
    }
}

impl<'a> Source<'a> {
    /// From these pieces, one after the other.
    pub fn new(ranges: &'a [UserRange]) -> Self {
        Source(Progress::new(ranges))
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.0.left()
    }

    /// Bytes given so far.
    pub fn done(&self) -> usize {
        self.0.done
    }

    /// Fills `out` as far as there are bytes; gives how many. `EFAULT` only if there was not even one.
    pub fn take(&mut self, out: &mut [u8]) -> Result<usize, Errno> {
        self.0.advance(out.len(), |address, piece| {
            user::copy_in(address, &mut out[piece])
        })
    }

    /// Counts what is left as given, unseen.
    pub fn skip_all(&mut self) {
        self.0.done = self.0.len;
    }

    /// Takes back the last `count` bytes given, which the receiver could not use after all.
    pub fn put_back(&mut self, count: usize) {
        self.0.done -= count;
    }
}
