//! The buffer cache: a disk's blocks in memory, between `kcore::fs` and the driver.
//!
//! # What it is for
//!
//! The file system writes block by block, in the order of its operations. To wait for the disk each time would
//! be slow, and is not needed: a `BlockStore` may hold writes back until `flush`. So a write only makes
//! a buffer *dirty*, and dirty buffers go to the disk together, as few long requests, when
//!
//! - `flush` is called (the journal does so where order matters, see `kcore::fs`'s log), followed by the
//!   disk's own FLUSH; or
//! - too many are dirty.
//!
//! That makes this cache a part of the disk's volatile write cache, and the promise to the journal is the
//! same: nothing is durable before `flush` returns, everything written before it is afterwards.
//!
//! # What is in it
//!
//! Metadata is cached above (in `kcore::fs`), file pages beside (`page_cache`). What stays here is what was
//! written recently, which small writes to one block then find, and what was read block by block. File pages are
//! read past the cache by `read_pages`, which takes the newest bytes from dirty buffers all the same.
//!
//! # Locks
//!
//! One sleep lock guards all buffers and is held while dirty ones are written. Pages are read without it:
//! a file's lock (see `diskfs`) keeps others from writing the same blocks meanwhile.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::slice;

use abi::Errno;
use kcore::fs::{Block, BlockStore, IoError};

use crate::drivers::block::{BlockDevice, Request};
use crate::mm::frame::{self, Frame};
use crate::sync::SleepLock;

/// A share of memory this cache may use: one frame in so many.
const MEMORY_SHARE: usize = 32;
/// Fewest and most buffers.
const LIMITS: (usize, usize) = (64, 1024);
/// Frames kept for bad times.
const SPARE: usize = 32;

struct Buffer {
    frame: Frame,
    dirty: bool,
    last_use: u64,
}

struct Buffers {
    by_block: BTreeMap<u32, Buffer>,
    dirty: usize,
    clock: u64,
    /// Frames for when there is no memory: without a buffer the journal could not go on.
    spare: Vec<Frame>,
}

/// The buffers of one disk.
pub struct BufferCache {
    device: &'static dyn BlockDevice,
    buffers: SleepLock<Buffers>,
    /// Most buffers there may be.
    limit: usize,
}

impl BufferCache {
    /// An empty cache for a disk.
    pub fn new(device: &'static dyn BlockDevice) -> Result<Self, Errno> {
        let spare = (0..SPARE)
            .map(|_| Frame::alloc())
            .collect::<Result<_, _>>()?;
        let buffers = Buffers {
            by_block: BTreeMap::new(),
            dirty: 0,
            clock: 0,
            spare,
        };
        let limit = (frame::total() / MEMORY_SHARE).clamp(LIMITS.0, LIMITS.1);
        Ok(BufferCache {
            device,
            buffers: SleepLock::new(c"buffer_cache", buffers),
            limit,
        })
    }

    /// Number of buffers.
    pub fn len(&self) -> usize {
        self.buffers.lock().by_block.len()
    }

    /// Fills frames from the blocks they are paired with, in ascending order: from buffers where the newest
    /// bytes are, from the disk otherwise, neighbouring blocks in one request. Tells whether the disk was asked.
    pub fn read_pages(&self, pages: &[(u32, Frame)]) -> Result<bool, Errno> {
        let mut missing = Vec::with_capacity(pages.len());
        let buffers = self.buffers.lock();
        for page in pages {
            match buffers.by_block.get(&page.0) {
                Some(buffer) => {
                    crate::probe!(buffer_hit, page.0);
                    page.1.copy_from(&buffer.frame);
                }
                None => missing.push(page.clone()),
            }
        }
        drop(buffers);
        let runs = runs(&missing);
        let requests: Vec<Request> = runs
            .iter()
            .map(|(block, frames)| Request::Read {
                block: *block,
                frames,
            })
            .collect();
        self.device.perform(&requests)?;
        Ok(!missing.is_empty())
    }

    /// Forgets all clean buffers. Does nothing if somebody is at work here.
    pub fn drop_clean(&self) {
        if let Some(mut buffers) = self.buffers.try_lock() {
            buffers.drop_clean(|_| true);
        }
    }

    /// The buffer of a block, made if there is none; `fill` says whether to read it from the disk then.
    fn with_buffer<R>(
        &self,
        block: u32,
        fill: bool,
        action: impl FnOnce(&mut Buffer) -> R,
    ) -> Result<R, Errno> {
        let mut buffers = self.buffers.lock();
        let buffers = &mut *buffers;
        if buffers.by_block.contains_key(&block) {
            crate::probe!(buffer_hit, block);
        } else {
            crate::probe!(buffer_miss, block);
            if buffers.by_block.len() >= self.limit {
                self.make_room(buffers)?;
            }
            let frame = match Frame::alloc().ok().or_else(|| buffers.spare.pop()) {
                Some(frame) => frame,
                None => {
                    self.make_room(buffers)?;
                    buffers.spare.pop().ok_or(Errno::ENOMEM)?
                }
            };
            if fill {
                self.device.perform(&[Request::Read {
                    block,
                    frames: slice::from_ref(&frame),
                }])?;
            }
            buffers.by_block.insert(
                block,
                Buffer {
                    frame,
                    dirty: false,
                    last_use: 0,
                },
            );
        }
        buffers.clock += 1;
        let buffer = buffers.by_block.get_mut(&block).ok_or(Errno::EIO)?;
        buffer.last_use = buffers.clock;
        let was_dirty = buffer.dirty;
        let result = action(buffer);
        buffers.dirty += usize::from(buffer.dirty && !was_dirty);
        Ok(result)
    }

    /// Makes room: writes the dirty ones out if they are most, then drops the older half of the clean ones.
    fn make_room(&self, buffers: &mut Buffers) -> Result<(), Errno> {
        if buffers.dirty > buffers.by_block.len() / 2 {
            self.write_dirty(buffers)?;
        }
        let clean = buffers.by_block.values().filter(|buffer| !buffer.dirty);
        let mut ages: Vec<u64> = clean.map(|buffer| buffer.last_use).collect();
        if !ages.is_empty() {
            let middle = ages.len() / 2;
            let (_, &mut median, _) = ages.select_nth_unstable(middle);
            buffers.drop_clean(|buffer| buffer.last_use <= median);
        }
        Ok(())
    }

    /// Writes all dirty buffers; neighbours share a request.
    fn write_dirty(&self, buffers: &mut Buffers) -> Result<(), Errno> {
        let dirty: Vec<(u32, Frame)> = buffers
            .by_block
            .iter()
            .filter(|(_, buffer)| buffer.dirty)
            .map(|(block, buffer)| (*block, buffer.frame.clone()))
            .collect();
        let runs = runs(&dirty);
        let requests: Vec<Request> = runs
            .iter()
            .map(|(block, frames)| Request::Write {
                block: *block,
                frames,
            })
            .collect();
        self.device.perform(&requests)?;
        buffers
            .by_block
            .values_mut()
            .for_each(|buffer| buffer.dirty = false);
        buffers.dirty = 0;
        Ok(())
    }

    fn flush(&self) -> Result<(), Errno> {
        let mut buffers = self.buffers.lock();
        if buffers.dirty > 0 {
            self.write_dirty(&mut buffers)?;
        }
        self.device.perform(&[Request::Flush])
    }
}

impl Buffers {
    /// Drops the clean buffers that `old` chooses; the spare frames are the first to gain.
    fn drop_clean(&mut self, old: impl Fn(&Buffer) -> bool) {
        let spare = &mut self.spare;
        self.by_block.retain(|_, buffer| {
            let stays = buffer.dirty || !old(buffer);
            if !stays && spare.len() < SPARE {
                spare.push(buffer.frame.clone());
            }
            stays
        });
    }
}

/// Neighbouring blocks, with their frames.
fn runs(pages: &[(u32, Frame)]) -> Vec<(u32, Vec<Frame>)> {
    let runs = pages.chunk_by(|a, b| a.0 + 1 == b.0);
    runs.map(|run| {
        (
            run[0].0,
            run.iter().map(|(_, frame)| frame.clone()).collect(),
        )
    })
    .collect()
}

/// The disk as the file system sees it.
impl BlockStore for &'static BufferCache {
    fn blocks(&self) -> u64 {
        self.device.blocks().into()
    }

    fn read(&mut self, block: u32, out: &mut Block) -> Result<(), IoError> {
        self.with_buffer(block, true, |buffer| buffer.frame.read(0, out))
            .map_err(|_| IoError)
    }

    fn write(&mut self, block: u32, data: &Block) -> Result<(), IoError> {
        let store = |buffer: &mut Buffer| {
            buffer.frame.write(0, data);
            buffer.dirty = true;
        };
        self.with_buffer(block, false, store).map_err(|_| IoError)
    }

    fn discard(&mut self, block: u32) {
        let mut buffers = self.buffers.lock();
        if let Some(buffer) = buffers.by_block.remove(&block) {
            buffers.dirty -= usize::from(buffer.dirty);
        }
    }

    fn flush(&mut self) -> Result<(), IoError> {
        BufferCache::flush(self).map_err(|_| IoError)
    }
}
