//! The buddy allocator of page frames (Knuth, TAOCP vol. 1, 2.5).
//!
//! Frames are counted from 0; the kernel adds the address of the first. A block of order `n` has
//! `2^n` frames and starts at a multiple of `2^n`; its *buddy* differs in bit `n` of the number.
//! Freeing a block joins it with its buddy as long as that is free too.
//!
//! State lies in one [`Frame`] record a frame, in memory that the caller supplies. Only the record
//! of a block's first frame says anything; free blocks of one order form a doubly linked list
//! through their records, so allocating, freeing and joining take a constant time an order.
//! Because every record says what its frame is, a double free is found at once.

/// Orders of blocks: 0 (one frame) to `ORDERS - 1` (1024 frames, 4 MiB).
pub const ORDERS: usize = 11;

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Never given to the allocator: firmware, the kernel's image, holes.
    Reserved,
    /// Not the first frame of its block.
    Inside,
    /// First frame of a free block of this order.
    Free(u8),
    /// First frame of an allocated block of this order.
    Used(u8),
}

/// What the allocator knows of one frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    state: State,
    next: u32,
    previous: u32,
}

impl Frame {
    /// A frame that the allocator does not own.
    pub const RESERVED: Frame = Frame {
        state: State::Reserved,
        next: NONE,
        previous: NONE,
    };
}

/// A block that cannot be freed: it is free already, or was never allocated like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFree;

/// The allocator.
#[derive(Debug)]
pub struct Buddy<'a> {
    frames: &'a mut [Frame],
    heads: [u32; ORDERS],
    free: usize,
}

impl<'a> Buddy<'a> {
    /// An allocator that owns no frame yet; at most `u32::MAX` records are used.
    pub fn new(frames: &'a mut [Frame]) -> Self {
        frames.fill(Frame::RESERVED);
        Buddy {
            frames,
            heads: [NONE; ORDERS],
            free: 0,
        }
    }

    /// Hands the reserved frames `start..end` over; frames past the records are left out.
    ///
    /// Panics if one of them is not reserved: the caller's memory map overlaps itself.
    pub fn add_range(&mut self, start: usize, end: usize) {
        let end = end.min(self.frames.len());
        let mut at = start;
        while at < end {
            let aligned = (at.trailing_zeros() as usize).min(ORDERS - 1);
            let order = aligned.min((end - at).ilog2() as usize);
            let block = &mut self.frames[at..at + (1 << order)];
            assert!(
                block.iter().all(|f| f.state == State::Reserved),
                "frames added twice"
            );
            for frame in block {
                frame.state = State::Inside;
            }
            self.free += 1 << order;
            self.join(at, order);
            at += 1 << order;
        }
    }

    /// Allocates a block of `2^order` frames; gives its first frame, or `None` if there is none.
    pub fn alloc(&mut self, order: usize) -> Option<usize> {
        let found = (order..ORDERS).find(|o| self.heads[*o] != NONE)?;
        let block = self.heads[found] as usize;
        self.unlink(block, found);
        for half in (order..found).rev() {
            self.push(block + (1 << half), half);
        }
        self.frames[block].state = State::Used(order as u8);
        self.free -= 1 << order;
        Some(block)
    }

    /// Frees a block that [`alloc`](Self::alloc) gave for this order.
    pub fn free(&mut self, block: usize, order: usize) -> Result<(), BadFree> {
        match self.frames.get(block) {
            Some(Frame {
                state: State::Used(used),
                ..
            }) if usize::from(*used) == order => {}
            _ => return Err(BadFree),
        }
        self.frames[block].state = State::Inside;
        self.free += 1 << order;
        self.join(block, order);
        Ok(())
    }

    /// Number of free frames.
    pub fn free_frames(&self) -> usize {
        self.free
    }

    /// Is this the first frame of an allocated block? Its order, if so.
    pub fn allocated_order(&self, block: usize) -> Option<usize> {
        match self.frames.get(block)?.state {
            State::Used(order) => Some(usize::from(order)),
            _ => None,
        }
    }

    /// Makes `block` free, joined with every free buddy.
    fn join(&mut self, mut block: usize, mut order: usize) {
        while order < ORDERS - 1 {
            let buddy = block ^ (1 << order);
            let free = self.frames.get(buddy).map(|f| f.state) == Some(State::Free(order as u8));
            if !free {
                break;
            }
            self.unlink(buddy, order);
            self.frames[buddy].state = State::Inside;
            block = block.min(buddy);
            order += 1;
        }
        self.push(block, order);
    }

    fn push(&mut self, block: usize, order: usize) {
        let next = self.heads[order];
        self.frames[block] = Frame {
            state: State::Free(order as u8),
            next,
            previous: NONE,
        };
        if next != NONE {
            self.frames[next as usize].previous = block as u32;
        }
        self.heads[order] = block as u32;
    }

    fn unlink(&mut self, block: usize, order: usize) {
        let Frame { next, previous, .. } = self.frames[block];
        match previous {
            NONE => self.heads[order] = next,
            _ => self.frames[previous as usize].next = next,
        }
        if next != NONE {
            self.frames[next as usize].previous = previous;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    #[test]
    fn everything_freed_joins_to_the_largest_blocks_again() {
        let mut frames = vec![Frame::RESERVED; 2048];
        let mut buddy = Buddy::new(&mut frames);
        buddy.add_range(0, 2048);
        let mut blocks = Vec::new();
        for order in [0, 3, 0, 5, 1, 0, 9, 2].into_iter().cycle() {
            let Some(block) = buddy.alloc(order) else {
                break;
            };
            assert_eq!(block % (1 << order), 0);
            blocks.push((block, order));
        }
        for (block, order) in blocks.into_iter().rev() {
            buddy.free(block, order).unwrap();
        }
        assert_eq!(buddy.free_frames(), 2048);
        assert!(buddy.alloc(10).is_some() && buddy.alloc(10).is_some());
        assert_eq!(buddy.alloc(0), None);
    }

    #[test]
    fn blocks_never_overlap() {
        let mut frames = vec![Frame::RESERVED; 300];
        let mut buddy = Buddy::new(&mut frames);
        buddy.add_range(3, 299);
        let mut owner = [false; 300];
        let mut seed = 1u32;
        loop {
            seed = seed.wrapping_mul(1664525).wrapping_add(1013904223);
            let order = (seed >> 30) as usize;
            let Some(block) = buddy.alloc(order) else {
                break;
            };
            for taken in &mut owner[block..block + (1 << order)] {
                assert!(!*taken);
                *taken = true;
            }
        }
        assert!(!owner[2] && !owner[299]);
        let taken = owner.iter().filter(|t| **t).count();
        assert_eq!(taken + buddy.free_frames(), 296);
    }

    #[test]
    fn a_bad_free_is_refused_and_changes_nothing() {
        let mut frames = vec![Frame::RESERVED; 64];
        let mut buddy = Buddy::new(&mut frames);
        buddy.add_range(8, 64);
        let block = buddy.alloc(2).unwrap();
        let before = buddy.free_frames();
        for (bad, order) in [(block, 1), (block + 1, 0), (0, 0), (1 << 20, 0)] {
            assert_eq!(buddy.free(bad, order), Err(BadFree));
        }
        assert_eq!(buddy.free_frames(), before);
        buddy.free(block, 2).unwrap();
        assert_eq!(buddy.free(block, 2), Err(BadFree));
    }
}
