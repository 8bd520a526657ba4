//! procfs: what the kernel knows, as text files on /proc (proc(5)).
//!
//! The formats are Linux's, because ps, free and their like read them. A file's text is made when the file is
//! opened, so that all reads through one descriptor see one moment.
//!
//! Two tables say what exists: `system::TREE` for the whole machine, `process::FILES` for each process;
//! `system_node` and `process_node` make inodes of them.
//! Inode numbers follow from them:
//!
//! ```text
//!  63            16 15           0
//! +----------------+--------------+
//! |      pid       | place + 1    |     pid 0: place in `system::TREE`
//! +----------------+--------------+     place 0: the process's directory
//! ```

mod process;
mod process_node;
mod snapshot;
mod system;
mod system_node;

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::Errno;
use abi::dirent::{DT_DIR, DT_LNK, Dirent};
use abi::stat::{PROC_SUPER_MAGIC, S_IFDIR, S_IFLNK, Stat, Statfs};

use super::inode::{Inode, InodeId, InodeRef};
use super::memory_dir;
use crate::proc::{Pid, current, table};
use process_node::ProcessDir;

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

/// The inode number of a process's directory (place 0) or of the file after `place - 1` others.
fn ino_of(pid: Pid, place: u64) -> u64 {
    u64::from(pid) << 16 | place
}

/// The state of the file system, which is the same wherever one asks.
fn statfs() -> Statfs {
    memory_dir::statfs(PROC_SUPER_MAGIC)
}

/// /proc itself.
struct Root;

/// The link /proc/self.
struct SelfLink;

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
        Ok(statfs())
    }

    fn open(self: Arc<Self>, _write: bool) -> Result<InodeRef, Errno> {
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
            None => system_node::find("", name),
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
            .chain(system_node::listed(""))
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

    fn open(self: Arc<Self>, _write: bool) -> Result<InodeRef, Errno> {
        Ok(self)
    }

    fn read_link(&self) -> Result<Vec<u8>, Errno> {
        Ok(current().pid.to_string().into_bytes())
    }
}
