//! What an engine needs of a CPU. The ISA front end implements it; the engine is generic over it and knows no ISA.
//!
//! `at` is everywhere the number of instructions that the present run retired before the one in progress: it fixes
//! the instant at which a device or a time-stamp counter is looked at.

use crate::block::Block;
use crate::op::Op;
use crate::reg::Regs;
use base::{Phys, Ram, Width};

/// Where an instruction lies, and all that lifting it depends on: the key of the block cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Physical address of the instruction.
    pub phys: Phys,
    /// Virtual address of the instruction.
    pub pc: u64,
    /// What the lift assumes beside the bytes (mode, operand sizes, whether probes are lifted), as the ISA packs it.
    pub mode: u32,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on with the next op (after a `CallEnd`: with the block's next instruction).
    Next,
    /// Control is at [`Guest::pc`]. Only a `CallEnd` may say so.
    Jump,
    /// The instruction is to be entered again; this many of its iterations retired. Only a `CallEnd` may say so.
    Again(u64),
    /// As `Next`, the instruction counting as this many (at least 1) instead of one. Only a `CallEnd` may say so.
    Counted(u64),
}

/// A CPU as the engine sees it, with the memory and devices it can reach.
pub trait Guest {
    /// Why an instruction did not complete; the engine only passes it on.
    type Trap;

    /// The register file.
    fn regs(&mut self) -> &mut Regs;

    /// Guest memory.
    fn ram(&mut self) -> &mut Ram;

    /// The program counter; the engine keeps it true between runs, at the beginning of blocks (and there it stays until
    /// the block is left), at faults and in front of calls that end a block.
    fn pc(&self) -> u64;

    /// Moves the program counter.
    fn set_pc(&mut self, pc: u64);

    /// Reads if the address is in the TLB's reach and in RAM, in one page; `None` means: ask [`Guest::load`].
    fn load_fast(&mut self, addr: u64, width: Width) -> Option<u64>;

    /// As `load_fast`, but only if the address may also be written.
    fn load_for_write_fast(&mut self, addr: u64, width: Width) -> Option<u64>;

    /// Writes if the address is in the TLB's reach, in one page, and its RAM page needs no mark; `false`: nothing done.
    fn store_fast(&mut self, addr: u64, width: Width, value: u64) -> bool;

    /// Reads, whatever it takes. With `for_write`, faults as a write would.
    fn load(
        &mut self,
        addr: u64,
        width: Width,
        for_write: bool,
        at: u64,
    ) -> Result<u64, Self::Trap>;

    /// Writes, whatever it takes; on a fault nothing was written.
    fn store(&mut self, addr: u64, width: Width, value: u64, at: u64) -> Result<(), Self::Trap>;

    /// Faults as a write of `len` bytes would, else does nothing.
    fn probe_write(&mut self, addr: u64, len: u64, at: u64) -> Result<(), Self::Trap>;

    /// The ISA's trap for a misaligned operand.
    fn misaligned(&mut self, addr: u64) -> Self::Trap;

    /// Carries out a call. `left` is how many instructions the run may still retire, this one included.
    fn call(&mut self, op: Op, at: u64, left: u64) -> Result<Flow, Self::Trap>;

    /// Tells whoever listens that control is `offset` bytes behind the program counter: at an instruction, or at this
    /// probe. To the guest it is nothing.
    fn report(&mut self, offset: u16, probe: Option<u32>, at: u64);

    /// Translates the program counter for a fetch.
    fn locate(&mut self, at: u64) -> Result<Place, Self::Trap>;

    /// Lifts a block of at most `limit` instructions at `place`, where [`Guest::locate`] said the CPU is.
    fn lift(&mut self, place: Place, limit: usize, at: u64) -> Result<Block, Self::Trap>;

    /// Whether something happened that the run loop must look at before the next instruction.
    fn attention(&self) -> bool;
}
