//! A hart with some memory and nothing else, for unit tests.

use super::state::Hart;
use crate::mmu::tlb::Shape;
use base::{Phys, Ram};

/// Where memory begins.
pub const RAM: u64 = 0x8000_0000;
/// Bytes of it.
pub const LEN: u64 = 1 << 20;

/// A hart and its memory.
pub struct Board {
    /// The hart.
    pub hart: Hart,
    /// The memory.
    pub ram: Ram,
}

impl Board {
    /// A hart after reset, at the beginning of memory.
    pub fn new() -> Self {
        let mut hart = Hart::new(Shape::default(), 0);
        hart.pc = RAM;
        Self {
            hart,
            ram: Ram::new(Phys(RAM), LEN),
        }
    }
}
