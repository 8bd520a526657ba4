//! A disk in memory: the module that the loader brought (`-initrd`). What is written to it is lost at the end.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::ToString;

use abi::Errno;

use super::block::{self, BlockDevice, Request};
use crate::mm::address::PAGE_SIZE;
use crate::mm::frame::Frame;
use crate::sync::SpinLock;

/// The name `root=ram` means.
pub const NAME: &str = "ram0";

struct RamDisk {
    image: &'static [u8],
    /// Blocks that were written.
    changed: SpinLock<BTreeMap<u32, Frame>>,
}

/// Makes the module a disk.
pub fn init(image: &'static [u8]) {
    crate::info!("{NAME}: RAM disk, {} KiB", image.len() / 1024);
    block::add(
        NAME.to_string(),
        Box::new(RamDisk {
            image,
            changed: SpinLock::new(c"ramdisk", BTreeMap::new()),
        }),
    );
}

impl RamDisk {
    fn read(&self, block: u32, to: &Frame) -> Result<(), Errno> {
        let start = block as usize * PAGE_SIZE;
        let original = self.image.get(start..start + PAGE_SIZE).ok_or(Errno::EIO)?;
        match self.changed.lock().get(&block) {
            Some(frame) => to.copy_from(frame),
            None => to.write(0, original),
        }
        Ok(())
    }

    fn write(&self, block: u32, from: &Frame) -> Result<(), Errno> {
        if block >= self.blocks() {
            return Err(Errno::EIO);
        }
        let copy = from.duplicate()?;
        self.changed.lock().insert(block, copy);
        Ok(())
    }
}

impl BlockDevice for RamDisk {
    fn blocks(&self) -> u32 {
        (self.image.len() / PAGE_SIZE) as u32
    }

    fn perform(&self, requests: &[Request]) -> Result<(), Errno> {
        for request in requests {
            match *request {
                Request::Read { block, frames } => {
                    (block..)
                        .zip(frames)
                        .try_for_each(|(block, frame)| self.read(block, frame))?;
                }
                Request::Write { block, frames } => {
                    (block..)
                        .zip(frames)
                        .try_for_each(|(block, frame)| self.write(block, frame))?;
                }
                Request::Flush => {}
            }
        }
        Ok(())
    }
}
