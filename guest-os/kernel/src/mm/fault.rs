//! Page faults: demand paging, copy-on-write, and growing stacks.
//!
//! # Copy-on-write
//! After fork both sides map the same frames without the right to write. Who writes first faults here. If the
//! frame has another reference (the other side, a cache), the writer gets a copy; if it is the only one left, it
//! gets the right back. Whether a page *may* be written is what its region says; whether it *can* be
//! is what the page table says: the difference is copy-on-write. Regions that are shared on purpose only get the
//! right back.

use abi::Errno;

use super::address::{PAGE_SIZE, page_floor};
use super::frame::Frame;
use super::space::AddressSpace;
use crate::arch::paging;

/// What a program tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// To read.
    Read,
    /// To write.
    Write,
    /// To execute.
    Execute,
}

/// A page fault.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Where.
    pub address: usize,
    /// What was tried.
    pub access: Access,
    /// The hardware's own description, for probes.
    pub code: u64,
}

/// Why a fault could not be resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unresolved {
    /// Nothing is mapped there (SIGSEGV, `SEGV_MAPERR`).
    NotMapped,
    /// What is there may not be used like that (SIGSEGV, `SEGV_ACCERR`).
    NotAllowed,
    /// The file behind it could not be read (SIGBUS).
    BadFile(Errno),
    /// Memory is out.
    NoMemory,
}

impl From<Errno> for Unresolved {
    fn from(errno: Errno) -> Self {
        if errno == Errno::ENOMEM {
            Unresolved::NoMemory
        } else {
            Unresolved::BadFile(errno)
        }
    }
}

impl AddressSpace {
    /// Makes the page that a fault asked for appear, or says why not.
    pub fn resolve(&self, fault: &Fault) -> Result<(), Unresolved> {
        let page = page_floor(fault.address);
        let mut contents = self.contents.lock();
        if contents.regions.region_at(fault.address).is_none()
            && !contents.regions.grow_stack(fault.address)
        {
            return Err(Unresolved::NotMapped);
        }
        let region = contents
            .regions
            .region_at(fault.address)
            .ok_or(Unresolved::NotMapped)?;
        let (protection, is_shared) = (region.protection, region.is_shared());
        let allowed = match fault.access {
            Access::Read => protection.read || protection.write || protection.execute,
            Access::Write => protection.write,
            Access::Execute => protection.execute,
        };
        if !allowed {
            return Err(Unresolved::NotAllowed);
        }
        let wants_write = fault.access == Access::Write;
        match contents.table.get(page) {
            Some(mapping) if wants_write && !mapping.writable => {
                // SAFETY: the table's reference is only borrowed: `into_raw` below keeps it alive.
                let frame = unsafe { Frame::from_raw(mapping.frame) };
                let copy = if is_shared || frame.is_unique() {
                    None
                } else {
                    Some(frame.duplicate())
                };
                frame.into_raw();
                match copy {
                    None => contents.table.protect(page, protection),
                    Some(copy) => {
                        let old = contents.table.map(page, copy?, protection)?;
                        self.flush(page, page + PAGE_SIZE);
                        drop(old);
                    }
                }
                paging::flush_page(page);
            }
            // Somebody else was faster, or this TLB is behind the page table.
            Some(_) => paging::flush_page(page),
            None => {
                let (frame, cached) = region.first_page(page)?;
                let (frame, protection) = match (cached, wants_write) {
                    (true, true) => (frame.duplicate()?, protection),
                    (true, false) => (frame, protection.read_only()),
                    (false, _) => (frame, protection),
                };
                contents.table.map(page, frame, protection)?;
            }
        }
        Ok(())
    }
}
