//! Puts a kernel into memory: ELF files ([`elf`]) and the PVH boot protocol ([`pvh`]), static
//! probes ([`sdt`]).

pub mod elf;
pub mod pvh;
pub mod sdt;

use std::fmt;
use std::ops::Range;

/// Why a kernel cannot be loaded; one line for the user, who knows the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The file is empty.
    Empty,
    /// The file is not an ELF file.
    NotElf,
    /// The file is for another machine.
    WrongMachine(String),
    /// The file ends too early or contradicts itself.
    Damaged(String),
    /// A segment lies outside RAM.
    DoesNotFit {
        /// First byte of the segment.
        start: u64,
        /// One past its last byte.
        end: u64,
        /// The addresses of RAM.
        memory: Range<u64>,
    },
    /// Two segments, or a segment and the boot information, overlap.
    Overlap {
        /// Where.
        at: u64,
    },
    /// No entry point for a boot protocol that this board speaks.
    NoEntry,
    /// The command line is too long.
    CommandLine {
        /// Its length in bytes.
        len: usize,
        /// The most that fits.
        max: usize,
    },
    /// The initial RAM disk does not fit.
    InitrdDoesNotFit {
        /// Its length in bytes.
        len: u64,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "is empty"),
            Self::NotElf => write!(f, "not an ELF file"),
            Self::WrongMachine(what) => write!(f, "is for another machine: {what}"),
            Self::Damaged(what) => write!(f, "damaged ELF file: {what}"),
            Self::DoesNotFit { start, end, memory } => write!(
                f,
                "segment {start:#x}..{end:#x} does not fit into memory, {:#x}..{:#x} (see --memory)",
                memory.start, memory.end
            ),
            Self::Overlap { at } => write!(f, "segments overlap at {at:#x}"),
            Self::NoEntry => write!(
                f,
                "has no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY), so this board cannot start it"
            ),
            Self::CommandLine { len, max } => {
                write!(f, "the command line has {len} bytes, at most {max} fit")
            }
            Self::InitrdDoesNotFit { len } => write!(
                f,
                "the RAM disk of {len} bytes does not fit into memory (see --memory)"
            ),
        }
    }
}

impl std::error::Error for LoadError {}
