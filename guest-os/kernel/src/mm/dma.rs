//! Memory that devices read and write: contiguous, zeroed at first, at a physical address they can be told.

use super::address::{PAGE_SIZE, PhysAddr};
use super::frame::{free_pages, try_pages};
use super::layout::phys_to_virt;
use abi::Errno;

/// A block of `2^order` pages. It is freed when dropped: the device must be done with it.
pub struct DmaBuffer {
    at: PhysAddr,
    order: usize,
}

impl DmaBuffer {
    /// A zeroed block of at least `bytes` bytes.
    pub fn new(bytes: usize) -> Result<Self, Errno> {
        let order = bytes
            .div_ceil(PAGE_SIZE)
            .next_power_of_two()
            .trailing_zeros() as usize;
        let at = try_pages(order)?;
        // SAFETY: the block is ours alone.
        unsafe { phys_to_virt(at).write_bytes(0, PAGE_SIZE << order) };
        Ok(DmaBuffer { at, order })
    }

    /// What to tell the device.
    pub fn phys(&self) -> PhysAddr {
        self.at
    }

    /// Where the kernel sees it. Access it with volatile reads and writes: the device changes it too.
    pub fn as_ptr(&self) -> *mut u8 {
        phys_to_virt(self.at)
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        PAGE_SIZE << self.order
    }
}

impl Drop for DmaBuffer {
    fn drop(&mut self) {
        // SAFETY: it came from `try_pages` with this order.
        unsafe { free_pages(self.at, self.order) };
    }
}

// SAFETY: a plain block of memory; users synchronise their accesses.
unsafe impl Send for DmaBuffer {}
// SAFETY: as above; all methods but drop only tell where it is.
unsafe impl Sync for DmaBuffer {}
