//! An opened file of /proc: its text as it was when it was opened.

use alloc::string::String;
use alloc::sync::Arc;

use abi::Errno;
use abi::stat::Stat;

use crate::fs::inode::{Attributes, Inode, InodeId, InodeRef, Place, Wait};
use crate::fs::transfer::{Sink, Source};

/// A text that stands for a file.
pub(super) struct Snapshot {
    inode: InodeRef,
    text: String,
}

impl Snapshot {
    /// This text for this file.
    pub fn new(text: String, inode: InodeRef) -> Self {
        Snapshot { inode, text }
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

    fn open(self: Arc<Self>, _write: bool) -> Result<InodeRef, Errno> {
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
