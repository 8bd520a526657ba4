//! What a virtio device type sees while it works: its queues, guest memory and the time.

use super::queue::{Chain, Queue, QueueError};
use base::{Ram, Time};

/// InterruptStatus: the device has used a buffer (4.2.2).
pub(super) const USED_BUFFER: u32 = 1 << 0;

/// The most chains taken in one access: above any queue's size, so that only a device which is made to write into
/// its own rings ever meets it.
pub(super) const MOST_CHAINS: u32 = 4096;

/// A device's hold on its surroundings for one access.
pub struct Link<'a> {
    pub(super) queues: &'a mut [Queue],
    pub(super) interrupt: &'a mut u32,
    pub(super) budget: u32,
    /// Guest memory.
    pub ram: &'a mut Ram,
    /// The present.
    pub now: Time,
}

impl Link<'_> {
    /// The next chain that the driver has made available in `queue`.
    pub fn pop(&mut self, queue: usize) -> Result<Option<Chain>, QueueError> {
        let Some(queue) = self.queues.get_mut(queue) else {
            return Ok(None);
        };
        self.budget = self
            .budget
            .checked_sub(1)
            .ok_or(QueueError("the device's own writes keep it busy"))?;
        queue.pop(self.ram)
    }

    /// Gives a chain back with `written` bytes in its writable part, and interrupts if the driver wants that.
    pub fn complete(&mut self, queue: usize, head: u16, written: u32) -> Result<(), QueueError> {
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.push_used(self.ram, head, written)?;
            if queue.wants_interrupt(self.ram)? {
                *self.interrupt |= USED_BUFFER;
            }
        }
        Ok(())
    }
}
