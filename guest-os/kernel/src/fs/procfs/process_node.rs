//! Inodes for the directories of processes and the files in them.

use alloc::sync::Arc;

use abi::Errno;
use abi::dirent::{DT_REG, Dirent};
use abi::stat::{S_IFDIR, S_IFREG, Stat, Statfs};

use super::snapshot::Snapshot;
use super::{ROOT_INO, Root, id, ino_of, process, statfs};
use crate::fs::inode::{Inode, InodeId, InodeRef};
use crate::fs::memory_dir;
use crate::proc::{Pid, table};

/// The directory of a process.
pub(super) struct ProcessDir(pub Pid);

/// A file in it, by its place in `process::FILES`.
struct ProcessFile(Pid, usize);

impl Inode for ProcessDir {
    fn id(&self) -> InodeId {
        id(ino_of(self.0, 0))
    }

    fn mode(&self) -> u32 {
        S_IFDIR | 0o555
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(memory_dir::stat(self.id(), self.mode()))
    }

    fn statfs(&self) -> Result<Statfs, Errno> {
        Ok(statfs())
    }

    fn open(self: Arc<Self>, _write: bool) -> Result<InodeRef, Errno> {
        Ok(self)
    }

    fn lookup(&self, name: &[u8]) -> Result<InodeRef, Errno> {
        if name == b".." {
            return Ok(Arc::new(Root));
        }
        let place = process::FILES
            .iter()
            .position(|(file, _)| file.as_bytes() == name);
        place
            .map(|place| Arc::new(ProcessFile(self.0, place)) as InodeRef)
            .ok_or(Errno::ENOENT)
    }

    fn entries(&self, cursor: u64, each: &mut dyn FnMut(Dirent) -> bool) -> Result<(), Errno> {
        let files = process::FILES.iter().enumerate();
        let entries = files
            .map(|(place, (name, _))| (ino_of(self.0, place as u64 + 1), DT_REG, name.as_bytes()));
        memory_dir::list(self.id().ino, ROOT_INO, entries, cursor, each);
        Ok(())
    }
}

impl Inode for ProcessFile {
    fn id(&self) -> InodeId {
        id(ino_of(self.0, self.1 as u64 + 1))
    }

    fn mode(&self) -> u32 {
        S_IFREG | 0o444
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(memory_dir::stat(self.id(), self.mode()))
    }

    fn open(self: Arc<Self>, write: bool) -> Result<InodeRef, Errno> {
        if write {
            return Err(Errno::EACCES);
        }
        let process = table::find(self.0).ok_or(Errno::ESRCH)?;
        let (_, text) = process::FILES[self.1];
        let text = text(&process).ok_or(Errno::ESRCH)?;
        Ok(Arc::new(Snapshot::new(text, self)))
    }
}
