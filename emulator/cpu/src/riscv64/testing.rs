//! A hart with some memory and nothing else, for unit tests.

use super::Cpu;
use super::state::Hart;
use crate::mmu::tlb::Shape;
use crate::probes::Probes;
use base::{Bus, Phys, Ram, Silent, Space, Time, Width};

/// Where memory begins.
pub const RAM: u64 = 0x8000_0000;
/// Bytes of it.
pub const LEN: u64 = 1 << 20;

/// A bus with nothing on it.
pub struct Nothing;

impl Bus for Nothing {
    fn read(&mut self, _: &mut Ram, _: Space, _: u64, width: Width, _: u64) -> u64 {
        width.mask()
    }

    fn write(&mut self, _: &mut Ram, _: Space, _: u64, _: Width, _: u64, _: u64) {}

    fn now(&self, retired: u64) -> Time {
        Time(retired * 10)
    }

    fn answers(&self, _: Phys) -> bool {
        false
    }

    fn claims(&self, addr: Phys) -> bool {
        !(RAM..RAM + LEN).contains(&addr.0)
    }
}

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

    /// Hands the hart to `work`.
    pub fn run<T>(&mut self, work: impl FnOnce(&mut Cpu<'_, Nothing, Silent>) -> T) -> T {
        let mut cpu = Cpu {
            hart: &mut self.hart,
            index: 0,
            ram: &mut self.ram,
            bus: &mut Nothing,
            observer: &mut Silent,
            probes: &Probes::default(),
        };
        work(&mut cpu)
    }
}
