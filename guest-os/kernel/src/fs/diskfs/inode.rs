//! Inodes of the disk file system: files through the page cache, directories straight through `kcore::fs`.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use abi::Errno;
use abi::dirent::Dirent;
use abi::stat::{S_IFMT, S_IFREG, S_PERM, Stat, Statfs};

use super::{DiskFs, begin};
use crate::fs::inode::{Attributes, Inode, InodeId, InodeRef, NewFile, Place, Wait, now};
use crate::fs::page_cache::FilePages;
use crate::fs::transfer::{Sink, Source};
use crate::mm::address::PAGE_SIZE;
use crate::mm::frame::Frame;
use crate::mm::region::FilePage;
use crate::sync::SleepLock;

const PAGE: u64 = PAGE_SIZE as u64;
/// Pages read at once when one is missing.
const READ_AHEAD: u64 = 32;
/// Bytes written at once.
const WRITE_CHUNK: usize = 32 * 1024;

/// An inode of a disk in memory. Locks: see the head of `diskfs`.
pub(super) struct DiskInode {
    disk: &'static DiskFs,
    ino: u32,
    /// Type and permissions, as on the disk.
    mode: AtomicU32,
    /// Bytes, as on the disk; changed under `mapping`.
    size: AtomicU64,
    /// It has lost its last name.
    orphan: AtomicBool,
    writer: SleepLock<()>,
    mapping: SleepLock<()>,
    pub(super) pages: FilePages,
}

impl DiskInode {
    pub(super) fn new(disk: &'static DiskFs, ino: u32, stat: &Stat) -> Self {
        DiskInode {
            disk,
            ino,
            mode: AtomicU32::new(stat.mode),
            size: AtomicU64::new(stat.size as u64),
            orphan: AtomicBool::new(false),
            writer: SleepLock::new(c"inode_writer", ()),
            mapping: SleepLock::new(c"inode_mapping", ()),
            pages: FilePages::new(ino.into()),
        }
    }

    /// The inode has lost its last name: it is to be reaped when the last reference goes.
    pub(super) fn set_orphan(&self) {
        self.orphan.store(true, Ordering::Relaxed);
    }

    fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    fn is_file(&self) -> bool {
        self.mode() & S_IFMT == S_IFREG
    }

    /// Reads the page with this index and some that follow it, and gives it.
    fn fill(&self, index: u64) -> Result<FilePage, Errno> {
        let _mapping = self.mapping.lock();
        if let Some(frame) = self.pages.get(index) {
            return Ok(in_memory(frame));
        }
        let size = self.size();
        let end = size.div_ceil(PAGE).min(index + READ_AHEAD);
        if index >= end {
            return Err(Errno::ENXIO);
        }
        let first = Frame::alloc()?;
        let mut pages = vec![(index, first.clone())];
        for index in (index + 1..end).take_while(|index| !self.pages.contains(*index)) {
            // Reading ahead is not worth running out of memory.
            let Ok(frame) = Frame::alloc() else { break };
            pages.push((index, frame));
        }
        crate::probe!(page_cache_miss, self.ino, index, pages.len());
        let blocks = self.disk.with(|fs| {
            let blocks = pages.iter().map(|(index, _)| fs.block_at(self.ino, *index));
            blocks.collect::<Result<Vec<Option<u32>>, Errno>>()
        })?;
        let mut on_disk: Vec<(u32, Frame)> = Vec::with_capacity(pages.len());
        for ((_, frame), block) in pages.iter().zip(blocks) {
            match block {
                Some(block) => on_disk.push((block, frame.clone())),
                None => frame.clear_from(0),
            }
        }
        on_disk.sort_unstable_by_key(|(block, _)| *block);
        let was_read = self.disk.buffers.read_pages(&on_disk)?;
        for (index, frame) in pages {
            if (index + 1) * PAGE > size {
                frame.clear_from((size - index * PAGE) as usize);
            }
            self.pages.insert(index, frame);
        }
        Ok(FilePage {
            frame: first,
            was_read,
        })
    }

    /// Writes one chunk; gives the position behind it.
    fn write_chunk(&self, place: Place, bytes: &[u8]) -> Result<(u64, usize), Errno> {
        let _mapping = self.mapping.lock();
        let at = match place {
            Place::At(at) => at,
            Place::End => self.size(),
        };
        let count = self
            .disk
            .with(|fs| begin(fs, c"write").write_at(self.ino, at, bytes, now()))?;
        self.pages.update(at, &bytes[..count]);
        let end = at + count as u64;
        self.size.fetch_max(end, Ordering::AcqRel);
        Ok((end, count))
    }
}

fn in_memory(frame: Frame) -> FilePage {
    FilePage {
        frame,
        was_read: false,
    }
}

impl Inode for DiskInode {
    fn id(&self) -> InodeId {
        InodeId {
            dev: self.disk.dev,
            ino: self.ino.into(),
        }
    }

    fn mode(&self) -> u32 {
        self.mode.load(Ordering::Relaxed)
    }

    fn stat(&self) -> Result<Stat, Errno> {
        let stat = self.disk.with(|fs| fs.stat(self.ino))?;
        Ok(Stat {
            dev: self.disk.dev,
            ..stat
        })
    }

    fn statfs(&self) -> Result<Statfs, Errno> {
        Ok(self.disk.with(|fs| fs.statfs()))
    }

    fn open(self: Arc<Self>, _write: bool) -> Result<InodeRef, Errno> {
        Ok(self)
    }

    fn read(&self, at: u64, to: &mut Sink, _wait: Wait) -> Result<(), Errno> {
        if !self.is_file() {
            return Err(if self.is_dir() {
                Errno::EISDIR
            } else {
                Errno::EINVAL
            });
        }
        let mut buffer = vec![0; PAGE_SIZE.min(to.room())];
        let mut at = at;
        while to.room() > 0 && at < self.size() {
            let offset = (at % PAGE) as usize;
            let left = self.size().saturating_sub(at).min(buffer.len() as u64) as usize;
            let part = &mut buffer[..left.min(PAGE_SIZE - offset).min(to.room())];
            match self.page(at / PAGE) {
                Ok(page) => page.frame.read(offset, part),
                // The file was cut meanwhile.
                Err(Errno::ENXIO) => break,
                Err(errno) => return Err(errno),
            }
            at += to.put(part)? as u64;
        }
        Ok(())
    }

    fn write(&self, place: Place, from: &mut Source, _wait: Wait) -> Result<u64, Errno> {
        if !self.is_file() {
            return Err(if self.is_dir() {
                Errno::EISDIR
            } else {
                Errno::EINVAL
            });
        }
        let _writer = self.writer.lock();
        let mut buffer = vec![0; WRITE_CHUNK.min(from.left())];
        let mut position = match place {
            Place::At(at) => at,
            Place::End => self.size(),
        };
        while from.left() > 0 {
            let count = match from.take(&mut buffer) {
                Ok(count) => count,
                Err(errno) if from.done() == 0 => return Err(errno),
                Err(_) => break,
            };
            match self.write_chunk(
                if place == Place::End {
                    place
                } else {
                    Place::At(position)
                },
                &buffer[..count],
            ) {
                Ok((end, written)) => {
                    position = end;
                    if written < count {
                        from.put_back(count - written);
                        break;
                    }
                }
                Err(errno) => {
                    from.put_back(count);
                    if from.done() == 0 {
                        return Err(errno);
                    }
                    break;
                }
            }
        }
        Ok(position)
    }

    fn page(&self, index: u64) -> Result<FilePage, Errno> {
        if !self.is_file() {
            return Err(Errno::ENODEV);
        }
        match self.pages.get(index) {
            Some(frame) => Ok(in_memory(frame)),
            None => self.fill(index),
        }
    }

    fn truncate(&self, len: u64) -> Result<(), Errno> {
        if !self.is_file() {
            return Err(if self.is_dir() {
                Errno::EISDIR
            } else {
                Errno::EINVAL
            });
        }
        let _mapping = self.mapping.lock();
        self.disk
            .with(|fs| begin(fs, c"truncate").truncate(self.ino, len, now()))?;
        self.size.store(len, Ordering::Release);
        self.pages.cut(len);
        Ok(())
    }

    fn sync(&self) -> Result<(), Errno> {
        self.disk.with(|fs| fs.sync())
    }

    fn set_attributes(&self, changes: &Attributes) -> Result<(), Errno> {
        self.disk
            .with(|fs| begin(fs, c"set_attributes").set_attributes(self.ino, changes, now()))?;
        if let Some(perm) = changes.perm {
            self.mode
                .store(self.mode() & !S_PERM | perm & S_PERM, Ordering::Relaxed);
        }
        Ok(())
    }

    fn read_link(&self) -> Result<Vec<u8>, Errno> {
        self.disk.with(|fs| fs.read_link(self.ino))
    }

    fn lookup(&self, name: &[u8]) -> Result<InodeRef, Errno> {
        Ok(self.disk.with_inode(|fs| fs.lookup(self.ino, name))?)
    }

    fn entries(&self, cursor: u64, each: &mut dyn FnMut(Dirent) -> bool) -> Result<(), Errno> {
        // A removed directory still has its `.` and `..` on the disk, but lists nothing.
        if self.orphan.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.disk
            .with(|fs| fs.read_dir(self.ino, cursor, &mut |entry| each(*entry)))
    }

    fn create(&self, name: &[u8], new: &NewFile) -> Result<InodeRef, Errno> {
        Ok(self
            .disk
            .with_inode(|fs| begin(fs, c"create").create(self.ino, name, new))?)
    }

    fn make_dir(&self, name: &[u8], new: &NewFile) -> Result<(), Errno> {
        self.disk
            .with(|fs| begin(fs, c"mkdir").mkdir(self.ino, name, new))
            .map(drop)
    }

    fn make_link(&self, name: &[u8], target: &[u8], new: &NewFile) -> Result<(), Errno> {
        self.disk
            .with(|fs| begin(fs, c"symlink").symlink(self.ino, name, target, new))
            .map(drop)
    }

    fn link(&self, name: &[u8], ino: u64) -> Result<(), Errno> {
        self.disk
            .with(|fs| begin(fs, c"link").link(ino as u32, self.ino, name, now()))
    }

    fn unlink(&self, name: &[u8]) -> Result<(), Errno> {
        self.disk.with_removal(|fs| {
            let removed = begin(fs, c"unlink").unlink(self.ino, name, now())?;
            Ok(removed.orphaned.then_some(removed.ino))
        })
    }

    fn remove_dir(&self, name: &[u8]) -> Result<(), Errno> {
        self.disk.with_removal(|fs| {
            let removed = begin(fs, c"rmdir").rmdir(self.ino, name, now())?;
            Ok(removed.orphaned.then_some(removed.ino))
        })
    }

    fn rename(&self, from: &[u8], to_dir: u64, to: &[u8], flags: u32) -> Result<(), Errno> {
        self.disk.with_removal(|fs| {
            begin(fs, c"rename").rename((self.ino, from), (to_dir as u32, to), flags, now())
        })
    }
}

impl Drop for DiskInode {
    fn drop(&mut self) {
        if self.orphan.load(Ordering::Relaxed)
            && let Err(errno) = self.disk.with(|fs| begin(fs, c"reap").reap(self.ino))
        {
            crate::warning!("inode {}: cannot be freed: {errno}", self.ino);
        }
    }
}
