//! Records as bytes, within one block.
//!
//! ```text
//! record   tag:u8 · time since the last record · [cpu] · [pid] · what the tag says
//! tag      bit 7: a pid follows (it differs from this CPU's last)   bit 6: a cpu follows   bits 0–5: the kind of body
//! ```
//!
//! Single instructions are *predicted*: the one that followed this one last time will follow it again, as much later as
//! the instruction `cpus` before took (so long is the pattern of rounded times). A run of right predictions is one
//! number, which is what makes recording every instruction bearable.
//!
//! Addresses are written as differences from the last of their sort; an entry of a page walk that equals the last
//! walk's at the same level is one bit. Encoder and decoder keep the same [`Memory`] of what was last, and forget it at
//! a block's end.

mod decoder;
mod encoder;

pub use decoder::Decoder;
pub use encoder::Encoder;

use base::Space;
use base::event::{Access, Cause, DiskOp, Path};

const CPU: u8 = 1 << 6;
const PID: u8 = 1 << 7;

/// The kinds of bodies, in the order of [`Body`].
mod tag {
    pub const TRAP: u8 = 0;
    pub const RETURN: u8 = 1;
    pub const WALK: u8 = 2;
    pub const FLUSH: u8 = 3;
    pub const SPACE: u8 = 4;
    pub const LINE: u8 = 5;
    pub const ACK: u8 = 6;
    pub const IPI: u8 = 7;
    pub const DEVICE: u8 = 8;
    pub const ISSUE: u8 = 9;
    pub const COMPLETE: u8 = 10;
    pub const CONSOLE: u8 = 11;
    pub const INSTRUCTION: u8 = 12;
    pub const KERNEL: u8 = 13;
    pub const SYS_ENTER: u8 = 14;
    pub const SYS_EXIT: u8 = 15;
    /// So many instructions as predicted; no time, cpu or pid.
    pub const RUN: u8 = 16;
    pub const FAULT: u8 = 17;
}

const CAUSES: [Cause; 4] = [
    Cause::Exception,
    Cause::Interrupt,
    Cause::Software,
    Cause::SystemCall,
];
const ACCESSES: [Access; 3] = [Access::Fetch, Access::Read, Access::Write];
const OPS: [DiskOp; 4] = [DiskOp::Read, DiskOp::Write, DiskOp::Flush, DiskOp::Other];
const SPACES: [Space; 3] = [Space::Memory, Space::Port, Space::Local];

/// The place of `item` in a list that has it.
fn place<T: PartialEq>(list: &[T], item: &T) -> u64 {
    list.iter().position(|other| other == item).unwrap_or(0) as u64
}

/// What was last in this block.
#[derive(Clone, Debug)]
struct Last {
    time: u64,
    cpu: u8,
    pids: [u32; 256],
    code: u64,
    data: u64,
    path: Path,
    names: Vec<Vec<u8>>,
    predictor: Predictor,
}

/// What is thought to be the next instruction, and when.
#[derive(Clone, Debug)]
struct Predictor {
    pc: u64,
    next: Box<[u64; NEXT]>,
    steps: [u64; STEPS],
    phase: usize,
    period: usize,
}

/// Slots of the table of successors.
const NEXT: usize = 1 << 12;
/// Most CPUs for which times are predicted well.
const STEPS: usize = 8;

impl Predictor {
    fn new(cpus: u8) -> Self {
        Self {
            pc: 0,
            next: Box::new([0; NEXT]),
            steps: [0; STEPS],
            phase: 0,
            period: usize::from(cpus).clamp(1, STEPS),
        }
    }

    #[inline]
    const fn slot(pc: u64) -> usize {
        (pc ^ pc >> 12) as usize % NEXT
    }

    /// The address, and the time since the last record.
    #[inline]
    fn prediction(&self) -> (u64, u64) {
        (self.next[Self::slot(self.pc)], self.steps[self.phase])
    }

    /// It was `pc`, so much later.
    #[inline]
    fn learn(&mut self, pc: u64, step: u64) {
        self.next[Self::slot(self.pc)] = pc;
        self.steps[self.phase] = step;
        self.advance(pc);
    }

    /// It was `pc`, as predicted.
    #[inline]
    const fn advance(&mut self, pc: u64) {
        self.pc = pc;
        self.phase += 1;
        if self.phase == self.period {
            self.phase = 0;
        }
    }
}

impl Last {
    /// Nothing was before, in a trace of a machine with so many CPUs.
    fn new(cpus: u8) -> Self {
        Self {
            time: 0,
            cpu: 0,
            pids: [0; 256],
            code: 0,
            data: 0,
            path: Path::default(),
            names: Vec::new(),
            predictor: Predictor::new(cpus),
        }
    }
}
