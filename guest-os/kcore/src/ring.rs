//! A bounded queue of bytes: pipes, terminals, the kernel's log.
//!
//! It shows its memory as slices, so that the kernel copies between user memory and the ring
//! without a buffer in between: fill what [`Ring::vacant`] gives and [`Ring::produce`] it; read
//! what [`Ring::filled`] gives and [`Ring::consume`] it.

use alloc::boxed::Box;
use alloc::vec;

/// A ring buffer of fixed capacity.
#[derive(Debug)]
pub struct Ring {
    bytes: Box<[u8]>,
    /// Index of the oldest byte.
    start: usize,
    len: usize,
}

impl Ring {
    /// An empty ring for `capacity` bytes (at least 1).
    pub fn new(capacity: usize) -> Ring {
        Ring {
            bytes: vec![0; capacity.max(1)].into(),
            start: 0,
            len: 0,
        }
    }

    /// Bytes in the ring.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Is there nothing to read?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that still fit.
    pub fn room(&self) -> usize {
        self.bytes.len() - self.len
    }

    /// The oldest bytes, as many as lie together.
    pub fn filled(&self) -> &[u8] {
        let end = (self.start + self.len).min(self.bytes.len());
        &self.bytes[self.start..end]
    }

    /// Drops the `count` oldest bytes; `count` is at most [`len`](Self::len).
    pub fn consume(&mut self, count: usize) {
        assert!(count <= self.len);
        self.start = (self.start + count) % self.bytes.len();
        self.len -= count;
    }

    /// Free space behind the newest byte, as much as lies together.
    pub fn vacant(&mut self) -> &mut [u8] {
        let (end, capacity) = (self.start + self.len, self.bytes.len());
        if end < capacity {
            &mut self.bytes[end..]
        } else {
            &mut self.bytes[end - capacity..self.start]
        }
    }

    /// Adds the first `count` bytes of [`vacant`](Self::vacant) to the queue.
    pub fn produce(&mut self, count: usize) {
        assert!(count <= self.room());
        self.len += count;
    }

    /// Copies in as much as fits; gives the number of bytes taken.
    pub fn push(&mut self, mut from: &[u8]) -> usize {
        let mut taken = 0;
        while !from.is_empty() && self.room() > 0 {
            let vacant = self.vacant();
            let count = vacant.len().min(from.len());
            vacant[..count].copy_from_slice(&from[..count]);
            self.produce(count);
            from = &from[count..];
            taken += count;
        }
        taken
    }

    /// Copies out as much as there is; gives the number of bytes.
    pub fn pop(&mut self, out: &mut [u8]) -> usize {
        let mut given = 0;
        while given < out.len() && !self.is_empty() {
            let filled = self.filled();
            let count = filled.len().min(out.len() - given);
            out[given..given + count].copy_from_slice(&filled[..count]);
            self.consume(count);
            given += count;
        }
        given
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    #[test]
    fn bytes_leave_in_the_order_they_came_also_around_the_edge() {
        let mut ring = Ring::new(7);
        let (mut sent, mut received) = (0u8, 0u8);
        for round in 0..200usize {
            let batch: [u8; 5] = core::array::from_fn(|i| sent.wrapping_add(i as u8));
            sent = sent.wrapping_add(ring.push(&batch[..round % 6]) as u8);
            let mut out = [0; 3];
            let count = ring.pop(&mut out[..round % 4]);
            for byte in &out[..count] {
                assert_eq!(*byte, received);
                received = received.wrapping_add(1);
            }
        }
        assert_eq!(usize::from(sent.wrapping_sub(received)), ring.len());
    }

    #[test]
    fn a_full_ring_takes_nothing_and_an_empty_one_gives_nothing() {
        let mut ring = Ring::new(4);
        assert_eq!(ring.push(b"abcdef"), 4);
        assert_eq!(ring.push(b"g"), 0);
        assert!(ring.vacant().is_empty());
        let mut out = [0; 8];
        assert_eq!(ring.pop(&mut out), 4);
        assert_eq!(&out[..4], b"abcd");
        assert_eq!(ring.pop(&mut out), 0);
    }
}
