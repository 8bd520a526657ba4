//! Inodes for the files and directories of `system::TREE`.

use alloc::string::String;
use alloc::sync::Arc;

use abi::Errno;
use abi::dirent::{DT_DIR, DT_REG, Dirent};
use abi::stat::{S_IFDIR, S_IFREG, Stat, Statfs};

use super::snapshot::Snapshot;
use super::{FIRST_INO, Root, id, statfs, system};
use crate::fs::inode::{Inode, InodeId, InodeRef, Place, Wait};
use crate::fs::memory_dir;
use crate::fs::transfer::Source;

/// A file of the machine or a directory of such files.
pub(super) struct Entry {
    /// From /proc, without a slash at its start.
    pub path: &'static str,
    /// What it is.
    pub content: Content,
}

/// What an entry is.
pub(super) enum Content {
    /// A directory of what has its path before theirs.
    Directory,
    /// What reading gives.
    Text(fn() -> String),
    /// What reading gives and what writing does.
    Control(fn() -> String, fn(&str) -> Result<(), Errno>),
}

/// An entry, by its place in the table.
struct SystemNode(usize);

/// The entries of `system::TREE` right in directory `path` (without slashes at its ends).
fn children(path: &'static str) -> impl Iterator<Item = (usize, &'static str)> {
    system::TREE
        .iter()
        .enumerate()
        .filter_map(move |(place, entry)| {
            let (parent, name) = entry.path.rsplit_once('/').unwrap_or(("", entry.path));
            (parent == path).then_some((place, name))
        })
}

/// The entry with this name in directory `path`.
pub(super) fn find(path: &'static str, name: &[u8]) -> Result<InodeRef, Errno> {
    let place = children(path)
        .find(|(_, child)| child.as_bytes() == name)
        .map(|(place, _)| place);
    place
        .map(|place| Arc::new(SystemNode(place)) as InodeRef)
        .ok_or(Errno::ENOENT)
}

/// The entries in directory `path`, as `memory_dir` wants them.
pub(super) fn listed<'a>(path: &'static str) -> impl Iterator<Item = (u64, u8, &'a [u8])> {
    children(path).map(|(place, name)| {
        let is_dir = matches!(system::TREE[place].content, Content::Directory);
        (
            FIRST_INO + place as u64,
            if is_dir { DT_DIR } else { DT_REG },
            name.as_bytes(),
        )
    })
}

impl SystemNode {
    fn entry(&self) -> &'static Entry {
        &system::TREE[self.0]
    }
}

impl Inode for SystemNode {
    fn id(&self) -> InodeId {
        id(FIRST_INO + self.0 as u64)
    }

    fn mode(&self) -> u32 {
        match self.entry().content {
            Content::Directory => S_IFDIR | 0o555,
            Content::Text(_) => S_IFREG | 0o444,
            Content::Control(..) => S_IFREG | 0o644,
        }
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(memory_dir::stat(self.id(), self.mode()))
    }

    fn statfs(&self) -> Result<Statfs, Errno> {
        Ok(statfs())
    }

    fn open(self: Arc<Self>, write: bool) -> Result<InodeRef, Errno> {
        match self.entry().content {
            Content::Directory => Ok(self),
            Content::Text(_) if write => Err(Errno::EACCES),
            Content::Text(text) | Content::Control(text, _) => {
                Ok(Arc::new(Snapshot::new(text(), self)))
            }
        }
    }

    fn write(&self, _place: Place, from: &mut Source, _wait: Wait) -> Result<u64, Errno> {
        let Content::Control(_, act) = self.entry().content else {
            return Err(Errno::EACCES);
        };
        let mut bytes = [0; 64];
        if from.left() > bytes.len() {
            return Err(Errno::EINVAL);
        }
        let len = from.take(&mut bytes)?;
        act(core::str::from_utf8(&bytes[..len])
            .map_err(|_| Errno::EINVAL)?
            .trim())?;
        Ok(len as u64)
    }

    /// A shell's `>` truncates first: nothing to cut.
    fn truncate(&self, _len: u64) -> Result<(), Errno> {
        Ok(())
    }

    fn lookup(&self, name: &[u8]) -> Result<InodeRef, Errno> {
        if !self.is_dir() {
            return Err(Errno::ENOTDIR);
        }
        if name != b".." {
            return find(self.entry().path, name);
        }
        match self.entry().path.rsplit_once('/') {
            Some((parent, _)) => {
                let place = system::TREE.iter().position(|entry| entry.path == parent);
                place
                    .map(|place| Arc::new(SystemNode(place)) as InodeRef)
                    .ok_or(Errno::ENOENT)
            }
            None => Ok(Arc::new(Root)),
        }
    }

    fn entries(&self, cursor: u64, each: &mut dyn FnMut(Dirent) -> bool) -> Result<(), Errno> {
        if !self.is_dir() {
            return Err(Errno::ENOTDIR);
        }
        let parent = self.lookup(b"..")?.id().ino;
        memory_dir::list(
            self.id().ino,
            parent,
            listed(self.entry().path),
            cursor,
            each,
        );
        Ok(())
    }
}
