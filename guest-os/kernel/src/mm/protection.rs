//! What may be done with a page.

use abi::mman::{PROT_EXEC, PROT_READ, PROT_WRITE};

/// Rights of a user program on its pages. The hardware has no "not readable" beside "not mapped", so a
/// region without any right has no pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Protection {
    /// May be read.
    pub read: bool,
    /// May be written.
    pub write: bool,
    /// May be executed.
    pub execute: bool,
}

impl Protection {
    /// From the bits of mmap(2); unknown bits mean nothing.
    pub fn from_bits(bits: u32) -> Self {
        Protection {
            read: bits & PROT_READ != 0,
            write: bits & PROT_WRITE != 0,
            execute: bits & PROT_EXEC != 0,
        }
    }

    /// The same without the right to write.
    pub fn read_only(self) -> Self {
        Protection {
            write: false,
            ..self
        }
    }

    /// No access at all.
    pub const NONE: Protection = Protection {
        read: false,
        write: false,
        execute: false,
    };
    /// Read and write.
    pub const READ_WRITE: Protection = Protection {
        read: true,
        write: true,
        execute: false,
    };
}

impl core::fmt::Display for Protection {
    /// As in /proc/<pid>/maps.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mark = |on, mark| if on { mark } else { '-' };
        write!(
            f,
            "{}{}{}p",
            mark(self.read, 'r'),
            mark(self.write, 'w'),
            mark(self.execute, 'x')
        )
    }
}

/// What the kernel has a page of its own for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum KernelUse {
    /// Its code.
    Code,
    /// What it only reads.
    Constants,
    /// What it writes.
    Data,
    /// The same, at an address at which a CPU may have seen nothing before.
    Late,
    /// Registers of a device.
    Device,
}
