//! Where decoding reads from: the guest's memory while it runs, or the pieces of it that a record holds.
//!
//! There is one description of each call, the decoding itself. Run against [`Live`] it leaves behind exactly the
//! pieces that the same decoding will ask [`Recorded`] for later.

use crate::trace::record::Memory;
use base::Virt;
use base::event::Peek;

/// Memory to decode from.
pub trait Source {
    /// Reads from `addr` on; says how many bytes there were before the first one that cannot be had.
    fn read(&mut self, addr: u64, bytes: &mut [u8]) -> usize;
}

/// Programs live below this address; what is above is not theirs to show (x86-64: the lower half).
const USER_END: u64 = 1 << 47;

/// The guest's memory as it is now; what is read is kept.
pub struct Live<'a> {
    memory: &'a dyn Peek,
    pieces: &'a mut Memory,
}

impl<'a> Live<'a> {
    /// Reads `memory` and keeps what was there in `pieces`.
    pub const fn new(memory: &'a dyn Peek, pieces: &'a mut Memory) -> Self {
        Self { memory, pieces }
    }
}

impl Source for Live<'_> {
    fn read(&mut self, addr: u64, bytes: &mut [u8]) -> usize {
        let room = USER_END.saturating_sub(addr);
        let len = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        if len == 0 {
            return 0;
        }
        let len = self.memory.peek(Virt(addr), &mut bytes[..len]);
        if len > 0 {
            self.pieces.pieces.push((addr, bytes[..len].to_vec()));
        }
        len
    }
}

/// What a record holds.
pub struct Recorded<'a>(pub &'a Memory);

impl Source for Recorded<'_> {
    fn read(&mut self, addr: u64, bytes: &mut [u8]) -> usize {
        self.0.read(addr, bytes)
    }
}
