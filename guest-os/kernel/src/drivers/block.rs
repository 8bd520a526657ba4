//! Block devices: what a disk driver offers to the file systems.
//!
//! The unit is the file system's block of 4 KiB, and the memory is page frames, because both caches are
//! made of them. A batch of requests goes to the device at once and is waited for as a whole, so a device
//! that can do several at a time does.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use abi::Errno;

use crate::fs::devfs::{self, Device, Kind};
use crate::fs::inode::Wait;
use crate::fs::transfer::Sink;
use crate::mm::address::PAGE_SIZE;
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
static DISKS: SpinLock<Vec<(String, &'static dyn BlockDevice)>> =
    SpinLock::new(c"disks", Vec::new());

/// Linux's major number of virtio disks.
pub const MAJOR: u64 = 254;
/// Most blocks that /dev reads at once.
const RUN: usize = 32;

/// Adds a disk under a name such as `vda`, which it gets in /dev too. Disks stay for good.
pub fn add(name: String, device: Box<dyn BlockDevice>) {
    let device: &'static dyn BlockDevice = Box::leak(device);
    let mut disks = DISKS.lock();
    // 16 minor numbers a disk, for partitions, as Linux has it.
    let kind = Kind::Block(MAJOR, 16 * disks.len() as u64);
    devfs::add(&name, kind, Arc::new(DiskNode(device)));
    disks.push((name, device));
}

/// The disk with this name.
pub fn find(name: &str) -> Option<&'static dyn BlockDevice> {
    DISKS
        .lock()
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, device)| *device)
}

/// Names and devices of all disks.
pub fn all() -> Vec<(String, &'static dyn BlockDevice)> {
    DISKS.lock().clone()
}

/// A disk's file in /dev, to be read only: a mounted disk is not written behind its file system's back.
struct DiskNode(&'static dyn BlockDevice);

impl Device for DiskNode {
    fn is_seekable(&self) -> bool {
        true
    }

    fn read(&self, at: u64, to: &mut Sink, _wait: Wait) -> Result<(), Errno> {
        let mut buffer = vec![0; PAGE_SIZE.min(to.room())];
        let mut at = at;
        let end = u64::from(self.0.blocks()) * PAGE_SIZE as u64;
        while to.room() > 0 && at < end {
            let block = (at / PAGE_SIZE as u64) as u32;
            let offset = (at % PAGE_SIZE as u64) as usize;
            let wanted = (offset + to.room()).div_ceil(PAGE_SIZE).min(RUN);
            let count = wanted.min((self.0.blocks() - block) as usize);
            let frames = (0..count)
                .map(|_| Frame::alloc())
                .collect::<Result<Vec<_>, _>>()?;
            self.0.perform(&[Request::Read {
                block,
                frames: &frames,
            }])?;
            for (i, frame) in frames.iter().enumerate() {
                let start = if i == 0 { offset } else { 0 };
                let part = (PAGE_SIZE - start).min(to.room());
                let part = &mut buffer[..part];
                frame.read(start, part);
                at += to.put(part)? as u64;
            }
        }
        Ok(())
    }
}
