//! Which blocks and inodes are free: the two bitmaps.
//!
//! Allocation goes round the disk (next fit), so a file written in one go lies together, and a
//! search never starts over at the full beginning.
//!
//! A freed block keeps its bit until the transaction commits; only then `Fs::release_freed` clears
//! it. So a block cannot get a new owner while, after a crash, it could still belong to its old one.
//! Inodes need no such care: everything about them goes through the log.

use super::Fs;
use super::cache::Cache;
use super::geometry::Geometry;
use super::store::BlockStore;
use abi::Errno;
use abi::layout::BITS_PER_BLOCK;
use alloc::vec::Vec;

/// What is known of the free space, beside the bitmaps.
#[derive(Default)]
pub(super) struct Space {
    /// Clear bits of the block bitmap.
    pub free_blocks: u32,
    /// Clear bits of the inode bitmap.
    pub free_inodes: u32,
    /// Freed in this transaction.
    pub freed: Vec<u32>,
    next_block: u32,
    next_inode: u32,
}

impl Space {
    /// Counts the free blocks and inodes.
    pub(super) fn count<S: BlockStore>(
        store: &mut S,
        cache: &mut Cache,
        disk: &Geometry,
    ) -> Result<Space, Errno> {
        Ok(Space {
            free_blocks: count_clear(store, cache, disk.block_bitmap, disk.blocks)?,
            free_inodes: count_clear(store, cache, disk.inode_bitmap, disk.inodes)?,
            freed: Vec::new(),
            next_block: disk.data,
            next_inode: 0,
        })
    }
}

impl<S: BlockStore> Fs<S> {
    /// A free block; it stays free until [`take_block`](Self::take_block).
    pub(super) fn find_free_block(&mut self) -> Result<u32, Errno> {
        let (start, end) = (self.disk.block_bitmap, self.disk.blocks);
        let found = self
            .find_clear(start, end, self.space.next_block)?
            .ok_or(Errno::ENOSPC)?;
        // A damaged bitmap may show blocks of the other regions as free.
        if self.disk.is_data(found) {
            Ok(found)
        } else {
            Err(Errno::EUCLEAN)
        }
    }

    /// Marks a block as used that [`find_free_block`](Self::find_free_block) gave.
    pub(super) fn take_block(&mut self, block: u32) -> Result<(), Errno> {
        self.set_bit(self.disk.block_bitmap, block, true)?;
        self.space.free_blocks = self.space.free_blocks.saturating_sub(1);
        self.space.next_block = block + 1;
        Ok(())
    }

    /// Frees a block at the end of the transaction.
    pub(super) fn free_block(&mut self, block: u32) -> Result<(), Errno> {
        if !self.disk.is_data(block) {
            return Err(Errno::EUCLEAN);
        }
        self.cache.forget(block);
        // The bitmap block joins the transaction now, so that its place in the log is reserved.
        self.cache.write(
            &mut self.store,
            self.disk.block_bitmap + block / BITS_PER_BLOCK,
        )?;
        self.space.freed.push(block);
        Ok(())
    }

    /// Clears the bits of the freed blocks, the first step of a commit; gives the blocks.
    pub(super) fn release_freed(&mut self) -> Result<Vec<u32>, Errno> {
        let freed = core::mem::take(&mut self.space.freed);
        for block in &freed {
            // On a damaged disk two files may have shared the block.
            if self.set_bit(self.disk.block_bitmap, *block, false)? {
                self.space.free_blocks += 1;
            }
        }
        Ok(freed)
    }

    /// Allocates an inode number.
    pub(super) fn take_inode(&mut self) -> Result<u32, Errno> {
        let (start, end) = (self.disk.inode_bitmap, self.disk.inodes);
        let ino = self
            .find_clear(start, end, self.space.next_inode)?
            .ok_or(Errno::ENOSPC)?;
        if ino == 0 {
            return Err(Errno::EUCLEAN);
        }
        self.set_bit(start, ino, true)?;
        self.space.free_inodes = self.space.free_inodes.saturating_sub(1);
        self.space.next_inode = ino + 1;
        Ok(ino)
    }

    /// Frees an inode number.
    pub(super) fn free_inode(&mut self, ino: u32) -> Result<(), Errno> {
        if self.set_bit(self.disk.inode_bitmap, ino, false)? {
            self.space.free_inodes += 1;
        }
        Ok(())
    }

    /// Sets or clears one bit; tells whether that changed it.
    fn set_bit(&mut self, bitmap: u32, index: u32, used: bool) -> Result<bool, Errno> {
        let block = self
            .cache
            .write(&mut self.store, bitmap + index / BITS_PER_BLOCK)?;
        let bit = index % BITS_PER_BLOCK;
        let (byte, mask) = (&mut block[(bit / 8) as usize], 1 << (bit % 8));
        let was_used = *byte & mask != 0;
        *byte = if used { *byte | mask } else { *byte & !mask };
        Ok(was_used != used)
    }

    /// The first clear bit of `0..end` from `hint` on, going round once.
    fn find_clear(&mut self, bitmap: u32, end: u32, hint: u32) -> Result<Option<u32>, Errno> {
        let hint = if hint < end { hint } else { 0 };
        for range in [hint..end, 0..hint] {
            let mut at = range.start;
            while at < range.end {
                let block = self
                    .cache
                    .read(&mut self.store, bitmap + at / BITS_PER_BLOCK)?;
                let first = at - at % BITS_PER_BLOCK;
                let last = (range.end - first).min(BITS_PER_BLOCK);
                if let Some(bit) = clear_bit(block, at - first, last) {
                    return Ok(Some(first + bit));
                }
                at = first.saturating_add(BITS_PER_BLOCK);
            }
        }
        Ok(None)
    }
}

/// The first clear bit of `from..to` in a bitmap block, a word at a time.
fn clear_bit(block: &super::store::Block, from: u32, to: u32) -> Option<u32> {
    let (words, _) = block.as_chunks::<8>();
    for (index, word) in (from / 64..).zip(&words[(from / 64) as usize..]) {
        let mut clear = !u64::from_le_bytes(*word);
        if index == from / 64 {
            clear &= u64::MAX << (from % 64);
        }
        if clear != 0 {
            let bit = index * 64 + clear.trailing_zeros();
            return (bit < to).then_some(bit);
        }
    }
    None
}

fn count_clear<S: BlockStore>(
    store: &mut S,
    cache: &mut Cache,
    bitmap: u32,
    end: u32,
) -> Result<u32, Errno> {
    let mut used: u32 = 0;
    for first in (0..end).step_by(BITS_PER_BLOCK as usize) {
        let block = cache.read(store, bitmap + first / BITS_PER_BLOCK)?;
        let bits = (end - first).min(BITS_PER_BLOCK);
        let (words, _) = block.as_chunks::<8>();
        for (index, word) in (0..bits.div_ceil(64)).zip(words) {
            let inside = (bits - index * 64).min(64);
            used += (u64::from_le_bytes(*word) & (u64::MAX >> (64 - inside))).count_ones();
        }
    }
    Ok(end - used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::layout::BLOCK_SIZE;

    #[test]
    fn the_first_clear_bit_of_a_range_is_found() {
        let mut block = [0xff; BLOCK_SIZE];
        assert_eq!(clear_bit(&block, 0, BITS_PER_BLOCK), None);
        block[9] = 0b1110_1111; // bit 76
        block[4095] = 0x7f; // the last bit
        let check = |from, to, expected| assert_eq!(clear_bit(&block, from, to), expected);
        check(0, BITS_PER_BLOCK, Some(76));
        check(76, 77, Some(76));
        check(0, 76, None);
        check(77, BITS_PER_BLOCK, Some(BITS_PER_BLOCK - 1));
        check(77, BITS_PER_BLOCK - 1, None);
    }
}
