//! The mount table: which directory shows the root of which file system.
//!
//! Mounts are made at start-up and stay. A directory that is covered by a mount is known by its
//! `InodeId`; path walks ask here whenever they enter a directory, and when `..` leaves a mounted root.

use alloc::string::String;
use alloc::vec::Vec;

use super::inode::{Inode, InodeId, InodeRef};
use crate::sync::{Once, SpinLock};

/// One mount.
#[derive(Clone)]
pub struct Mount {
    /// Where, as a path.
    pub path: String,
    /// From which device, or the type's name again.
    pub source: String,
    /// The file system's type.
    pub kind: &'static str,
    /// The directory that is covered; `None` for the root of all.
    covered: Option<InodeRef>,
    root: InodeRef,
}

static ROOT: Once<InodeRef> = Once::new();
static MOUNTS: SpinLock<Vec<Mount>> = SpinLock::new(c"mounts", Vec::new());

/// Makes `root` the root directory of the system.
pub fn mount_root(root: InodeRef, source: &str, kind: &'static str) {
    ROOT.set(root.clone());
    MOUNTS.lock().push(Mount {
        path: "/".into(),
        source: source.into(),
        kind,
        covered: None,
        root,
    });
}

/// Shows `root` in the place of directory `covered`, whose path is `path`.
pub fn mount(covered: InodeRef, path: &str, root: InodeRef, kind: &'static str) {
    MOUNTS.lock().push(Mount {
        path: path.into(),
        source: kind.into(),
        kind,
        covered: Some(covered),
        root,
    });
}

/// The root directory of the system.
pub fn root() -> InodeRef {
    ROOT.get()
        .expect("a root is mounted before files are used")
        .clone()
}

/// What is seen at `inode`: the root mounted there, or the inode itself.
pub fn enter(inode: InodeRef) -> InodeRef {
    if !inode.is_dir() {
        return inode;
    }
    let id = inode.id();
    let mounted = MOUNTS
        .lock()
        .iter()
        .find(|m| covers(m, id))
        .map(|m| m.root.clone());
    mounted.unwrap_or(inode)
}

/// Whether a file system is mounted at this directory, or it is the root of one.
pub fn is_busy(inode: &dyn Inode) -> bool {
    let id = inode.id();
    inode.is_dir()
        && MOUNTS
            .lock()
            .iter()
            .any(|m| covers(m, id) || m.root.id() == id)
}

/// If `inode` is the root of a mounted file system: the directory that it covers.
pub fn leave(inode: &dyn Inode) -> Option<InodeRef> {
    let id = inode.id();
    MOUNTS
        .lock()
        .iter()
        .find(|m| m.root.id() == id)
        .and_then(|m| m.covered.clone())
}

/// All mounts, in the order in which they were made.
pub fn all() -> Vec<Mount> {
    MOUNTS.lock().clone()
}

fn covers(mount: &Mount, id: InodeId) -> bool {
    mount
        .covered
        .as_ref()
        .is_some_and(|covered| covered.id() == id)
}
