//! The virtio entropy device (virtio 1.2, 5.4): asked once, at start-up, to stir the random numbers.
//!
//! Nobody waits for it: its bytes join when they come.

use alloc::boxed::Box;

use abi::Errno;

use super::mmio::Transport;
use super::queue::{Queue, Segment};
use crate::arch::irq::{self, Trigger};
use crate::mm::dma::DmaBuffer;
use crate::sync::SpinLock;

/// Bytes asked for.
const WANTED: usize = 64;

/// Takes over an entropy device.
pub fn attach(transport: Transport) -> Result<(), Errno> {
    transport.start(0)?;
    let mut queue = transport.queue(0, 2)?;
    let memory = DmaBuffer::new(WANTED)?;
    let segment = Segment {
        at: memory.phys(),
        len: WANTED as u32,
        for_device_to_write: true,
    };
    // SAFETY: the memory is kept until the device is done with it: the handler below owns it for good.
    unsafe { queue.add(&[segment]) };
    transport.drive();
    transport.notify(&queue);
    let irq = transport.irq();
    let state = SpinLock::new(c"entropy", (queue, memory));
    let handler = move || {
        transport.acknowledge_interrupt();
        let mut state = state.lock();
        let (queue, memory) = &mut *state;
        take(queue, memory);
    };
    irq::register(irq, c"virtio_rng", Trigger::Level, Box::new(handler));
    Ok(())
}

fn take(queue: &mut Queue, memory: &DmaBuffer) {
    while let Some((_, len)) = queue.take_used() {
        let mut bytes = [0; WANTED];
        // SAFETY: the device is done with the memory, which has room for `WANTED` bytes.
        unsafe {
            bytes
                .as_mut_ptr()
                .copy_from_nonoverlapping(memory.as_ptr(), WANTED)
        };
        crate::random::add_entropy(&bytes[..len.min(WANTED)]);
    }
}
