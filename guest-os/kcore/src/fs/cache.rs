//! The metadata cache: blocks of bitmaps, inodes, directories and pointers in memory, and among
//! them the *dirty* ones that make up the running transaction.
//!
//! A clean block may be dropped at any time. A dirty one stays until the log has made it durable:
//! nothing here writes to the disk. File data never passes through.

use super::store::{Block, BlockStore, zero_block};
use abi::Errno;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::collections::btree_map::{BTreeMap, Entry};

/// Blocks kept before the older clean half is dropped: 2 MiB.
const LIMIT: usize = 512;

struct Slot {
    data: Box<Block>,
    last_use: u64,
}

#[derive(Default)]
pub(super) struct Cache {
    slots: BTreeMap<u32, Slot>,
    dirty: BTreeSet<u32>,
    clock: u64,
    changes: u64,
}

impl Cache {
    /// A block, for reading.
    pub(super) fn read<S: BlockStore>(
        &mut self,
        store: &mut S,
        block: u32,
    ) -> Result<&Block, Errno> {
        self.slot(store, block).map(|data| &*data)
    }

    /// A block, for changing: it joins the transaction.
    pub(super) fn write<S: BlockStore>(
        &mut self,
        store: &mut S,
        block: u32,
    ) -> Result<&mut Block, Errno> {
        self.changes += 1;
        // The order matters: a block that cannot be read must not become dirty.
        self.slot(store, block)?;
        self.dirty.insert(block);
        self.slot(store, block)
    }

    /// A block that was just allocated, all zero: it joins the transaction.
    pub(super) fn fresh(&mut self, block: u32) -> &mut Block {
        self.changes += 1;
        self.clock += 1;
        self.dirty.insert(block);
        let fresh = Slot {
            data: zero_block(),
            last_use: self.clock,
        };
        let slot = match self.slots.entry(block) {
            Entry::Occupied(mut slot) => {
                slot.insert(fresh);
                slot.into_mut()
            }
            Entry::Vacant(place) => place.insert(fresh),
        };
        &mut slot.data
    }

    /// Drops a block that was freed, from the transaction too.
    pub(super) fn forget(&mut self, block: u32) {
        self.slots.remove(&block);
        self.dirty.remove(&block);
    }

    /// Drops old clean blocks if there are too many.
    pub(super) fn trim(&mut self) {
        if self.slots.len() - self.dirty.len() > LIMIT {
            let mut ages: alloc::vec::Vec<u64> = self.slots.values().map(|s| s.last_use).collect();
            let middle = ages.len() / 2;
            let (_, &mut median, _) = ages.select_nth_unstable(middle);
            let dirty = &self.dirty;
            self.slots
                .retain(|block, slot| slot.last_use >= median || dirty.contains(block));
        }
    }

    /// Number of blocks in memory.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Drops all clean blocks.
    pub(super) fn drop_clean(&mut self) {
        let dirty = &self.dirty;
        self.slots.retain(|block, _| dirty.contains(block));
    }

    /// How often blocks were taken for changing; tells whether an operation changed anything.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Number of blocks in the transaction.
    pub(super) fn dirty_len(&self) -> usize {
        self.dirty.len()
    }

    /// The blocks of the transaction, ascending.
    pub(super) fn dirty(&self) -> impl Iterator<Item = (u32, &Block)> {
        self.dirty
            .iter()
            .map(|block| (*block, &*self.slots[block].data))
    }

    /// The transaction is durable: its blocks are clean.
    pub(super) fn mark_clean(&mut self) {
        self.dirty.clear();
    }

    fn slot<S: BlockStore>(&mut self, store: &mut S, block: u32) -> Result<&mut Block, Errno> {
        self.clock += 1;
        let slot = match self.slots.entry(block) {
            Entry::Occupied(slot) => slot.into_mut(),
            Entry::Vacant(place) => {
                let mut data = zero_block();
                store.read(block, &mut data)?;
                place.insert(Slot { data, last_use: 0 })
            }
        };
        slot.last_use = self.clock;
        Ok(&mut slot.data)
    }
}
