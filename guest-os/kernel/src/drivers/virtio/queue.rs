//! Split virtqueues: the mailbox between a driver and its device (virtio 1.2, 2.7).
//!
//! A queue is three arrays in memory that both sides see:
//!
//! ```text
//!  descriptors (2.7.5)             available ring (2.7.6)       used ring (2.7.8)
//!  the driver writes               the driver writes            the device writes
//!  +------+-----+-------+------+   +-------+-----------+        +-------+-----------------+
//!  | addr | len | flags | next |   | index | heads ... |        | index | (head, len) ... |
//!  +------+-----+-------+------+   +-------+-----------+        +-------+-----------------+
//! ```
//!
//! 1. `add` describes one request as a chain of memory segments, those the device reads before those it
//!    writes, puts the chain's head into the available ring, and then moves the ring's index: the device
//!    owns the chain from that store on.
//! 2. The driver notifies the device (`Transport::notify`).
//! 3. The device puts (head, bytes written) into the used ring, moves its index, and interrupts.
//! 4. `take_used` gives the finished heads one by one and returns their descriptors to the free list.
//!
//! Both indices count up for ever, modulo 2^16; a slot is the index modulo the size. The index must be
//! stored after the slot, and loaded before it: release and acquire fences do that.
//!
//! The head is the driver's name for the request: it stays taken until `take_used` gave it back.
//! The memory of a request must stay until then too, because the device may write it at any time.

use core::sync::atomic::{Ordering, fence};

use abi::Errno;

use crate::mm::address::PhysAddr;
use crate::mm::dma::DmaBuffer;

/// A piece of memory for the device.
#[derive(Clone, Copy)]
pub struct Segment {
    /// Where it is.
    pub at: PhysAddr,
    /// Bytes.
    pub len: u32,
    /// Whether the device writes it (it reads it otherwise).
    pub for_device_to_write: bool,
}

/// `struct virtq_desc`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Descriptor {
    at: u64,
    len: u32,
    flags: u16,
    next: u16,
}

/// `struct virtq_used_elem`.
#[repr(C)]
#[derive(Clone, Copy)]
struct UsedElement {
    head: u32,
    len: u32,
}

/// Flags of a descriptor: another follows; the device writes.
const F_NEXT: u16 = 1;
const F_WRITE: u16 = 2;
/// Bytes before the slots of either ring: flags and index.
const RING_HEADER: usize = 4;

/// One queue, with its free descriptors linked through `next`.
pub struct Queue {
    index: u16,
    size: u16,
    memory: DmaBuffer,
    free_head: u16,
    free_count: u16,
    /// The available ring's index, as we last stored it.
    available: u16,
    /// How far we have read the used ring.
    seen: u16,
}

impl Queue {
    /// An empty queue of `size` entries, a power of two.
    pub(super) fn new(index: u16, size: u16) -> Result<Self, Errno> {
        let used_at = Self::used_offset(size);
        let bytes = used_at + RING_HEADER + usize::from(size) * size_of::<UsedElement>();
        let queue = Queue {
            index,
            size,
            memory: DmaBuffer::new(bytes)?,
            free_head: 0,
            free_count: size,
            available: 0,
            seen: 0,
        };
        for i in 0..size {
            queue.set_descriptor(
                i,
                Descriptor {
                    at: 0,
                    len: 0,
                    flags: 0,
                    next: (i + 1) % size,
                },
            );
        }
        Ok(queue)
    }

    const fn available_offset(size: u16) -> usize {
        size as usize * size_of::<Descriptor>()
    }

    /// The used ring is aligned to 4 bytes.
    const fn used_offset(size: u16) -> usize {
        (Self::available_offset(size) + RING_HEADER + 2 * size as usize).next_multiple_of(4)
    }

    /// Which of the device's queues it is.
    pub fn index(&self) -> u16 {
        self.index
    }

    /// Entries.
    pub fn size(&self) -> u16 {
        self.size
    }

    /// Descriptors that are free.
    pub fn room(&self) -> usize {
        self.free_count.into()
    }

    /// Physical addresses of descriptors, available ring and used ring.
    pub(super) fn areas(&self) -> (PhysAddr, PhysAddr, PhysAddr) {
        let start = self.memory.phys();
        (
            start,
            start.plus(Self::available_offset(self.size) as u64),
            start.plus(Self::used_offset(self.size) as u64),
        )
    }

    /// Describes a request to the device. The result names it until `take_used` gives it back; `None`
    /// means that there are not enough free descriptors.
    ///
    /// # Safety
    /// The segments must stay valid, and those the device writes unused by others, until then.
    pub unsafe fn add(&mut self, segments: &[Segment]) -> Option<u16> {
        if segments.is_empty() || segments.len() > self.room() {
            return None;
        }
        let head = self.free_head;
        for (i, segment) in segments.iter().enumerate() {
            let slot = self.free_head;
            let next = self.descriptor(slot).next;
            let more = if i + 1 < segments.len() { F_NEXT } else { 0 };
            let write = if segment.for_device_to_write {
                F_WRITE
            } else {
                0
            };
            self.set_descriptor(
                slot,
                Descriptor {
                    at: segment.at.get(),
                    len: segment.len,
                    flags: more | write,
                    next,
                },
            );
            self.free_head = next;
        }
        self.free_count -= segments.len() as u16;
        let ring = Self::available_offset(self.size);
        self.set(
            ring + RING_HEADER + 2 * usize::from(self.available % self.size),
            head,
        );
        self.available = self.available.wrapping_add(1);
        fence(Ordering::Release);
        self.set(ring + 2, self.available);
        // The notification is a store to a register; it must come after the index in memory.
        fence(Ordering::SeqCst);
        Some(head)
    }

    /// The next finished request and how many bytes the device wrote.
    ///
    /// A device that names a head outside the queue is broken; such entries are dropped.
    pub fn take_used(&mut self) -> Option<(u16, usize)> {
        let ring = Self::used_offset(self.size);
        while self.get::<u16>(ring + 2) != self.seen {
            fence(Ordering::Acquire);
            let slot = usize::from(self.seen % self.size);
            let element: UsedElement =
                self.get(ring + RING_HEADER + slot * size_of::<UsedElement>());
            self.seen = self.seen.wrapping_add(1);
            if let Some(head) = u16::try_from(element.head).ok().filter(|h| *h < self.size) {
                self.release(head);
                return Some((head, element.len as usize));
            }
        }
        None
    }

    /// Puts a chain back into the free list.
    fn release(&mut self, head: u16) {
        let mut last = head;
        let mut count = 1;
        while self.descriptor(last).flags & F_NEXT != 0 && count < self.size {
            last = self.descriptor(last).next;
            count += 1;
        }
        let end = self.descriptor(last);
        self.set_descriptor(
            last,
            Descriptor {
                flags: 0,
                next: self.free_head,
                ..end
            },
        );
        self.free_head = head;
        self.free_count += count;
    }

    fn descriptor(&self, slot: u16) -> Descriptor {
        self.get(usize::from(slot) * size_of::<Descriptor>())
    }

    fn set_descriptor(&self, slot: u16, to: Descriptor) {
        self.set(usize::from(slot) * size_of::<Descriptor>(), to);
    }

    fn get<T: Copy>(&self, offset: usize) -> T {
        debug_assert!(offset + size_of::<T>() <= self.memory.size());
        // SAFETY: inside the queue's memory, aligned by the layout; plain integers.
        unsafe { self.memory.as_ptr().add(offset).cast::<T>().read_volatile() }
    }

    fn set<T: Copy>(&self, offset: usize, value: T) {
        debug_assert!(offset + size_of::<T>() <= self.memory.size());
        // SAFETY: as for `get`.
        unsafe {
            self.memory
                .as_ptr()
                .add(offset)
                .cast::<T>()
                .write_volatile(value)
        };
    }
}
