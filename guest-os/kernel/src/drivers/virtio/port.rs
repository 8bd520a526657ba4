//! One port of a virtio console: a device of bytes in both directions.
//!
//! # Input is pulled
//!
//! The device may fill a buffer whenever it has one, so a buffer posted in advance would take input that no
//! program has asked for. Therefore one is posted only while a process reads, of the size it asks for (64 KiB at
//! most). It comes back with bytes, or empty: that is the end of the file, as is the host's closing of its side.
//! A reader that is interrupted leaves its buffer posted, since a queue cannot take it back; the next
//! reader waits for that one. What a reader cannot use is kept for the next.
//!
//! # Output is waited for
//!
//! A write is over when the device has used its buffer, so a slow host slows the writer down.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use abi::Errno;

use super::mmio::Transport;
use super::queue::{Queue, Segment};
use crate::fs::devfs::Device;
use crate::fs::inode::Wait;
use crate::fs::poll;
use crate::fs::transfer::{Sink, Source};
use crate::mm::address::PAGE_SIZE;
use crate::mm::dma::DmaBuffer;
use crate::sync::{SpinLock, WaitQueue};

/// Most bytes of one buffer.
const MAX_BUFFER: usize = 64 * 1024;

/// A port.
pub struct Port {
    transport: Arc<Transport>,
    receive: SpinLock<Receive>,
    /// Processes that wait for input.
    readers: WaitQueue,
    transmit: SpinLock<Transmit>,
    /// Processes that wait for their output to be taken.
    writers: WaitQueue,
}

struct Receive {
    queue: Queue,
    /// The buffer that the device has.
    posted: Option<DmaBuffer>,
    /// What has come and nobody has read yet.
    arrived: Option<(DmaBuffer, Range<usize>)>,
    /// The device has given an empty buffer back.
    at_end: bool,
    /// The host has closed its side.
    closed: bool,
}

struct Transmit {
    queue: Queue,
    /// Writes the device has not taken yet: head and ticket.
    under_way: Vec<(u16, u64)>,
    next_ticket: u64,
}

impl Port {
    /// A port with its two queues, which are empty.
    pub(super) fn new(transport: Arc<Transport>, receive: Queue, transmit: Queue) -> Self {
        let receive = Receive {
            queue: receive,
            posted: None,
            arrived: None,
            at_end: false,
            closed: false,
        };
        let transmit = Transmit {
            queue: transmit,
            under_way: Vec::new(),
            next_ticket: 0,
        };
        Port {
            transport,
            receive: SpinLock::new(c"port_receive", receive),
            readers: WaitQueue::new(c"port_read"),
            transmit: SpinLock::new(c"port_transmit", transmit),
            writers: WaitQueue::new(c"port_write"),
        }
    }

    /// Takes back what the device is done with. Runs in interrupt context.
    pub(super) fn collect(&self) {
        let mut transmit = self.transmit.lock();
        let mut taken = false;
        while let Some((head, _)) = transmit.queue.take_used() {
            transmit.under_way.retain(|(h, _)| *h != head);
            taken = true;
        }
        drop(transmit);
        if taken {
            self.writers.wake_all();
        }
        if self.receive.lock().collect() {
            self.readers.wake_all();
            poll::something_changed();
        }
    }

    /// The host has opened or closed its side.
    pub(super) fn set_host_open(&self, open: bool) {
        self.receive.lock().closed = !open;
        self.readers.wake_all();
        poll::something_changed();
    }

    /// Sends one buffer of bytes and waits until the device has taken it.
    fn send(&self, buffer: &DmaBuffer, len: usize) {
        let segment = Segment {
            at: buffer.phys(),
            len: len as u32,
            for_device_to_write: false,
        };
        let mut transmit = self.transmit.lock();
        let ticket = loop {
            // SAFETY: this function keeps the caller, and with it the buffer, until the device is done.
            match unsafe { transmit.submit(segment) } {
                Some(ticket) => break ticket,
                None => transmit = self.writers.sleep_uninterruptible(transmit),
            }
        };
        self.transport.notify(&transmit.queue);
        while transmit.under_way.iter().any(|(_, t)| *t == ticket) {
            transmit = self.writers.sleep_uninterruptible(transmit);
        }
    }
}

impl Receive {
    /// Notes what has come; tells whether something has.
    fn collect(&mut self) -> bool {
        let Some((_, len)) = self.queue.take_used() else {
            return false;
        };
        let Some(buffer) = self.posted.take() else {
            return false;
        };
        if len == 0 {
            self.at_end = true;
        } else {
            let len = len.min(buffer.size());
            self.arrived = Some((buffer, 0..len));
        }
        true
    }

    /// Gives the device a buffer to fill with at most `len` bytes.
    fn post(&mut self, buffer: DmaBuffer, len: usize) {
        let segment = Segment {
            at: buffer.phys(),
            len: len as u32,
            for_device_to_write: true,
        };
        // SAFETY: the buffer is kept in `posted` until the device gives it back.
        if unsafe { self.queue.add(&[segment]) }.is_some() {
            self.posted = Some(buffer);
        }
    }
}

impl Transmit {
    /// Hands a buffer to the device; gives the write's ticket, `None` if the queue is full.
    ///
    /// # Safety
    /// The buffer must stay until the ticket is no longer under way.
    unsafe fn submit(&mut self, segment: Segment) -> Option<u64> {
        // SAFETY: promised by the caller.
        let head = unsafe { self.queue.add(&[segment]) }?;
        self.next_ticket += 1;
        self.under_way.push((head, self.next_ticket));
        Some(self.next_ticket)
    }
}

/// A buffer for `len` bytes; a smaller one if memory is too fragmented for it.
fn new_buffer(len: usize) -> Result<(DmaBuffer, usize), Errno> {
    let len = len.min(MAX_BUFFER);
    DmaBuffer::new(len)
        .map(|buffer| (buffer, len))
        .or_else(|_| {
            let len = len.min(PAGE_SIZE);
            DmaBuffer::new(len).map(|buffer| (buffer, len))
        })
}

impl Device for Port {
    fn read(&self, _at: u64, to: &mut Sink, wait: Wait) -> Result<(), Errno> {
        if to.room() == 0 {
            return Ok(());
        }
        let mut fresh = Some(new_buffer(to.room())?);
        let mut receive = self.receive.lock();
        let (buffer, mut bytes) = loop {
            if let Some(arrived) = receive.arrived.take() {
                break arrived;
            }
            if receive.closed || core::mem::take(&mut receive.at_end) {
                return Ok(());
            }
            if receive.posted.is_none()
                && let Some((buffer, len)) = fresh.take()
            {
                receive.post(buffer, len);
                self.transport.notify(&receive.queue);
            }
            if wait == Wait::Never {
                return Err(Errno::EAGAIN);
            }
            receive = self.readers.sleep(receive)?;
        };
        drop(receive);
        let len = bytes.len();
        // SAFETY: the device is done with the buffer, and `bytes` lies in it.
        let arrived = unsafe { core::slice::from_raw_parts(buffer.as_ptr().add(bytes.start), len) };
        let put = to.put(arrived);
        bytes.start += *put.as_ref().unwrap_or(&0);
        if !bytes.is_empty() {
            self.receive.lock().arrived = Some((buffer, bytes));
            self.readers.wake_all();
        }
        put.map(drop)
    }

    fn write(&self, _at: u64, from: &mut Source, _wait: Wait) -> Result<(), Errno> {
        while from.left() > 0 {
            let (buffer, len) = new_buffer(from.left())?;
            // SAFETY: the buffer is ours alone, and has room for `len` bytes.
            let bytes = unsafe { core::slice::from_raw_parts_mut(buffer.as_ptr(), len) };
            let count = from.take(bytes)?;
            self.send(&buffer, count);
        }
        Ok(())
    }
}
