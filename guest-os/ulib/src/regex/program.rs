//! From a tree to instructions of an automaton (Thompson's construction).

use super::parse::{Anchor, Node, Set};
use rust_alloc::boxed::Box;
use rust_alloc::vec;
use rust_alloc::vec::Vec;

/// An instruction; places are indices into the program.
#[derive(Debug)]
pub(super) enum Inst {
    /// Takes a byte of the set, then goes on with the next instruction.
    Set(Box<Set>),
    /// Goes on if the place fits.
    Anchor(Anchor),
    /// Goes on at both places.
    Split(usize, usize),
    /// Goes on elsewhere.
    Jump(usize),
    /// The expression has matched.
    Match,
}

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Program {
    pub insts: Vec<Inst>,
    fold: bool,
}

impl Program {
    pub(super) fn new(tree: &Node, fold: bool) -> Program {
        let mut program = Program {
            insts: vec![],
            fold,
        };
        program.node(tree);
        program.insts.push(Inst::Match);
        program
    }

    fn reserve(&mut self) -> usize {
        self.insts.push(Inst::Match);
        self.insts.len() - 1
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Set(set) => {
                let set = if self.fold { folded(set) } else { **set };
                self.insts.push(Inst::Set(Box::new(set)));
            }
            Node::Anchor(anchor) => self.insts.push(Inst::Anchor(*anchor)),
            Node::Sequence(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Node::Either(branches) => self.either(branches),
            Node::Repeat { node, least, most } => self.repeat(node, *least, *most),
        }
    }

    fn either(&mut self, branches: &[Node]) {
        let mut jumps = Vec::new();
        for (i, branch) in branches.iter().enumerate() {
            let last = i + 1 == branches.len();
            let split = (!last).then(|| self.reserve());
            self.node(branch);
            if let Some(split) = split {
                jumps.push(self.reserve());
                self.insts[split] = Inst::Split(split + 1, self.insts.len());
            }
        }
        let end = self.insts.len();
        for jump in jumps {
            self.insts[jump] = Inst::Jump(end);
        }
    }

    fn repeat(&mut self, node: &Node, least: u32, most: Option<u32>) {
        for _ in 0..least {
            self.node(node);
        }
        match most {
            None => {
                let split = self.reserve();
                self.node(node);
                self.insts.push(Inst::Jump(split));
                self.insts[split] = Inst::Split(split + 1, self.insts.len());
            }
            Some(most) => {
                let splits: Vec<usize> = (least..most)
                    .map(|_| {
                        let split = self.reserve();
                        self.node(node);
                        split
                    })
                    .collect();
                let end = self.insts.len();
                for split in splits {
                    self.insts[split] = Inst::Split(split + 1, end);
                }
            }
        }
    }
}

/// A set with both cases of every letter in it.
fn folded(set: &Set) -> Set {
    let mut out = *set;
    for byte in 0..=255u8 {
        if set[usize::from(byte / 64)] >> (byte % 64) & 1 != 0 {
            for case in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                out[usize::from(case / 64)] |= 1 << (case % 64);
            }
        }
    }
    out
}
