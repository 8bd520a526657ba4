//! The block cache: lifted blocks by physical place, and the chains between blocks of one page.
//!
//! A block is found by its [`Place`]; in front of the map sits a small direct-mapped table. When a write hits the
//! fragments a block was lifted from, the block dies: it stays in its slot, so that a chain that still names it is
//! recognised as stale, until the whole cache is emptied.

use base::{PAGE_SIZE, Ram, ram::FRAGMENT};
use hashbrown::HashMap;
use ir::{Block, Place};
use rustc_hash::FxBuildHasher;

/// A block's number in the cache.
pub type Id = u32;
/// No block.
pub const NONE: Id = u32::MAX;
/// Blocks kept before the cache starts over; about 100 MiB at worst.
const CAPACITY: usize = 1 << 17;
const RECENT: usize = 1 << 12;

/// A block in the cache.
pub struct Cached {
    /// The block.
    pub block: Block,
    /// Where it was lifted from.
    pub place: Place,
    /// The blocks that follow: in sequence, and when the branch is taken. Only within the page.
    pub chain: [Id; 2],
    /// Cleared when the code it was lifted from changed.
    pub alive: bool,
}

/// All lifted blocks.
pub struct Cache {
    blocks: Vec<Cached>,
    by_place: HashMap<Place, Id, FxBuildHasher>,
    by_page: HashMap<u64, Vec<Id>, FxBuildHasher>,
    recent: Box<[Id; RECENT]>,
    /// How many blocks were lifted so far.
    pub lifted: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            by_place: HashMap::default(),
            by_page: HashMap::default(),
            recent: Box::new([NONE; RECENT]),
            lifted: 0,
        }
    }
}

impl Cache {
    /// The block numbered `id`.
    #[inline(always)]
    pub fn get(&self, id: Id) -> &Cached {
        &self.blocks[id as usize]
    }

    /// The living block at `place`.
    #[inline]
    pub fn find(&mut self, place: &Place) -> Option<Id> {
        let slot = (place.phys.0 ^ place.phys.0 >> 12) as usize % RECENT;
        let recent = self.recent[slot];
        if let Some(cached) = self.blocks.get(recent as usize)
            && cached.alive
            && cached.place == *place
        {
            return Some(recent);
        }
        let id = *self.by_place.get(place)?;
        self.recent[slot] = id;
        Some(id)
    }

    /// Keeps `block`; every other block may be gone afterwards if there was no room.
    pub fn insert(&mut self, place: Place, block: Block) -> Id {
        if self.blocks.len() >= CAPACITY {
            self.clear();
        }
        let id = self.blocks.len() as Id;
        self.lifted += 1;
        self.blocks.push(Cached {
            block,
            place,
            chain: [NONE; 2],
            alive: true,
        });
        self.by_place.insert(place, id);
        self.by_page.entry(place.phys.page()).or_default().push(id);
        id
    }

    /// Remembers that `to` follows `from`, in sequence (0) or when taken (1).
    pub fn link(&mut self, from: Id, side: usize, to: Id) {
        if let Some(cached) = self.blocks.get_mut(from as usize) {
            cached.chain[side] = to;
        }
    }

    /// Kills the blocks whose code was written, as `ram` recorded it.
    pub fn forget_written(&mut self, ram: &mut Ram) {
        for (page, fragments) in ram.take_code_writes() {
            let Some(ids) = self.by_page.get_mut(&page) else {
                continue;
            };
            let blocks = &mut self.blocks;
            let by_place = &mut self.by_place;
            ids.retain(|&id| {
                let cached = &mut blocks[id as usize];
                let hit = fragments_of(cached) & fragments != 0;
                if hit {
                    cached.alive = false;
                    cached.block = Block {
                        ops: Vec::new(),
                        insns: Vec::new(),
                        owner: Vec::new(),
                        pool: Vec::new(),
                        ..cached.block
                    };
                    by_place.remove(&cached.place);
                }
                !hit
            });
            if ids.is_empty() {
                self.by_page.remove(&page);
                ram.clear_code(page);
            }
        }
    }

    /// Forgets everything. RAM's code marks stay; they cost a slow write, not an error.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.by_place.clear();
        self.by_page.clear();
        self.recent.fill(NONE);
    }
}

fn fragments_of(cached: &Cached) -> u64 {
    let first = cached.place.phys.0 % PAGE_SIZE;
    let last = (first + u64::from(cached.block.bytes).max(1) - 1).min(PAGE_SIZE - 1);
    let (low, high) = (first / FRAGMENT, last / FRAGMENT);
    (u64::MAX >> (63 - (high - low))) << low
}
