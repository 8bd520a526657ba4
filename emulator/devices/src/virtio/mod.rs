//! virtio 1.2: the transport, the queues and the device types. Section numbers below this folder are the standard's
//! ("Virtual I/O Device (VIRTIO) Version 1.2", OASIS, July 2022).
//!
//! Key types: [`Mmio`] is the device on the bus, and holds the transport's registers and the queues; the
//! [`Backend`] inside it is what the device does, and reaches queues, memory and time through a [`Link`]. Whatever
//! a driver does wrong ends in DEVICE_NEEDS_RESET, never in a panic or without bounds.

pub mod block;
pub mod console;
pub mod entropy;
mod link;
mod mmio;
mod queue;
#[cfg(test)]
mod testing;

pub use block::Block;
pub use console::Console;
pub use entropy::Entropy;
pub use link::Link;
pub use mmio::{Mmio, Vacant};
pub use queue::{Chain, Queue, QueueError, Span};

use base::{State, Time};

/// Feature bits that belong to no device type (section 6).
pub mod feature {
    /// Chains may stand in a table of their own.
    pub const INDIRECT_DESC: u64 = 1 << 28;
    /// Both sides say at which index they want to be told.
    pub const EVENT_IDX: u64 = 1 << 29;
    /// Not a legacy device. Offered, but not insisted on.
    pub const VERSION_1: u64 = 1 << 32;
    /// Queues can be reset one by one.
    pub const RING_RESET: u64 = 1 << 40;
}

/// What a virtio device is, apart from its transport.
pub trait Backend: State {
    /// Short lower-case name for logs and counters.
    fn name(&self) -> &'static str;

    /// The device type's number (section 5).
    fn device_id(&self) -> u32;

    /// The feature bits of the device type.
    fn features(&self) -> u64;

    /// The largest size of each queue; how many there are never changes.
    fn queue_sizes(&self) -> Vec<u16>;

    /// The device configuration space; beyond it reads as zero.
    fn config(&self) -> &[u8];

    /// The driver writes `bytes` at `offset` of the configuration space.
    fn write_config(&mut self, _offset: usize, _bytes: &[u8]) {}

    /// The driver is ready, and has accepted `features`.
    fn activate(&mut self, _features: u64) {}

    /// The driver has made buffers available in `queue`.
    fn notify(&mut self, queue: usize, link: &mut Link<'_>) -> Result<(), QueueError>;

    /// Forgets everything the driver asked for; what the host holds (a disk's content, output) stays.
    fn reset(&mut self);

    /// Forgets the buffers of one queue.
    fn reset_queue(&mut self, queue: usize);

    /// When [`Backend::advance`] must next be called, or [`Time::NEVER`].
    fn deadline(&self) -> Time {
        Time::NEVER
    }

    /// Brings the device to the link's time.
    fn advance(&mut self, _link: &mut Link<'_>) -> Result<(), QueueError> {
        Ok(())
    }
}
