//! Addresses with types.

/// Bytes of a page.
pub const PAGE_SIZE: usize = 4096;

/// A physical address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhysAddr(u64);

impl PhysAddr {
    /// The physical address with this number.
    pub const fn new(address: u64) -> Self {
        PhysAddr(address)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The address `bytes` further on.
    pub const fn plus(self, bytes: u64) -> Self {
        PhysAddr(self.0 + bytes)
    }
}

impl core::fmt::Debug for PhysAddr {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// `address` rounded down to a page.
pub const fn page_floor(address: usize) -> usize {
    address & !(PAGE_SIZE - 1)
}

/// `address` rounded up to a page; `None` past the end of the address space.
pub fn page_ceil(address: usize) -> Option<usize> {
    address.checked_add(PAGE_SIZE - 1).map(page_floor)
}
