//! Guest addresses and access widths, as types of their own so that one is never taken for the other.

use std::fmt;

/// Bytes in the smallest page of both ISAs.
pub const PAGE_SIZE: u64 = 4096;

/// A guest-physical address, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phys(pub u64);

/// A guest-virtual (x86: linear) address, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Virt(pub u64);

impl Phys {
    /// The number of the page that holds this address.
    pub const fn page(self) -> u64 {
        self.0 / PAGE_SIZE
    }
}

impl Virt {
    /// The number of the page that holds this address.
    pub const fn page(self) -> u64 {
        self.0 / PAGE_SIZE
    }
}

impl fmt::Display for Phys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Display for Virt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// How many bytes a scalar memory or device access moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Width {
    /// One byte.
    B1 = 1,
    /// Two bytes.
    B2 = 2,
    /// Four bytes.
    B4 = 4,
    /// Eight bytes.
    B8 = 8,
}

impl Width {
    /// Bytes moved.
    #[inline]
    pub const fn bytes(self) -> u64 {
        self as u64
    }

    /// Bits moved.
    #[inline]
    pub const fn bits(self) -> u32 {
        self as u32 * 8
    }

    /// The value with exactly this width's low bits set.
    #[inline]
    pub const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits())
    }

    /// The width of `bytes` bytes, if there is one.
    pub const fn from_bytes(bytes: u64) -> Option<Self> {
        match bytes {
            1 => Some(Self::B1),
            2 => Some(Self::B2),
            4 => Some(Self::B4),
            8 => Some(Self::B8),
            _ => None,
        }
    }
}
