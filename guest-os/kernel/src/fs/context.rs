//! What a process knows of files besides its descriptors: where it is, and what it masks.

use alloc::sync::Arc;

use super::inode::InodeRef;
use super::mount;

/// Permissions that new files lose unless a process says otherwise.
const DEFAULT_UMASK: u32 = 0o022;

/// Working directory and file mode mask, guarded by a spin lock of the process.
#[derive(Clone)]
pub struct FileContext {
    /// The working directory; `None` until the process first leaves the root.
    directory: Option<InodeRef>,
    umask: u32,
}

impl FileContext {
    /// The first process's.
    pub const fn new() -> Self {
        FileContext {
            directory: None,
            umask: DEFAULT_UMASK,
        }
    }

    /// The working directory.
    pub fn directory(&self) -> InodeRef {
        self.directory.as_ref().map_or_else(mount::root, Arc::clone)
    }

    /// Changes it; the old one comes back, to be dropped without the lock.
    pub fn set_directory(&mut self, directory: InodeRef) -> Option<InodeRef> {
        self.directory.replace(directory)
    }

    /// The mask.
    pub fn umask(&self) -> u32 {
        self.umask
    }

    /// Changes it; gives the old one.
    pub fn set_umask(&mut self, mask: u32) -> u32 {
        core::mem::replace(&mut self.umask, mask & 0o777)
    }
}
