//! The block cache: lifted blocks by physical place, and the chains between blocks of one page.
//!
//! A block is found by its [`Place`]; in front of the map sits a small direct-mapped table. When a write hits the
//! fragments a block was lifted from, the block dies: it stays in its slot, so that a chain that still names it is
//! recognised as stale, until the whole cache is emptied.

use base::{PAGE_SIZE, Ram, ram::FRAGMENT};
use hashbrown::HashMap;
use ir::{Block, Insn, Op, Place};
use rustc_hash::FxBuildHasher;

/// A block's number in the cache.
pub type Id = u32;
/// No block.
pub const NONE: Id = u32::MAX;
/// Bytes of host memory for blocks, dead ones and the maps included, before the cache starts over.
const CAPACITY: usize = 32 << 20;
/// What a block costs beside its own vectors: its slot in a vector that doubles when it grows, its places in the two
/// maps, and what the allocator adds to each vector.
const OVERHEAD: usize = 2 * size_of::<Cached>() + 2 * size_of::<(Place, Id)>() + 64;
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
    /// Bytes in use, as [`cost`] reckons.
    bytes: usize,
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
            bytes: 0,
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
    pub fn insert(&mut self, place: Place, mut block: Block) -> Id {
        // Only here, because many blocks are lifted for once.
        block.ops.shrink_to_fit();
        block.insns.shrink_to_fit();
        let bytes = OVERHEAD + cost(&block);
        if self.bytes + bytes > CAPACITY {
            self.clear();
        }
        self.bytes += bytes;
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

    /// Kills the blocks whose code was written, as `ram` recorded it, and takes the marks off what holds none now.
    pub fn forget_written(&mut self, ram: &mut Ram) {
        for (page, fragments) in ram.take_code_writes() {
            let Some(ids) = self.by_page.get_mut(&page) else {
                ram.clear_code(page); // left over from before the cache was emptied
                continue;
            };
            let blocks = &mut self.blocks;
            let by_place = &mut self.by_place;
            ids.retain(|&id| {
                let cached = &mut blocks[id as usize];
                let hit = fragments_of(cached) & fragments != 0;
                if hit {
                    self.bytes -= cost(&cached.block);
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
            } else {
                let held = |held, &id: &Id| held | fragments_of(&blocks[id as usize]);
                ram.keep_code(page, ids.iter().fold(0, held));
            }
        }
    }

    /// Forgets everything. RAM's code marks stay; each costs one slow write.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.by_place.clear();
        self.by_page.clear();
        self.recent.fill(NONE);
        self.bytes = 0;
    }
}

/// Bytes of the vectors that go with a block when it dies.
const fn cost(block: &Block) -> usize {
    block.ops.capacity() * size_of::<Op>()
        + block.insns.capacity() * size_of::<Insn>()
        + block.owner.capacity()
        + block.pool.capacity() * size_of::<u64>()
}

fn fragments_of(cached: &Cached) -> u64 {
    let first = cached.place.phys.0 % PAGE_SIZE;
    let last = (first + u64::from(cached.block.bytes).max(1) - 1).min(PAGE_SIZE - 1);
    let (low, high) = (first / FRAGMENT, last / FRAGMENT);
    (u64::MAX >> (63 - (high - low))) << low
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Phys, Width};
    use ir::Opcode;

    fn place(phys: u64) -> Place {
        Place {
            phys: Phys(phys),
            pc: phys,
            mode: 0,
        }
    }

    fn block(pc: u64, bytes: u16, ops: usize) -> Block {
        let nop = Op {
            code: Opcode::Nop,
            d: 0,
            a: 0,
            b: 0,
            imm: 0,
        };
        Block {
            pc,
            bytes,
            ops: vec![nop; ops],
            insns: Vec::new(),
            owner: vec![0; ops],
            pool: Vec::new(),
            taken: pc,
            next: pc,
            cacheable: true,
        }
    }

    #[test]
    fn long_blocks_do_not_take_more_memory_than_short_ones() {
        for ops in [1, 1000] {
            let mut cache = Cache::default();
            let mut most = 0;
            for at in (0..200_000 * 16).step_by(16) {
                cache.insert(place(at), block(at, 16, ops));
                let held = cache.blocks.iter().map(|c| OVERHEAD + cost(&c.block));
                if at % 0x4_0000 == 0 {
                    most = most.max(held.sum::<usize>());
                }
            }
            assert!((CAPACITY / 2..=CAPACITY).contains(&most), "{ops}: {most}");
        }
    }

    #[test]
    fn a_mark_that_outlived_its_block_costs_one_slow_write() {
        let mut ram = Ram::new(Phys(0), 0x1000);
        let mut cache = Cache::default();
        ram.mark_code(Phys(0), 16);
        cache.insert(place(0), block(0, 16, 1));
        cache.clear();
        ram.write(Phys(8), Width::B1, 1);
        assert!(ram.code_written());
        cache.forget_written(&mut ram);
        ram.write(Phys(8), Width::B1, 2);
        assert!(!ram.code_written() && ram.fast_writable(0));
    }

    #[test]
    fn a_block_dies_with_a_byte_of_its_own_and_not_with_a_neighbour() {
        let mut ram = Ram::new(Phys(0), 0x1000);
        let mut cache = Cache::default();
        for at in [0, 0x100] {
            ram.mark_code(Phys(at), 16);
            cache.insert(place(at), block(at, 16, 1));
        }
        ram.write(Phys(0x108), Width::B1, 1);
        cache.forget_written(&mut ram);
        assert!(cache.find(&place(0)).is_some());
        assert_eq!(cache.find(&place(0x100)), None);
        // What is no code any longer is written without a word.
        ram.write(Phys(0x108), Width::B1, 2);
        assert!(!ram.code_written());
    }
}
