//! Contents of directories: variable-length records, as in ext2 (`abi::layout::DirRecord`).
//!
//! A record that is removed joins the one before it in the block, whose length then covers both;
//! the first of a block becomes free space instead. So a position that readdir handed out may come
//! to lie inside a record; the walk therefore starts at the block's beginning and skips what lies
//! before the position. Every other entry keeps its position for as long as it lives.

use super::Fs;
use super::store::{Block, BlockStore};
use abi::dirent::{DT_DIR, Dirent};
use abi::layout::{BLOCK_SIZE, DirRecord, DiskInode};
use abi::{Errno, Record};

const HEAD: usize = DirRecord::SIZE;

/// An entry found in a directory, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub ino: u32,
    pub kind: u8,
    block: u32,
    at: usize,
    /// Position of the record before it in the block.
    previous: Option<usize>,
}

/// Room for a new entry in a directory.
#[derive(Clone, Copy, Debug)]
pub(super) enum Room {
    /// In the record at this position of this block.
    Record(u32, usize),
    /// In a new block, for which so many blocks must be taken.
    NewBlock(u32),
}

impl Room {
    /// Blocks that an operation must reserve to use this room.
    pub(super) fn new_blocks(&self) -> u32 {
        match self {
            Room::Record(..) => 0,
            Room::NewBlock(blocks) => *blocks,
        }
    }
}

/// Blocks that adding an entry can dirty: the directory's inode, its new block, two pointer blocks,
/// and a bitmap block for each of the three.
pub(super) const ADD_ENTRY: usize = 7;

/// A record of a directory block.
struct Entry<'a> {
    at: usize,
    len: usize,
    ino: u32,
    kind: u8,
    name: &'a [u8],
}

impl Entry<'_> {
    /// Bytes of the record that are in use.
    fn used(&self) -> usize {
        if self.ino == 0 {
            0
        } else {
            record_len(self.name)
        }
    }
}

fn record_len(name: &[u8]) -> usize {
    (HEAD + name.len()).next_multiple_of(4)
}

/// Reads the record at a position, checking that it stays in its block.
#[inline]
fn entry_at(block: &Block, at: usize) -> Result<Entry<'_>, Errno> {
    let rest = &block[at..];
    if rest.len() < HEAD {
        return Err(Errno::EUCLEAN);
    }
    let head = DirRecord::get(rest);
    let (len, name_len) = (usize::from(head.len), usize::from(head.name_len));
    let sound = len >= HEAD + name_len
        && len.is_multiple_of(4)
        && len <= rest.len()
        && (head.ino == 0 || name_len > 0);
    if !sound {
        return Err(Errno::EUCLEAN);
    }
    let name = &rest[HEAD..HEAD + name_len];
    Ok(Entry {
        at,
        len,
        ino: head.ino,
        kind: head.kind,
        name,
    })
}

/// The records of a block; ends after the first damaged one.
fn entries(block: &Block) -> impl Iterator<Item = Result<Entry<'_>, Errno>> {
    let mut at = Some(0);
    core::iter::from_fn(move || {
        let here = at.filter(|at| *at < BLOCK_SIZE)?;
        let entry = entry_at(block, here);
        at = entry.as_ref().ok().map(|entry| entry.at + entry.len);
        Some(entry)
    })
}

fn put_record(block: &mut Block, at: usize, len: usize, ino: u32, kind: u8, name: &[u8]) {
    let head = DirRecord {
        ino,
        len: len as u16,
        name_len: name.len() as u8,
        kind,
    };
    head.put(&mut block[at..]);
    block[at + HEAD..at + HEAD + name.len()].copy_from_slice(name);
}

/// Fills the first block of a new directory.
pub(super) fn init_block(block: &mut Block, own: u32, parent: u32) {
    let first = record_len(b".");
    put_record(block, 0, first, own, DT_DIR, b".");
    put_record(block, first, BLOCK_SIZE - first, parent, DT_DIR, b"..");
}

impl<S: BlockStore> Fs<S> {
    /// Looks a name up.
    pub(super) fn find(&mut self, dir: &DiskInode, name: &[u8]) -> Result<Option<Found>, Errno> {
        for index in 0..dir_blocks(dir)? {
            let block = self.dir_block(dir, index)?;
            let mut previous = None;
            for entry in entries(self.cache.read(&mut self.store, block)?) {
                let Entry {
                    at,
                    ino,
                    kind,
                    name: its_name,
                    ..
                } = entry?;
                if ino != 0 && its_name == name {
                    return Ok(Some(Found {
                        ino,
                        kind,
                        block,
                        at,
                        previous,
                    }));
                }
                previous = Some(at);
            }
        }
        Ok(None)
    }

    /// Looks for room for a new name.
    pub(super) fn find_room(&mut self, dir: &DiskInode, name: &[u8]) -> Result<Room, Errno> {
        let blocks = dir_blocks(dir)?;
        for index in 0..blocks {
            let block = self.dir_block(dir, index)?;
            for entry in entries(self.cache.read(&mut self.store, block)?) {
                let entry = entry?;
                if entry.len - entry.used() >= record_len(name) {
                    return Ok(Room::Record(block, entry.at));
                }
            }
        }
        Ok(Room::NewBlock(self.missing_blocks(dir, blocks, 1)?))
    }

    /// Adds an entry where [`find_room`](Self::find_room) found room. The caller writes `dir`.
    pub(super) fn add_entry(
        &mut self,
        dir: &mut DiskInode,
        room: Room,
        name: &[u8],
        ino: u32,
        kind: u8,
    ) -> Result<(), Errno> {
        match room {
            Room::Record(block, at) => {
                let block = self.cache.write(&mut self.store, block)?;
                let entry = entry_at(block, at)?;
                let (used, len) = (entry.used(), entry.len);
                if used > 0 {
                    (used as u16).put(&mut block[at + 4..]);
                }
                put_record(block, at + used, len - used, ino, kind, name);
            }
            Room::NewBlock(_) => {
                let block = self.find_free_block()?;
                self.take_block(block)?;
                self.set_block(dir, dir.size / BLOCK_SIZE as u64, block)?;
                dir.size += BLOCK_SIZE as u64;
                put_record(self.cache.fresh(block), 0, BLOCK_SIZE, ino, kind, name);
            }
        }
        Ok(())
    }

    /// Removes an entry.
    pub(super) fn remove_entry(&mut self, found: &Found) -> Result<(), Errno> {
        let block = self.cache.write(&mut self.store, found.block)?;
        let len = entry_at(block, found.at)?.len;
        match found.previous {
            Some(previous) => {
                let joined = entry_at(block, previous)?.len + len;
                (joined as u16).put(&mut block[previous + 4..]);
            }
            None => 0u32.put(&mut block[found.at..]),
        }
        Ok(())
    }

    /// Lets an entry name another inode.
    pub(super) fn set_entry(&mut self, found: &Found, ino: u32, kind: u8) -> Result<(), Errno> {
        let block = self.cache.write(&mut self.store, found.block)?;
        ino.put(&mut block[found.at..]);
        block[found.at + 7] = kind;
        Ok(())
    }

    /// Does a directory hold nothing but `.` and `..`?
    pub(super) fn is_empty_dir(&mut self, dir: &DiskInode) -> Result<bool, Errno> {
        for index in 0..dir_blocks(dir)? {
            let block = self.dir_block(dir, index)?;
            for entry in entries(self.cache.read(&mut self.store, block)?) {
                let entry = entry?;
                if entry.ino != 0 && !matches!(entry.name, b"." | b"..") {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Shows the entries of a directory from `cursor` on (0, or the `next` of an entry shown
    /// before) until `visit` gives false.
    pub fn read_dir(
        &mut self,
        ino: u32,
        cursor: u64,
        visit: &mut dyn FnMut(&Dirent<'_>) -> bool,
    ) -> Result<(), Errno> {
        let dir = self.directory(ino)?;
        for index in cursor / BLOCK_SIZE as u64..dir_blocks(&dir)? {
            let start = index * BLOCK_SIZE as u64;
            let block = self.dir_block(&dir, index)?;
            for entry in entries(self.cache.read(&mut self.store, block)?) {
                let Entry {
                    at,
                    len,
                    ino,
                    kind,
                    name,
                } = entry?;
                if ino == 0 || start + (at as u64) < cursor {
                    continue;
                }
                let next = start + (at + len) as u64;
                if !visit(&Dirent {
                    ino: u64::from(ino),
                    next,
                    kind,
                    name,
                }) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn dir_block(&mut self, dir: &DiskInode, index: u64) -> Result<u32, Errno> {
        self.block_of(dir, index)?.ok_or(Errno::EUCLEAN)
    }
}

fn dir_blocks(dir: &DiskInode) -> Result<u64, Errno> {
    if dir.size.is_multiple_of(BLOCK_SIZE as u64) {
        Ok(dir.size / BLOCK_SIZE as u64)
    } else {
        Err(Errno::EUCLEAN)
    }
}
