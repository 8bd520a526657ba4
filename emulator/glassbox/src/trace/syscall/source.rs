//! Where decoding reads from: the guest's memory while it runs, or the pieces of it that a record holds.
//!
//! There is one description of each call, the decoding itself. Run against [`Live`] it leaves behind exactly the
//! pieces that the same decoding will ask [`Recorded`] for later.

use crate::trace::memory::Memory;
use base::Virt;
use base::event::Peek;

/// Memory to decode from.
pub trait Source {
    /// At most `len` bytes from `addr` on: those before the first one that cannot be had.
    fn read(&mut self, addr: u64, len: usize) -> &[u8];
}

/// Programs live below this address; what is above is not theirs to show (the lower half on x86-64, and with RISC-V's
/// Sv48).
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
    fn read(&mut self, addr: u64, len: usize) -> &[u8] {
        let room = USER_END.saturating_sub(addr);
        let len = len.min(usize::try_from(room).unwrap_or(usize::MAX));
        let memory = self.memory;
        self.pieces
            .fill(addr, len, |bytes| memory.peek(Virt(addr), bytes))
    }
}

/// What a record holds.
pub struct Recorded<'a>(pub &'a Memory);

impl Source for Recorded<'_> {
    fn read(&mut self, addr: u64, len: usize) -> &[u8] {
        self.0.read(addr, len)
    }
}
