//! Why a machine cannot be built, whatever the board.

use crate::loader::LoadError;
use base::PAGE_SIZE;
use std::fmt;
use std::ops::RangeInclusive;

/// Why a machine cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The number of CPUs is out of range.
    Cpus {
        /// How many were asked for.
        asked: usize,
        /// The most that the board has.
        most: usize,
    },
    /// The amount of memory is out of range or not whole pages.
    Memory {
        /// Bytes that were asked for.
        asked: u64,
        /// Bytes that the board takes.
        takes: RangeInclusive<u64>,
    },
    /// The kernel cannot be loaded.
    Kernel(LoadError),
    /// The firmware cannot be loaded.
    Firmware(LoadError),
    /// Another file does not fit at this address.
    Load(u64),
    /// The device tree does not fit into memory beside the kernel.
    DeviceTree,
}

impl ConfigError {
    /// Checks the number of CPUs and the bytes of memory against what a board takes.
    pub(crate) fn check(
        cpus: usize,
        most: usize,
        memory: u64,
        takes: RangeInclusive<u64>,
    ) -> Result<(), Self> {
        if !(1..=most).contains(&cpus) {
            return Err(Self::Cpus { asked: cpus, most });
        }
        if !takes.contains(&memory) || !memory.is_multiple_of(PAGE_SIZE) {
            let asked = memory;
            return Err(Self::Memory { asked, takes });
        }
        Ok(())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpus { asked, most } => write!(f, "{asked} CPUs: this board has 1 to {most}"),
            Self::Memory { asked, takes } => write!(
                f,
                "{asked} bytes of memory: this board takes whole pages from {} MiB to {} MiB",
                takes.start() >> 20,
                takes.end() >> 20
            ),
            Self::Kernel(error) | Self::Firmware(error) => error.fmt(f),
            Self::Load(at) => write!(f, "does not fit into memory at {at:#x} (see --memory)"),
            Self::DeviceTree => write!(
                f,
                "the device tree does not fit into memory beside the kernel (see --memory)"
            ),
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<LoadError> for ConfigError {
    fn from(error: LoadError) -> Self {
        Self::Kernel(error)
    }
}
