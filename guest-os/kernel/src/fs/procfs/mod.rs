//! procfs: what the kernel knows, as text files on /proc (proc(5)).
//!
//! The formats are Linux's, because ps, free and their like read them. A file's text is made when the file is
//! opened, so that all reads through one descriptor see one moment.
//!
//! Two tables say what exists: `system::TREE` for the whole machine, `process::FILES` for each process.
//! Inode numbers follow from them:
//!
//! ```text
//!  63            16 15           0
//! +----------------+--------------+
//! |      pid       | place + 1    |     pid 0: place in `system::TREE`
//! +----------------+--------------+     place 0: the process's directory
//! ```

mod process;
mod system;

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::Errno;
use abi::dirent::{DT_DIR, DT_LNK, DT_REG, Dirent};
use abi::stat::{PROC_SUPER_MAGIC, S_IFDIR, S_IFLNK, S_IFREG, Stat, Statfs};

use super::inode::{Attributes, Inode, InodeId, InodeRef, Place, Wait};
use super::memory_dir;
use super::transfer::{Sink, Source};
use crate::proc::{Pid, current, table};

/// The device number of this file system.
const PROC_DEV: u64 = 0x14;
const ROOT_INO: u64 = 1;
/// The inode number of /proc/self.
const SELF_INO: u64 = 2;
/// Inode numbers of the machine's files start here.
const FIRST_INO: u64 = 3;

/// The root of the file system, to be mounted.
pub fn root() -> InodeRef {
    Arc::new(Root)
}

fn id(ino: u64) -> InodeId {
    InodeId { dev: PROC_DEV, ino }
}

fn ino_of(pid: Pid, place: u64) -> u64 {
    u64::from(pid) << 16 | place
}

/// A file of the machine or a directory of such files.
pub(super) struct Entry {
    path: &'static str,
    content: Content,
}

enum Content {
    Directory,
    /// What reading gives.
    Text(fn() -> String),
    /// What reading gives and what writing does.
    Control(fn() -> String, fn(&str) -> Result<(), Errno>),
}

/// /proc itself.
struct Root;

/// The link /proc/self.
struct SelfLink;

/// Something in `system::TREE`.
struct SystemNode(usize);

/// The directory of a process.
struct ProcessDir(Pid);

/// A file in it.
struct ProcessFile(Pid, usize);

/// An opened file: its text as it was then.
struct Snapshot {
    inode: InodeRef,
    text: String,
}

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

fn find_child(path: &'static str, name: &[u8]) -> Result<InodeRef, Errno> {
    let place = children(path)
        .find(|(_, child)| child.as_bytes() == name)
        .map(|(place, _)| place);
    place
        .map(|place| Arc::new(SystemNode(place)) as InodeRef)
        .ok_or(Errno::ENOENT)
}

fn listed<'a>(path: &'static str) -> impl Iterator<Item = (u64, u8, &'a [u8])> {
    children(path).map(|(place, name)| {
        let is_dir = matches!(system::TREE[place].content, Content::Directory);
        (
            FIRST_INO + place as u64,
            if is_dir { DT_DIR } else { DT_REG },
            name.as_bytes(),
        )
    })
}

impl Inode for Root {
    fn id(&self) -> InodeId {
        id(ROOT_INO)
    }

    fn mode(&self) -> u32 {
        S_IFDIR | 0o555
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(memory_dir::stat(self.id(), self.mode()))
    }

    fn statfs(&self) -> Result<Statfs, Errno> {
        Ok(memory_dir::statfs(PROC_SUPER_MAGIC))
    }

    fn open(self: Arc<Self>) -> Result<InodeRef, Errno> {
        Ok(self)
    }

    fn lookup(&self, name: &[u8]) -> Result<InodeRef, Errno> {
        if name == b"self" {
            return Ok(Arc::new(SelfLink));
        }
        let number = core::str::from_utf8(name)
            .ok()
            .and_then(|name| name.parse::<Pid>().ok());
        match number {
            Some(pid) if table::find(pid).is_some() => Ok(Arc::new(ProcessDir(pid))),
            Some(_) => Err(Errno::ENOENT),
            None => find_child("", name),
        }
    }

    fn entries(&self, cursor: u64, each: &mut dyn FnMut(Dirent) -> bool) -> Result<(), Errno> {
        let pids: Vec<(u64, String)> = table::all()
            .iter()
            .map(|process| (ino_of(process.pid, 0), process.pid.to_string()))
            .collect();
        let processes = pids
            .iter()
            .map(|(ino, name)| (*ino, DT_DIR, name.as_bytes()));
        let entries = [(SELF_INO, DT_LNK, &b"self"[..])]
            .into_iter()
            .chain(listed(""))
            .chain(processes);
        memory_dir::list(ROOT_INO, ROOT_INO, entries, cursor, each);
        Ok(())
    }
}

impl Inode for SelfLink {
    fn id(&self) -> InodeId {
        id(SELF_INO)
    }

    fn mode(&self) -> u32 {
        S_IFLNK | 0o777
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(memory_dir::stat(self.id(), self.mode()))
    }

    fn open(self: Arc<Self>) -> Result<InodeRef, Errno> {
        Ok(self)
    }

    fn read_link(&self) -> Result<Vec<u8>, Errno> {
        Ok(current().pid.to_string().into_bytes())
    }
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
        Ok(memory_dir::statfs(PROC_SUPER_MAGIC))
    }

    fn open(self: Arc<Self>) -> Result<InodeRef, Errno> {
        match self.entry().content {
            Content::Directory => Ok(self),
            Content::Text(text) | Content::Control(text, _) => Ok(Arc::new(Snapshot {
                text: text(),
                inode: self,
            })),
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
            return find_child(self.entry().path, name);
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
        Ok(memory_dir::statfs(PROC_SUPER_MAGIC))
    }

    fn open(self: Arc<Self>) -> Result<InodeRef, Errno> {
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

    fn open(self: Arc<Self>) -> Result<InodeRef, Errno> {
        let process = table::find(self.0).ok_or(Errno::ESRCH)?;
        let (_, text) = process::FILES[self.1];
        Ok(Arc::new(Snapshot {
            text: text(&process).ok_or(Errno::ESRCH)?,
            inode: self,
        }))
    }
}

impl Inode for Snapshot {
    fn id(&self) -> InodeId {
        self.inode.id()
    }

    fn mode(&self) -> u32 {
        self.inode.mode()
    }

    fn stat(&self) -> Result<Stat, Errno> {
        self.inode.stat()
    }

    fn open(self: Arc<Self>) -> Result<InodeRef, Errno> {
        Ok(self)
    }

    fn read(&self, at: u64, to: &mut Sink, _wait: Wait) -> Result<(), Errno> {
        let start = usize::try_from(at)
            .unwrap_or(usize::MAX)
            .min(self.text.len());
        to.put(&self.text.as_bytes()[start..]).map(drop)
    }

    fn write(&self, place: Place, from: &mut Source, wait: Wait) -> Result<u64, Errno> {
        self.inode.write(place, from, wait)
    }

    fn truncate(&self, len: u64) -> Result<(), Errno> {
        self.inode.truncate(len)
    }

    fn set_attributes(&self, changes: &Attributes) -> Result<(), Errno> {
        self.inode.set_attributes(changes)
    }
}
