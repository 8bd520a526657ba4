//! A lifted block: straight-line micro-ops with one entry, and where control goes after them.

use crate::op::Op;

/// Where one guest instruction of a block begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// Index of its first op.
    pub op: u16,
    /// Bytes from the block's `pc` to the instruction.
    pub offset: u16,
}

/// A lifted block.
///
/// The last op ends the block (and no other op does). Control leaves to `taken`, to `next`, to a register's value, or
/// to wherever a call put the program counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Virtual address of the first instruction.
    pub pc: u64,
    /// Bytes of guest code the block was lifted from.
    pub bytes: u16,
    /// The micro-ops.
    pub ops: Vec<Op>,
    /// The guest instructions, in order. Used only on faults, attention and by tools.
    pub insns: Vec<Insn>,
    /// For each op, the number of its guest instruction; [`Block::index`] makes it.
    pub owner: Vec<u8>,
    /// 64-bit constants for `MovPool`.
    pub pool: Vec<u64>,
    /// Where the last branch or jump goes if taken; means nothing for blocks that end otherwise.
    pub taken: u64,
    /// The instruction that follows the block.
    pub next: u64,
    /// Whether the block may be kept: false if it depends on more than the bytes of one page.
    pub cacheable: bool,
}

impl Block {
    /// The number of the guest instruction that op number `op` belongs to.
    #[inline]
    pub fn insn_of(&self, op: usize) -> usize {
        self.owner.get(op).map_or(0, |&insn| usize::from(insn))
    }

    /// Makes the table behind [`Block::insn_of`], once ops and instructions are final.
    pub fn index(&mut self) {
        let starts = &self.insns;
        self.owner = (0..self.ops.len())
            .map(|op| {
                starts
                    .partition_point(|insn| usize::from(insn.op) <= op)
                    .saturating_sub(1) as u8
            })
            .collect();
    }

    /// The virtual address of instruction number `insn`; one past the last is the block's `next`.
    pub fn pc_of(&self, insn: usize) -> u64 {
        self.insns
            .get(insn)
            .map_or(self.next, |i| self.pc.wrapping_add(u64::from(i.offset)))
    }

    /// The first op that no longer belongs to instruction number `insn`.
    pub fn end_of(&self, insn: usize) -> usize {
        self.insns
            .get(insn + 1)
            .map_or(self.ops.len(), |i| usize::from(i.op))
    }
}
