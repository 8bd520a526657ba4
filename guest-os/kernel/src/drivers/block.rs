//! Block devices: what a disk driver offers to the file systems.
//!
//! The unit is the file system's block of 4 KiB, and the memory is page frames, because both caches are
//! made of them. A batch of requests goes to the device at once and is waited for as a whole, so a device
//! that can do several at a time does.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use abi::Errno;

use crate::mm::frame::Frame;
use crate::sync::SpinLock;

/// One request.
pub enum Request<'a> {
    /// Fill frames from consecutive blocks.
    Read {
        /// The first block.
        block: u32,
        /// Where they go.
        frames: &'a [Frame],
    },
    /// Write frames to consecutive blocks.
    Write {
        /// The first block.
        block: u32,
        /// Where they come from.
        frames: &'a [Frame],
    },
    /// Make durable all that was written before this batch.
    Flush,
}

/// A disk.
pub trait BlockDevice: Send + Sync {
    /// Blocks of 4 KiB.
    fn blocks(&self) -> u32;

    /// Performs all requests, in any order, and returns when the last one is done; `EIO` if one failed.
    fn perform(&self, requests: &[Request]) -> Result<(), Errno>;
}

/// The disks by name, in the order in which they were found.
static DISKS: SpinLock<Vec<(String, &'static dyn BlockDevice)>> = SpinLock::new(Vec::new());

/// Adds a disk under a name such as `vda`. Disks stay for good.
pub fn add(name: String, device: Box<dyn BlockDevice>) {
    DISKS.lock().push((name, Box::leak(device)));
}

/// The disk with this name.
pub fn find(name: &str) -> Option<&'static dyn BlockDevice> {
    DISKS.lock().iter().find(|(n, _)| n == name).map(|(_, device)| *device)
}

/// Names and devices of all disks.
pub fn all() -> Vec<(String, &'static dyn BlockDevice)> {
    DISKS.lock().clone()
}
