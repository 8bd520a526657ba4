//! What watched places mean: the kernel's own probes, a map's entries, edges of the window.

use super::kind::Kind;
use abi::probe::PROBES;
use machine::Watch;
use machine::loader::sdt::Site;
use std::collections::BTreeMap;

/// What a watched place means.
#[derive(Clone, Debug)]
pub enum Meaning {
    /// The kernel event with this number in [`PROBES`].
    Event(usize),
    /// The same, as a map has it.
    Mapped {
        /// Its number.
        probe: usize,
        /// It counts only if these hold.
        conditions: Vec<Condition>,
        /// Linux's numbers of system calls by the kernel's own, if they differ.
        calls: BTreeMap<u64, u64>,
    },
    /// An edge of the window.
    Edge,
}

/// A condition on one of the values that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Which value.
    pub index: usize,
    /// What must hold.
    pub test: Test,
}

/// A comparison with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// How to compare.
    pub compare: Compare,
    /// With what.
    pub with: u64,
}

/// How to compare, without sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Compare {
    Equal,
    NotEqual,
    Below,
    Above,
    AtMost,
    AtLeast,
}

impl Test {
    /// Whether it holds for `value`.
    pub const fn holds(self, value: u64) -> bool {
        match self.compare {
            Compare::Equal => value == self.with,
            Compare::NotEqual => value != self.with,
            Compare::Below => value < self.with,
            Compare::Above => value > self.with,
            Compare::AtMost => value <= self.with,
            Compare::AtLeast => value >= self.with,
        }
    }
}

/// The kernel's own probes that are wanted, as watches with their meanings, numbered from 0.
pub fn watches(sites: &[Site], wanted: impl Fn(Kind) -> bool) -> (Vec<Watch>, Vec<Meaning>) {
    let mut watches = Vec::new();
    let mut meanings = Vec::new();
    for site in sites {
        let Some(probe) = PROBES.iter().position(|probe| probe.name == site.name) else {
            continue;
        };
        let fits = PROBES[probe].args.len() == site.arguments.len();
        if fits && wanted(Kind::of_probe(probe)) {
            watches.push(Watch {
                address: site.address,
                site: meanings.len() as u32,
                arguments: site.arguments.clone(),
            });
            meanings.push(Meaning::Event(probe));
        }
    }
    (watches, meanings)
}
