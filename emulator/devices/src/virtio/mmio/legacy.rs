//! What version 1 of the MMIO transport has of its own (4.2.4): a queue lies in one piece, whose page number its driver
//! writes, and pages and alignment are the driver's to say.
//!
//! ```text
//! page * size   descriptors, 16 bytes each | available ring | padding up to QueueAlign | used ring        (2.7.2)
//! ```

use super::register::Register;
use crate::virtio::Queue;
use base::{Codec, CodecError, State};

/// Version 1's registers.
#[derive(Clone, Copy, Debug)]
pub struct Legacy {
    page_size: u32,
    align: u32,
}

impl Default for Legacy {
    /// What drivers rely on that write neither, as QEMU has it.
    fn default() -> Self {
        Self {
            page_size: 4096,
            align: 4096,
        }
    }
}

impl Legacy {
    /// The driver writes GuestPageSize or QueueAlign, powers of two both; another value is ignored.
    pub const fn write(&mut self, register: Register, value: u32) {
        if value.is_power_of_two() {
            match register {
                Register::GuestPageSize => self.page_size = value,
                _ => self.align = value,
            }
        }
    }

    /// The driver writes QueuePFN: `queue` begins at that page, or is given up if that is 0.
    pub fn place(self, queue: &mut Queue, page: u32) {
        if page == 0 {
            return queue.reset();
        }
        let size = u64::from(queue.size);
        queue.descriptors = u64::from(page) * u64::from(self.page_size);
        queue.avail = queue.descriptors + 16 * size;
        // Flags, index, an entry each, and the event index (2.7.6).
        let end = queue.avail + 2 * (3 + size);
        queue.used = end.next_multiple_of(self.align.into());
        queue.ready = true;
    }

    /// QueuePFN as it reads.
    pub fn page(self, queue: &Queue) -> u32 {
        match queue.ready {
            true => (queue.descriptors / u64::from(self.page_size)) as u32,
            false => 0,
        }
    }
}

impl State for Legacy {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.u32(&mut self.page_size)?;
        codec.u32(&mut self.align)?;
        match self.page_size.is_power_of_two() && self.align.is_power_of_two() {
            true => Ok(()),
            false => Err(CodecError::BadValue {
                field: "virtio page size",
            }),
        }
    }
}
