//! A process's descriptors: small numbers for open files.
//!
//! The table is guarded by a spin lock of the process. Closing may sleep (the last close of an unlinked
//! file frees its blocks), so whatever leaves the table is handed to the caller, who drops it unlocked.

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::Errno;

use super::open_file::OpenFile;

/// Most descriptors of a process (Linux's usual soft `RLIMIT_NOFILE`).
pub const MAX_DESCRIPTORS: usize = 1024;

/// One descriptor.
#[derive(Clone)]
struct Descriptor {
    file: Arc<OpenFile>,
    close_on_exec: bool,
}

/// The table.
#[derive(Default)]
pub struct DescriptorTable {
    slots: Vec<Option<Descriptor>>,
}

impl DescriptorTable {
    /// An empty table.
    pub const fn new() -> Self {
        DescriptorTable { slots: Vec::new() }
    }

    /// The file behind a descriptor.
    pub fn get(&self, fd: i32) -> Result<Arc<OpenFile>, Errno> {
        self.descriptor(fd).map(|d| d.file.clone())
    }

    fn descriptor(&self, fd: i32) -> Result<&Descriptor, Errno> {
        let slot = usize::try_from(fd).ok().and_then(|fd| self.slots.get(fd));
        slot.and_then(Option::as_ref).ok_or(Errno::EBADF)
    }

    /// Fails as `insert` would, before anything is done for the file.
    pub fn check_room(&self) -> Result<(), Errno> {
        let is_full = self.slots.len() >= MAX_DESCRIPTORS && self.slots.iter().all(Option::is_some);
        if is_full { Err(Errno::EMFILE) } else { Ok(()) }
    }

    /// Gives a file the lowest free descriptor that is not below `lowest`.
    pub fn insert(
        &mut self,
        file: Arc<OpenFile>,
        lowest: usize,
        close_on_exec: bool,
    ) -> Result<i32, Errno> {
        let free = (lowest..self.slots.len()).find(|&fd| self.slots[fd].is_none());
        let fd = free.unwrap_or(self.slots.len().max(lowest));
        if fd >= MAX_DESCRIPTORS {
            return Err(Errno::EMFILE);
        }
        self.put(
            fd,
            Descriptor {
                file,
                close_on_exec,
            },
        );
        Ok(fd as i32)
    }

    /// Gives a file this descriptor (dup2); what was there comes back, to be dropped.
    pub fn replace(
        &mut self,
        fd: i32,
        file: Arc<OpenFile>,
        close_on_exec: bool,
    ) -> Result<Option<Arc<OpenFile>>, Errno> {
        let fd = usize::try_from(fd)
            .ok()
            .filter(|fd| *fd < MAX_DESCRIPTORS)
            .ok_or(Errno::EBADF)?;
        Ok(self
            .put(
                fd,
                Descriptor {
                    file,
                    close_on_exec,
                },
            )
            .map(|d| d.file))
    }

    fn put(&mut self, fd: usize, descriptor: Descriptor) -> Option<Descriptor> {
        if fd >= self.slots.len() {
            self.slots.resize(fd + 1, None);
        }
        self.slots[fd].replace(descriptor)
    }

    /// Closes a descriptor; its file comes back, to be dropped.
    pub fn remove(&mut self, fd: i32) -> Result<Arc<OpenFile>, Errno> {
        let slot = usize::try_from(fd)
            .ok()
            .and_then(|fd| self.slots.get_mut(fd));
        slot.and_then(Option::take)
            .map(|d| d.file)
            .ok_or(Errno::EBADF)
    }

    /// Whether exec closes the descriptor.
    pub fn close_on_exec(&self, fd: i32) -> Result<bool, Errno> {
        self.descriptor(fd).map(|d| d.close_on_exec)
    }

    /// Sets whether exec closes it.
    pub fn set_close_on_exec(&mut self, fd: i32, close: bool) -> Result<(), Errno> {
        self.descriptor(fd)?;
        if let Some(Some(descriptor)) = self.slots.get_mut(fd as usize) {
            descriptor.close_on_exec = close;
        }
        Ok(())
    }

    /// The table of a child: the same files under the same numbers.
    pub fn fork(&self) -> DescriptorTable {
        DescriptorTable {
            slots: self.slots.clone(),
        }
    }

    /// Takes out what exec closes, to be dropped.
    pub fn take_for_exec(&mut self) -> Vec<Arc<OpenFile>> {
        let closing = self
            .slots
            .iter_mut()
            .filter(|slot| slot.as_ref().is_some_and(|d| d.close_on_exec));
        closing.filter_map(Option::take).map(|d| d.file).collect()
    }

    /// Takes out everything (exit), to be dropped.
    pub fn take_all(&mut self) -> DescriptorTable {
        core::mem::take(self)
    }

    /// The descriptors in use, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = i32> + '_ {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.is_some())
            .map(|(fd, _)| fd as i32)
    }
}
