//! Page faults: demand paging, copy-on-write, and growing stacks.
//!
//! # Copy-on-write
//! After fork both sides map the same frames without the right to write. Who writes first faults here. If the
//! frame has another reference (the other side, a cache), the writer gets a copy; if it is the only one left, it
//! gets the right back. Whether a page *may* be written is what its region says; whether it *can* be
//! is what the page table says: the difference is copy-on-write. Regions that are shared on purpose only get the
//! right back.

use abi::Errno;

use super::address::{PAGE_SIZE, PhysAddr, page_floor};
use super::frame::Frame;
use super::protection::Protection;
use super::space::{AddressSpace, Contents};
use crate::arch::paging;
use crate::sync::current;

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

/// What a fault turned out to be. Numbers are those of `abi::probe::FAULTS`, which says more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// The page was in memory.
    Minor = 0,
    /// It came from the disk.
    Major = 1,
    /// It is a new one of zeros.
    Zero = 2,
    /// The same, and the stack grew to hold it.
    Stack = 3,
    /// A write to a page that is shared until written.
    Cow = 4,
    /// Nothing was missing.
    Spurious = 5,
    /// It could not be resolved.
    Bad = 6,
}

impl AddressSpace {
    /// Makes the page that a fault asked for appear, or says why not.
    pub fn resolve(&self, fault: &Fault) -> Result<Kind, Unresolved> {
        let page = page_floor(fault.address);
        let mut contents = self.contents.lock();
        let is_outside = contents.regions.region_at(fault.address).is_none();
        if is_outside && !contents.regions.grow_stack(fault.address) {
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
        let kind = match contents.table.get(page) {
            Some(mapping) if wants_write && !mapping.writable => {
                let kind = if is_shared {
                    contents.table.protect(page, protection);
                    Kind::Minor
                } else {
                    self.break_sharing(&mut contents, page, mapping.frame, protection)?;
                    Kind::Cow
                };
                paging::flush_page(page);
                kind
            }
            // Somebody else was faster, or this TLB is behind the page table.
            Some(_) => {
                paging::flush_page(page);
                Kind::Spurious
            }
            None => {
                let first = region.first_page(page)?;
                if first.is_files && wants_write {
                    let copy = first.frame.duplicate()?;
                    let (old, new) = (first.frame.address(), copy.address());
                    contents.table.map(page, copy, protection)?;
                    crate::probe!(cow_break, current().pid, page, old.get(), new.get());
                    if first.kind == Kind::Major {
                        Kind::Major
                    } else {
                        Kind::Cow
                    }
                } else {
                    let protection = if first.is_files {
                        protection.read_only()
                    } else {
                        protection
                    };
                    contents.table.map(page, first.frame, protection)?;
                    if is_outside { Kind::Stack } else { first.kind }
                }
            }
        };
        Ok(kind)
    }

    /// Makes the page of a private mapping, whose frame may have other users, the program's own to write.
    fn break_sharing(
        &self,
        contents: &mut Contents,
        page: usize,
        old: PhysAddr,
        protection: Protection,
    ) -> Result<(), Errno> {
        // SAFETY: the table's reference is only borrowed: `into_raw` below keeps it alive.
        let frame = unsafe { Frame::from_raw(old) };
        let copy = (!frame.is_unique()).then(|| frame.duplicate());
        frame.into_raw();
        let new = match copy {
            None => {
                contents.table.protect(page, protection);
                old
            }
            Some(copy) => {
                let copy = copy?;
                let new = copy.address();
                let left = contents.table.map(page, copy, protection)?;
                self.flush(page, page + PAGE_SIZE);
                drop(left);
                new
            }
        };
        crate::probe!(cow_break, current().pid, page, old.get(), new.get());
        Ok(())
    }
}
