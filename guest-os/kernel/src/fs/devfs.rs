//! devfs: the devices as files, mounted on /dev.
//!
//! A driver implements `Device`, which is about bytes only, and gives it a name with `add`; the rest of an
//! inode (numbers, mode, times) is the same for all and done here. Directories exist because a name in
//! them does. Names never go away, so inode numbers are simply counted up.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use abi::Errno;
use abi::dirent::{Dirent, type_of_mode};
use abi::stat::{S_IFBLK, S_IFCHR, S_IFDIR, Stat, Statfs, TMPFS_MAGIC};

use super::inode::{Inode, InodeId, InodeRef, Place, Wait};
use super::memory_dir;
use super::transfer::{Sink, Source};
use crate::sync::SpinLock;

/// The device number of this file system.
const DEVFS_DEV: u64 = 0x5;
const ROOT_INO: u64 = 1;

/// What a driver offers. Defaults refuse.
#[allow(
    unused_variables,
    reason = "the defaults refuse, whatever they are asked"
)]
pub trait Device: Send + Sync {
    /// Whether reads and writes have positions (disks).
    fn is_seekable(&self) -> bool {
        false
    }

    /// Bytes, if that is a fixed number (disks).
    fn size(&self) -> u64 {
        0
    }

    /// Reads into `to`; nothing put means the end.
    fn read(&self, at: u64, to: &mut Sink, wait: Wait) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// Writes what `from` gives.
    fn write(&self, at: u64, from: &mut Source, wait: Wait) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// Which of `POLLIN`, `POLLOUT`, `POLLHUP` and `POLLERR` hold now.
    fn poll(&self) -> i16 {
        abi::poll::POLLIN | abi::poll::POLLOUT
    }

    /// A request of ioctl(2).
    fn ioctl(&self, request: u32, arg: usize) -> Result<usize, Errno> {
        Err(Errno::ENOTTY)
    }
}

/// What kind of device a name stands for.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A character device with its major and minor number.
    Char(u64, u64),
    /// A block device.
    Block(u64, u64),
}

struct Node {
    ino: u64,
    mode: u32,
    rdev: u64,
    device: Arc<dyn Device>,
}

struct Dir {
    ino: u64,
    parent: Weak<Dir>,
    entries: SpinLock<BTreeMap<Vec<u8>, Entry>>,
}

#[derive(Clone)]
enum Entry {
    Node(Arc<Node>),
    Dir(Arc<Dir>),
}

/// The root directory, made when it is first needed, and the last inode number given.
static STATE: SpinLock<(Option<Arc<Dir>>, u64)> = SpinLock::new(c"devfs", (None, ROOT_INO));

fn root_dir() -> Arc<Dir> {
    let mut state = STATE.lock();
    state
        .0
        .get_or_insert_with(|| Arc::new(Dir::new(ROOT_INO, Weak::new())))
        .clone()
}

fn next_ino() -> u64 {
    let mut state = STATE.lock();
    state.1 += 1;
    state.1
}

/// The root of the file system, to be mounted.
pub fn root() -> InodeRef {
    root_dir()
}

/// Gives a device a name such as `null` or `virtio-ports/console`. Interrupt handlers may do so.
pub fn add(path: &str, kind: Kind, device: Arc<dyn Device>) {
    let (type_bits, major, minor) = match kind {
        Kind::Char(major, minor) => (S_IFCHR | 0o666, major, minor),
        Kind::Block(major, minor) => (S_IFBLK | 0o660, major, minor),
    };
    let node = Arc::new(Node {
        ino: next_ino(),
        mode: type_bits,
        rdev: major << 8 | minor,
        device,
    });
    let mut dir = root_dir();
    let mut name = path.as_bytes();
    while let Some(slash) = name.iter().position(|b| *b == b'/') {
        dir = dir.subdirectory(&name[..slash]);
        name = &name[slash + 1..];
    }
    dir.entries.lock().insert(name.to_vec(), Entry::Node(node));
}

impl Dir {
    fn new(ino: u64, parent: Weak<Dir>) -> Dir {
        Dir {
            ino,
            parent,
            entries: SpinLock::new(c"devfs_directory", BTreeMap::new()),
        }
    }

    /// The directory with this name in this one, made if there is none.
    fn subdirectory(self: &Arc<Self>, name: &[u8]) -> Arc<Dir> {
        if let Some(Entry::Dir(dir)) = self.entries.lock().get(name) {
            return dir.clone();
        }
        let dir = Arc::new(Dir::new(next_ino(), Arc::downgrade(self)));
        self.entries
            .lock()
            .insert(name.to_vec(), Entry::Dir(dir.clone()));
        dir
    }
}

impl Entry {
    fn inode(&self) -> InodeRef {
        match self {
            Entry::Node(node) => node.clone(),
            Entry::Dir(dir) => dir.clone(),
        }
    }
}

impl Inode for Dir {
    fn id(&self) -> InodeId {
        InodeId {
            dev: DEVFS_DEV,
            ino: self.ino,
        }
    }

    fn mode(&self) -> u32 {
        S_IFDIR | 0o755
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(memory_dir::stat(self.id(), self.mode()))
    }

    fn statfs(&self) -> Result<Statfs, Errno> {
        Ok(memory_dir::statfs(TMPFS_MAGIC))
    }

    fn open(self: Arc<Self>, _write: bool) -> Result<InodeRef, Errno> {
        Ok(self)
    }

    fn lookup(&self, name: &[u8]) -> Result<InodeRef, Errno> {
        if name == b".." {
            return Ok(self.parent.upgrade().unwrap_or_else(root_dir));
        }
        self.entries
            .lock()
            .get(name)
            .map(Entry::inode)
            .ok_or(Errno::ENOENT)
    }

    fn entries(&self, cursor: u64, each: &mut dyn FnMut(Dirent) -> bool) -> Result<(), Errno> {
        let parent = self.parent.upgrade().map_or(self.ino, |parent| parent.ino);
        let entries = self.entries.lock().clone();
        let listed = entries.iter().map(|(name, entry)| {
            let inode = entry.inode();
            (inode.id().ino, type_of_mode(inode.mode()), &name[..])
        });
        memory_dir::list(self.ino, parent, listed, cursor, each);
        Ok(())
    }
}

impl Inode for Node {
    fn id(&self) -> InodeId {
        InodeId {
            dev: DEVFS_DEV,
            ino: self.ino,
        }
    }

    fn mode(&self) -> u32 {
        self.mode
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(Stat {
            rdev: self.rdev,
            ..memory_dir::stat(self.id(), self.mode)
        })
    }

    fn statfs(&self) -> Result<Statfs, Errno> {
        Ok(memory_dir::statfs(TMPFS_MAGIC))
    }

    fn is_seekable(&self) -> bool {
        self.device.is_seekable()
    }

    fn open(self: Arc<Self>, _write: bool) -> Result<InodeRef, Errno> {
        Ok(self)
    }

    fn read(&self, at: u64, to: &mut Sink, wait: Wait) -> Result<(), Errno> {
        self.device.read(at, to, wait)
    }

    fn write(&self, place: Place, from: &mut Source, wait: Wait) -> Result<u64, Errno> {
        let at = match place {
            Place::At(at) => at,
            Place::End => self.device.size(),
        };
        match self.device.write(at, from, wait) {
            Err(errno) if from.done() == 0 => Err(errno),
            _ => Ok(at + from.done() as u64),
        }
    }

    /// `O_TRUNC` on a device means nothing.
    fn truncate(&self, _len: u64) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn poll(&self) -> i16 {
        self.device.poll()
    }

    fn ioctl(&self, request: u32, arg: usize) -> Result<usize, Errno> {
        self.device.ioctl(request, arg)
    }
}
