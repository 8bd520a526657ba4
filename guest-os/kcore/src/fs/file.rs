//! Contents of regular files: reading, writing, cutting and growing.
//!
//! Data goes straight between the caller's buffer and the disk. Bytes of the last block past the
//! end of the file are not zero on the disk: cutting a file must not touch data that, after a
//! crash, may still belong to it. They are made zero when the file grows over them, and if it was cut
//! in the same transaction, that is committed first.

use super::Fs;
use super::inode::InodeExt;
use super::map::LAST_CUT;
use super::store::{Block, BlockStore, zero_block};
use abi::Errno;
use abi::layout::{BLOCK_SIZE, DiskInode, MAX_FILE_SIZE};
use abi::time::Timespec;

/// Most blocks that one step of a write covers.
const STEP: u64 = 64;
/// Most blocks that one step of a cut frees.
const CUT: usize = 2048;
/// Pointer blocks that a step of a write or a cut can dirty: the indirect block, the double block
/// and two leaves; and the inode.
const TREE: usize = 5;

const SIZE: u64 = BLOCK_SIZE as u64;

impl<S: BlockStore> Fs<S> {
    /// Reads from a regular file; gives the number of bytes, 0 at its end.
    pub fn read_at(&mut self, ino: u32, offset: u64, out: &mut [u8]) -> Result<usize, Errno> {
        let inode = self.regular(ino)?;
        let left = inode.size.saturating_sub(offset);
        let count = left.min(out.len() as u64) as usize;
        let mut done = 0;
        while done < count {
            let (index, at) = split(offset + done as u64);
            let here = (BLOCK_SIZE - at).min(count - done);
            let part = &mut out[done..done + here];
            match (
                self.block_of(&inode, index)?,
                <&mut Block>::try_from(&mut *part),
            ) {
                (None, _) => part.fill(0),
                (Some(block), Ok(whole)) => self.store.read(block, whole)?,
                (Some(block), Err(_)) => {
                    let mut data = zero_block();
                    self.store.read(block, &mut data)?;
                    part.copy_from_slice(&data[at..at + here]);
                }
            }
            done += here;
        }
        Ok(count)
    }

    /// Writes to a regular file, which grows if need be; gives the number of bytes written.
    ///
    /// A long write is a sequence of steps, and fewer bytes than asked for are written if the disk
    /// fills up or fails on the way.
    pub fn write_at(
        &mut self,
        ino: u32,
        offset: u64,
        data: &[u8],
        now: Timespec,
    ) -> Result<usize, Errno> {
        self.regular(ino)?;
        if offset >= MAX_FILE_SIZE && !data.is_empty() {
            return Err(Errno::EFBIG);
        }
        let data = &data[..data
            .len()
            .min((MAX_FILE_SIZE - offset.min(MAX_FILE_SIZE)) as usize)];
        let mut done = 0;
        while done < data.len() {
            match self.write_step(ino, offset + done as u64, &data[done..], now) {
                Ok(count) => done += count,
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// Writes as much as one operation can; at least a byte.
    fn write_step(
        &mut self,
        ino: u32,
        offset: u64,
        data: &[u8],
        now: Timespec,
    ) -> Result<usize, Errno> {
        let inode = self.regular(ino)?;
        self.settle_cut(ino)?;
        let first = offset / SIZE;
        let blocks = (offset + data.len() as u64).div_ceil(SIZE) - first;
        let mut count = blocks.min(STEP).min(u64::from(self.disk.log_body / 2));
        let missing = loop {
            let missing = self.missing_blocks(&inode, first, count)?;
            if missing > self.space.free_blocks && !self.space.freed.is_empty() {
                self.check_writable()?;
                self.commit()?;
            }
            if missing <= self.space.free_blocks || count == 1 {
                break missing;
            }
            count /= 2;
        };
        let bytes = data.len().min(((first + count) * SIZE - offset) as usize);
        let log_blocks = TREE + self.disk.bitmap_blocks().min(missing as usize);
        self.operation(log_blocks, missing, |fs| {
            fs.write_blocks(ino, inode, offset, &data[..bytes], now)
        })
    }

    /// The body of [`write_step`](Self::write_step). Every block is written before it is taken, so
    /// that a disk that fails leaves a shorter write and not half an operation.
    fn write_blocks(
        &mut self,
        ino: u32,
        mut inode: DiskInode,
        offset: u64,
        data: &[u8],
        now: Timespec,
    ) -> Result<usize, Errno> {
        if offset > inode.size && offset / SIZE != inode.size / SIZE {
            self.zero_tail(&inode)?;
        }
        self.log.note_data_write();
        let mut done = 0;
        while done < data.len() {
            let (index, at) = split(offset + done as u64);
            let part = &data[done..data.len().min(done + BLOCK_SIZE - at)];
            let old = self.block_of(&inode, index)?;
            let target = match old {
                Some(block) => block,
                None => self.find_free_block()?,
            };
            // Bytes of the block that the file has already.
            let valid = inode.size.saturating_sub(index * SIZE).min(SIZE) as usize;
            let valid = if old.is_some() { valid } else { 0 };
            if let Err(error) = self.write_part(target, valid, at, part) {
                if done == 0 {
                    return Err(error);
                }
                break;
            }
            if old.is_none() {
                self.take_block(target)?;
                self.set_block(&mut inode, index, target)?;
            }
            done += part.len();
            inode.size = inode.size.max(offset + done as u64);
        }
        inode.set_mtime(now);
        self.put_inode(ino, &inode)?;
        Ok(done)
    }

    /// Writes `part` at byte `at` of a disk block whose first `valid` bytes stay as they are; the
    /// rest becomes zero.
    fn write_part(
        &mut self,
        block: u32,
        valid: usize,
        at: usize,
        part: &[u8],
    ) -> Result<(), Errno> {
        if let Ok(whole) = <&Block>::try_from(part) {
            return Ok(self.store.write(block, whole)?);
        }
        let mut data = zero_block();
        if valid > 0 && !(at == 0 && part.len() >= valid) {
            self.store.read(block, &mut data)?;
            data[valid..].fill(0);
        }
        data[at..at + part.len()].copy_from_slice(part);
        Ok(self.store.write(block, &data)?)
    }

    /// Makes the bytes past the end of the file in its last block zero, before it grows over them.
    fn zero_tail(&mut self, inode: &DiskInode) -> Result<(), Errno> {
        let (index, valid) = split(inode.size);
        if valid > 0
            && let Some(block) = self.block_of(inode, index)?
        {
            self.log.note_data_write();
            self.write_part(block, valid, valid, &[])?;
        }
        Ok(())
    }

    /// Commits a cut of this file that left bytes past its end in its last block: only then may
    /// they be overwritten.
    fn settle_cut(&mut self, ino: u32) -> Result<(), Errno> {
        if self.cut_inside.contains(&ino) {
            self.check_writable()?;
            self.commit()?;
        }
        Ok(())
    }

    /// Cuts a regular file, or lets it grow by a hole.
    pub fn truncate(&mut self, ino: u32, size: u64, now: Timespec) -> Result<(), Errno> {
        let mut inode = self.regular(ino)?;
        if size > MAX_FILE_SIZE {
            return Err(Errno::EFBIG);
        }
        if size >= inode.size {
            self.settle_cut(ino)?;
            return self.operation(1, 0, |fs| {
                if size > inode.size {
                    fs.zero_tail(&inode)?;
                }
                inode.size = size;
                inode.set_mtime(now);
                fs.put_inode(ino, &inode)
            });
        }
        let keep = size.div_ceil(SIZE);
        if inode.blocks as usize > self.cut_budget() {
            self.check_orphan_room()?;
        }
        let done = self.operation(self.cut_log_blocks() + 1, 0, |fs| {
            inode.size = size;
            inode.set_mtime(now);
            let done = fs.cut_blocks(&mut inode, keep, fs.cut_budget())?;
            fs.put_inode(ino, &inode)?;
            if !done {
                fs.add_orphan(ino)?;
            }
            if !size.is_multiple_of(SIZE) {
                fs.cut_inside.insert(ino);
            }
            Ok(done)
        })?;
        if !done {
            self.cut_to(ino, keep)?;
            self.operation(1, 0, |fs| fs.remove_orphan(ino))?;
        }
        Ok(())
    }

    /// Frees the blocks of an inode from `keep` on, step by step.
    pub(super) fn cut_to(&mut self, ino: u32, keep: u64) -> Result<(), Errno> {
        loop {
            let done = self.operation(self.cut_log_blocks(), 0, |fs| {
                let mut inode = fs.inode(ino)?;
                let done = fs.cut_blocks(&mut inode, keep, fs.cut_budget())?;
                fs.put_inode(ino, &inode)?;
                Ok(done)
            })?;
            if done {
                return Ok(());
            }
        }
    }

    /// Most blocks that a step of a cut frees: each may dirty a bitmap block of its own.
    fn cut_budget(&self) -> usize {
        let room = self.disk.log_body as usize - TREE - 1 - LAST_CUT;
        if self.disk.bitmap_blocks() <= room {
            CUT
        } else {
            room
        }
    }

    /// Blocks that a step of a cut can dirty.
    fn cut_log_blocks(&self) -> usize {
        TREE + self.disk.bitmap_blocks().min(self.cut_budget() + LAST_CUT)
    }

    /// Reads an inode whose contents programs may read and write.
    fn regular(&mut self, ino: u32) -> Result<DiskInode, Errno> {
        let inode = self.inode(ino)?;
        if inode.is_file() {
            Ok(inode)
        } else if inode.is_dir() {
            Err(Errno::EISDIR)
        } else {
            Err(Errno::EINVAL)
        }
    }
}

/// Block index and offset within the block.
fn split(offset: u64) -> (u64, usize) {
    (offset / SIZE, (offset % SIZE) as usize)
}
