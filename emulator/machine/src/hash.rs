//! The state hash: 128 bits over the snapshot bytes of everything, RAM by pages so that clean pages cost nothing.

use base::{Ram, State, codec};
use std::collections::BTreeMap;
use std::fmt;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// A hash of a machine's whole state (XXH3, 128 bits).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub u128);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hashes of RAM's non-zero pages, kept up to date from its dirty marks.
#[derive(Clone, Debug, Default)]
pub struct PageHashes(BTreeMap<u64, u128>);

impl PageHashes {
    /// Takes in what changed in `ram`, then hashes it all together with `rest`.
    pub fn hash(&mut self, ram: &mut Ram, rest: &mut [&mut dyn State]) -> Hash {
        ram.take_dirty(|number, page| {
            if page.iter().all(|&byte| byte == 0) {
                self.0.remove(&number);
            } else {
                self.0.insert(number, xxh3_128(page));
            }
        });
        let mut whole = Xxh3::new();
        whole.update(&ram.len().to_le_bytes());
        for (number, hash) in &self.0 {
            whole.update(&number.to_le_bytes());
            whole.update(&hash.to_le_bytes());
        }
        for part in rest {
            whole.update(&codec::save(*part));
        }
        Hash(whole.digest128())
    }
}
