//! Work with whole paths, for mkfs and for copying files into and out of an image. The kernel does
//! not use it: its VFS walks paths itself. Symbolic links are not followed.

use super::store::BlockStore;
use super::{BLOCK_SIZE, Fs, NewFile, ROOT_INO};
use crate::path::{components, split_last};
use abi::Errno;
use abi::stat::Stat;
use alloc::vec;
use alloc::vec::Vec;

/// Bytes that a whole file is read by.
const CHUNK: usize = 16 * BLOCK_SIZE;

impl<S: BlockStore> Fs<S> {
    /// The inode that a path from the root names.
    pub fn resolve(&mut self, path: &[u8]) -> Result<u32, Errno> {
        components(path).try_fold(ROOT_INO, |dir, name| self.lookup(dir, name))
    }

    /// Makes a directory and those above it that are missing; gives its inode.
    pub fn mkdir_all(&mut self, path: &[u8], new: &NewFile) -> Result<u32, Errno> {
        components(path).try_fold(ROOT_INO, |dir, name| match self.lookup(dir, name) {
            Err(Errno::ENOENT) => self.mkdir(dir, name, new),
            found => found,
        })
    }

    /// Writes a regular file, replacing what it held; its directory must exist.
    pub fn write_file(&mut self, path: &[u8], data: &[u8], new: &NewFile) -> Result<u32, Errno> {
        let (dir, name) = split_last(path).ok_or(Errno::EISDIR)?;
        let dir = self.resolve(dir)?;
        let ino = match self.create(dir, name, new) {
            Err(Errno::EEXIST) => {
                let ino = self.lookup(dir, name)?;
                self.truncate(ino, 0, new.now)?;
                let perm = Some(new.perm);
                self.set_attributes(
                    ino,
                    &super::Attributes {
                        perm,
                        ..Default::default()
                    },
                    new.now,
                )?;
                ino
            }
            created => created?,
        };
        if self.write_at(ino, 0, data, new.now)? == data.len() {
            Ok(ino)
        } else {
            Err(Errno::ENOSPC)
        }
    }

    /// Makes a symbolic link; its directory must exist.
    pub fn write_symlink(
        &mut self,
        path: &[u8],
        target: &[u8],
        new: &NewFile,
    ) -> Result<u32, Errno> {
        let (dir, name) = split_last(path).ok_or(Errno::EEXIST)?;
        let dir = self.resolve(dir)?;
        self.symlink(dir, name, target, new)
    }

    /// The whole contents of a regular file.
    pub fn read_file(&mut self, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let ino = self.resolve(path)?;
        self.read_whole(ino)
    }

    /// The whole contents of a regular file, by inode.
    pub fn read_whole(&mut self, ino: u32) -> Result<Vec<u8>, Errno> {
        let mut data = Vec::new();
        loop {
            let start = data.len();
            data.resize(start + CHUNK, 0);
            let count = self.read_at(ino, start as u64, &mut data[start..])?;
            data.truncate(start + count);
            if count < CHUNK {
                return Ok(data);
            }
        }
    }

    /// Name and attributes of everything in a directory but `.` and `..`, in the disk's order.
    pub fn list(&mut self, ino: u32) -> Result<Vec<(Vec<u8>, Stat)>, Errno> {
        let mut names = vec![];
        self.read_dir(ino, 0, &mut |entry| {
            if !matches!(entry.name, b"." | b"..") {
                names.push((entry.name.to_vec(), entry.ino as u32));
            }
            true
        })?;
        names
            .into_iter()
            .map(|(name, ino)| Ok((name, self.stat(ino)?)))
            .collect()
    }
}
