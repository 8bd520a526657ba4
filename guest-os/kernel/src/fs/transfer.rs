//! Where the bytes of a read go and those of a write come from.
//!
//! Read and write work the same on a program's memory, in one piece or several (readv), and on the
//! kernel's own: a `Sink` takes bytes, a `Source` gives them, and both remember how far they are. An error
//! half way is the caller's only if nothing was moved: a short count otherwise, as read(2) has it.
//!
//! Touching user memory may sleep (its page may be on the disk), so no spin lock may be held.

use abi::Errno;

use crate::mm::user;

/// A piece of a program's memory, not checked yet.
#[derive(Clone, Copy, Debug)]
pub struct UserRange {
    /// Address.
    pub address: usize,
    /// Bytes.
    pub len: usize,
}

enum Memory<'a, K> {
    User(&'a [UserRange]),
    Kernel(K),
}

/// Takes the bytes of a read.
pub struct Sink<'a> {
    memory: Memory<'a, &'a mut [u8]>,
    len: usize,
    done: usize,
}

/// Gives the bytes of a write.
pub struct Source<'a> {
    memory: Memory<'a, &'a [u8]>,
    len: usize,
    done: usize,
}

/// Calls `each` with the user addresses of the `len` bytes that start `skip` bytes into `ranges`, and with
/// where each piece lies among them; stops at the first piece that fails and gives the bytes before it.
fn for_pieces(
    ranges: &[UserRange],
    mut skip: usize,
    len: usize,
    mut each: impl FnMut(usize, core::ops::Range<usize>) -> Result<(), Errno>,
) -> (usize, Result<(), Errno>) {
    let mut done = 0;
    for range in ranges {
        if done == len {
            break;
        }
        if skip >= range.len {
            skip -= range.len;
            continue;
        }
        let count = (range.len - skip).min(len - done);
        if let Err(errno) = each(range.address.wrapping_add(skip), done..done + count) {
            return (done, Err(errno));
        }
        done += count;
        skip = 0;
    }
    (done, Ok(()))
}

fn total(ranges: &[UserRange]) -> usize {
    ranges.iter().map(|range| range.len).sum()
}

impl<'a> Sink<'a> {
    /// Into a program's memory.
    pub fn to_user(ranges: &'a [UserRange]) -> Self {
        Sink { memory: Memory::User(ranges), len: total(ranges), done: 0 }
    }

    /// Into the kernel's.
    pub fn to_kernel(bytes: &'a mut [u8]) -> Self {
        Sink { len: bytes.len(), memory: Memory::Kernel(bytes), done: 0 }
    }

    /// Bytes that still fit.
    pub fn room(&self) -> usize {
        self.len - self.done
    }

    /// Bytes taken so far.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Takes as much of `bytes` as fits; gives how much. `EFAULT` only if not even one byte could be put.
    pub fn put(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        let len = bytes.len().min(self.room());
        let moved = match &mut self.memory {
            Memory::Kernel(memory) => {
                memory[self.done..self.done + len].copy_from_slice(&bytes[..len]);
                len
            }
            Memory::User(ranges) => {
                let (moved, result) =
                    for_pieces(ranges, self.done, len, |address, piece| user::copy_out(address, &bytes[piece]));
                if moved == 0 {
                    result?;
                }
                moved
            }
        };
        self.done += moved;
        Ok(moved)
    }
}

impl<'a> Source<'a> {
    /// From a program's memory.
    pub fn from_user(ranges: &'a [UserRange]) -> Self {
        Source { memory: Memory::User(ranges), len: total(ranges), done: 0 }
    }

    /// From the kernel's.
    pub fn from_kernel(bytes: &'a [u8]) -> Self {
        Source { memory: Memory::Kernel(bytes), len: bytes.len(), done: 0 }
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.len - self.done
    }

    /// Bytes given so far.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Fills `out` as far as there are bytes; gives how many. `EFAULT` only if there was not even one.
    pub fn take(&mut self, out: &mut [u8]) -> Result<usize, Errno> {
        let len = out.len().min(self.left());
        let moved = match &self.memory {
            Memory::Kernel(memory) => {
                out[..len].copy_from_slice(&memory[self.done..self.done + len]);
                len
            }
            Memory::User(ranges) => {
                let (moved, result) =
                    for_pieces(ranges, self.done, len, |address, piece| user::copy_in(address, &mut out[piece]));
                if moved == 0 {
                    result?;
                }
                moved
            }
        };
        self.done += moved;
        Ok(moved)
    }

    /// Counts `count` bytes as given, unseen.
    pub fn skip(&mut self, count: usize) {
        self.done += count.min(self.left());
    }

    /// Takes back the last `count` bytes given, which the receiver could not use after all.
    pub fn put_back(&mut self, count: usize) {
        self.done -= count;
    }
}
