//! Split virtqueues (2.7), read with the eyes of somebody who trusts no driver.
//!
//! Key types: [`Queue`] walks the three rings in guest memory; a [`Chain`] is one request's buffers, each [`Span`]
//! of which has been checked to be RAM. A chain is bounded in descriptors and bytes, so a loop is found by its
//! length. What is wrong becomes a [`QueueError`], and the transport asks for a reset.

use base::{Codec, CodecError, Phys, Ram, State, Width};
use std::fmt;

/// Descriptor flags (2.7.5).
const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

/// Bytes of a descriptor.
const DESCRIPTOR: u64 = 16;

/// The longest chain that an indirect table may hold: QEMU's limit, which drivers know.
const LONGEST_CHAIN: u64 = 1024;

/// The most bytes of one chain (2.7.5: "not longer than 2^32 bytes in total"); ours is lower, to bound the host's work.
const MOST_BYTES: u64 = 64 << 20;

/// Avail ring flag: the driver wants no interrupts (2.7.6).
const NO_INTERRUPT: u64 = 1;

/// How a driver broke the rules of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueError(pub &'static str);

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for QueueError {}

/// A buffer in guest memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Its first byte.
    pub addr: Phys,
    /// Its bytes.
    pub len: u32,
}

/// One request: what the device may read, then what it may write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// The number of its first descriptor, by which it is given back.
    pub head: u16,
    /// Buffers from the driver.
    pub readable: Vec<Span>,
    /// Buffers for the driver.
    pub writable: Vec<Span>,
}

impl Chain {
    /// Bytes that the device may read.
    pub fn readable_len(&self) -> u64 {
        self.readable.iter().map(|span| u64::from(span.len)).sum()
    }

    /// Bytes that the device may write.
    pub fn writable_len(&self) -> u64 {
        self.writable.iter().map(|span| u64::from(span.len)).sum()
    }

    /// `len` bytes of the readable part from byte `skip`, or fewer at its end.
    pub fn gather(&self, ram: &Ram, skip: u64, len: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (addr, part) in pieces(&self.readable, skip, len) {
            bytes.extend_from_slice(ram.slice(addr, part).unwrap_or_default());
        }
        bytes
    }

    /// Writes `bytes` into the writable part at byte `skip`, as far as it reaches, and says how far that is.
    pub fn scatter(&self, ram: &mut Ram, skip: u64, bytes: &[u8]) -> u64 {
        let mut done = 0;
        for (addr, part) in pieces(&self.writable, skip, bytes.len() as u64) {
            ram.write_bytes(addr, &bytes[done as usize..(done + part) as usize]);
            done += part;
        }
        done
    }

    /// The chain for the state codec.
    pub(super) fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.u16(&mut self.head)?;
        for spans in [&mut self.readable, &mut self.writable] {
            codec.list(spans, |c, span| {
                c.u64(&mut span.addr.0)?;
                c.u32(&mut span.len)
            })?;
        }
        Ok(())
    }
}

/// The parts of `spans` that hold `len` bytes from byte `skip`.
fn pieces(spans: &[Span], mut skip: u64, mut len: u64) -> impl Iterator<Item = (Phys, u64)> {
    spans.iter().filter_map(move |span| {
        let skipped = skip.min(u64::from(span.len));
        skip -= skipped;
        let part = (u64::from(span.len) - skipped).min(len);
        len -= part;
        (part != 0).then_some((Phys(span.addr.0.wrapping_add(skipped)), part))
    })
}

/// One queue as the driver has set it up.
#[derive(Clone, Debug)]
pub struct Queue {
    /// The largest size offered.
    pub max: u16,
    /// The size chosen: a power of two.
    pub size: u16,
    /// Whether the driver has enabled it.
    pub ready: bool,
    /// The descriptor table's address.
    pub descriptors: u64,
    /// The avail ring's address.
    pub avail: u64,
    /// The used ring's address.
    pub used: u64,
    /// Whether the driver accepted [`super::feature::INDIRECT_DESC`] and [`super::feature::EVENT_IDX`].
    pub indirect: bool,
    /// See `indirect`.
    pub event_idx: bool,
    next_avail: u16,
    next_used: u16,
    /// The used index when the driver was last asked whether it wants an interrupt.
    asked_at: u16,
}

impl Queue {
    /// A queue of at most `max` entries that is not set up.
    pub const fn new(max: u16) -> Self {
        Self {
            max,
            size: max,
            ready: false,
            descriptors: 0,
            avail: 0,
            used: 0,
            indirect: false,
            event_idx: false,
            next_avail: 0,
            next_used: 0,
            asked_at: 0,
        }
    }

    /// The next available chain.
    pub fn pop(&mut self, ram: &mut Ram) -> Result<Option<Chain>, QueueError> {
        if !self.ready {
            return Ok(None);
        }
        let index = read16(ram, self.avail.wrapping_add(2))?;
        let waiting = index.wrapping_sub(self.next_avail);
        if waiting == 0 {
            if self.event_idx {
                // Tell us about the very next one (2.7.10).
                let event = self.used_entry(self.size);
                write(ram, event, Width::B2, self.next_avail.into())?;
            }
            return Ok(None);
        }
        if waiting > self.size {
            return Err(QueueError("the avail index ran ahead of the queue"));
        }
        let slot = u64::from(self.next_avail % self.size);
        let head = read16(ram, self.avail.wrapping_add(4 + 2 * slot))?;
        let chain = self.walk(ram, head)?;
        self.next_avail = self.next_avail.wrapping_add(1);
        Ok(Some(chain))
    }

    /// Puts the chain that began at `head` into the used ring.
    pub fn push_used(&mut self, ram: &mut Ram, head: u16, written: u32) -> Result<(), QueueError> {
        if !self.ready {
            return Ok(());
        }
        let entry = self.used_entry(self.next_used % self.size);
        let element = u64::from(head) | u64::from(written) << 32;
        write(ram, entry, Width::B8, element)?;
        self.next_used = self.next_used.wrapping_add(1);
        write(
            ram,
            self.used.wrapping_add(2),
            Width::B2,
            self.next_used.into(),
        )
    }

    /// Whether the driver wants to be interrupted for what was used since the last call (2.7.7).
    pub fn wants_interrupt(&mut self, ram: &Ram) -> Result<bool, QueueError> {
        if !self.ready {
            return Ok(false);
        }
        if !self.event_idx {
            return Ok(u64::from(read16(ram, self.avail)?) & NO_INTERRUPT == 0);
        }
        let event = read16(ram, self.avail.wrapping_add(4 + 2 * u64::from(self.size)))?;
        let passed = self.next_used.wrapping_sub(event).wrapping_sub(1);
        let used_since = self.next_used.wrapping_sub(self.asked_at);
        self.asked_at = self.next_used;
        Ok(passed < used_since)
    }

    /// Back to how it was before the driver set it up.
    pub fn reset(&mut self) {
        *self = Self::new(self.max);
    }

    const fn used_entry(&self, slot: u16) -> u64 {
        self.used.wrapping_add(4 + 8 * slot as u64)
    }

    /// Follows the chain from descriptor `head`, into an indirect table if it leads there.
    fn walk(&self, ram: &Ram, head: u16) -> Result<Chain, QueueError> {
        let mut chain = Chain {
            head,
            ..Chain::default()
        };
        let (mut table, mut entries) = (self.descriptors, u64::from(self.size));
        let (mut index, mut inside) = (u64::from(head), false);
        let (mut bytes, mut count) = (0, 0);
        loop {
            if index >= entries {
                return Err(QueueError("a descriptor number is beyond the table"));
            }
            count += 1;
            if count > entries {
                return Err(QueueError("a descriptor chain is a loop"));
            }
            let descriptor = Descriptor::read(ram, table, index)?;
            if descriptor.flags & INDIRECT != 0 {
                if inside || !self.indirect || descriptor.flags & NEXT != 0 {
                    return Err(QueueError("an indirect descriptor is not allowed here"));
                }
                table = descriptor.addr;
                entries = u64::from(descriptor.len) / DESCRIPTOR;
                if !u64::from(descriptor.len).is_multiple_of(DESCRIPTOR) || entries > LONGEST_CHAIN
                {
                    return Err(QueueError("an indirect table has a bad length"));
                }
                (index, inside, count) = (0, true, 0);
                continue;
            }
            bytes += u64::from(descriptor.len);
            if bytes > MOST_BYTES {
                return Err(QueueError("a descriptor chain holds too many bytes"));
            }
            let span = Span {
                addr: Phys(descriptor.addr),
                len: descriptor.len,
            };
            if ram.offset(span.addr, u64::from(span.len)).is_none() {
                return Err(QueueError("a buffer is not in memory"));
            }
            if descriptor.flags & WRITE != 0 {
                chain.writable.push(span);
            } else if chain.writable.is_empty() {
                chain.readable.push(span);
            } else {
                return Err(QueueError("a readable buffer follows a writable one"));
            }
            if descriptor.flags & NEXT == 0 {
                return Ok(chain);
            }
            index = u64::from(descriptor.next);
        }
    }
}

/// One entry of a descriptor table (2.7.5).
struct Descriptor {
    addr: u64,
    len: u32,
    flags: u16,
    next: u16,
}

impl Descriptor {
    fn read(ram: &Ram, table: u64, index: u64) -> Result<Self, QueueError> {
        let at = table.wrapping_add(index * DESCRIPTOR);
        let rest = read(ram, at.wrapping_add(8), Width::B8)?;
        Ok(Self {
            addr: read(ram, at, Width::B8)?,
            len: rest as u32,
            flags: (rest >> 32) as u16,
            next: (rest >> 48) as u16,
        })
    }
}

const OUTSIDE: QueueError = QueueError("a ring is not in memory");

fn read(ram: &Ram, addr: u64, width: Width) -> Result<u64, QueueError> {
    ram.read(Phys(addr), width).ok_or(OUTSIDE)
}

fn read16(ram: &Ram, addr: u64) -> Result<u16, QueueError> {
    read(ram, addr, Width::B2).map(|value| value as u16)
}

fn write(ram: &mut Ram, addr: u64, width: Width, value: u64) -> Result<(), QueueError> {
    ram.write(Phys(addr), width, value).ok_or(OUTSIDE)
}

impl State for Queue {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.u16(&mut self.size)?;
        if !self.size.is_power_of_two() || self.size > self.max {
            return Err(CodecError::BadValue {
                field: "queue size",
            });
        }
        codec.bool(&mut self.ready)?;
        codec.u64(&mut self.descriptors)?;
        codec.u64(&mut self.avail)?;
        codec.u64(&mut self.used)?;
        codec.bool(&mut self.indirect)?;
        codec.bool(&mut self.event_idx)?;
        codec.u16(&mut self.next_avail)?;
        codec.u16(&mut self.next_used)?;
        codec.u16(&mut self.asked_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::round_trip;
    use crate::virtio::testing::Driver;

    #[test]
    fn a_chain_gives_its_buffers_in_order_and_comes_back_used() {
        let mut driver = Driver::new(8);
        let mut queue = driver.queue();
        driver.fill(0x8000, b"hello ");
        driver.fill(0x9000, b"world");
        driver.offer(&[(0x8000, 6, false), (0x9000, 5, false), (0xa000, 16, true)]);
        let chain = queue
            .pop(&mut driver.ram)
            .unwrap()
            .expect("one is available");
        assert_eq!(chain.gather(&driver.ram, 0, 100), b"hello world");
        assert_eq!(chain.gather(&driver.ram, 4, 4), b"o wo");
        assert_eq!(chain.scatter(&mut driver.ram, 14, b"abc"), 2);
        assert_eq!(queue.pop(&mut driver.ram), Ok(None));
        queue.push_used(&mut driver.ram, chain.head, 7).unwrap();
        assert_eq!(driver.used(), [(chain.head, 7)]);
        assert_eq!(queue.wants_interrupt(&driver.ram), Ok(true));
    }

    #[test]
    fn an_indirect_table_is_followed_once() {
        let mut driver = Driver::new(8);
        let mut queue = driver.queue();
        queue.indirect = true;
        driver.descriptor_at(0x7000, 0, (0x8000, 4, NEXT, 1));
        driver.descriptor_at(0x7000, 1, (0x9000, 4, WRITE, 0));
        driver.raw(0, (0x7000, 32, INDIRECT, 0));
        driver.post(0);
        let chain = queue.pop(&mut driver.ram).unwrap().unwrap();
        assert_eq!((chain.readable_len(), chain.writable_len()), (4, 4));
        driver.descriptor_at(0x7100, 0, (0x8000, 4, 0, 0));
        driver.descriptor_at(0x7000, 1, (0x7100, 16, INDIRECT, 0));
        driver.post(0);
        assert!(queue.pop(&mut driver.ram).is_err());
    }

    #[test]
    fn hostile_rings_are_errors() {
        type Spoil = fn(&mut Driver, &mut Queue);
        let rows: [(&str, Spoil); 11] = [
            ("is a loop", |d, _| d.raw(0, (0x8000, 0, NEXT, 0))),
            ("beyond the table", |d, _| d.raw(0, (0x8000, 4, NEXT, 8))),
            ("not in memory", |d, _| d.raw(0, (0xf_ffff, 4, 0, 0))),
            ("not in memory", |d, _| d.raw(0, (u64::MAX, 4, 0, 0))),
            ("too many bytes", |d, _| d.raw(0, (0, u32::MAX, 0, 0))),
            ("not allowed here", |d, _| {
                d.raw(0, (0x7000, 16, INDIRECT, 0))
            }),
            ("bad length", |d, q| {
                q.indirect = true;
                d.raw(0, (0x7000, 15, INDIRECT, 0));
            }),
            ("bad length", |d, q| {
                q.indirect = true;
                d.raw(0, (0x7000, 1025 * 16, INDIRECT, 0));
            }),
            ("follows a writable", |d, _| {
                d.raw(0, (0x8000, 4, NEXT | WRITE, 1));
                d.raw(1, (0x8000, 4, 0, 0));
            }),
            ("ran ahead", |d, _| d.avail_index(9)),
            ("not in memory", |_, q| q.avail = 0xf_ffff),
        ];
        for (reason, spoil) in rows {
            let mut driver = Driver::new(8);
            let mut queue = driver.queue();
            driver.offer(&[(0x8000, 4, false)]);
            assert!(queue.clone().pop(&mut driver.ram).unwrap().is_some());
            spoil(&mut driver, &mut queue);
            let error = queue.pop(&mut driver.ram).expect_err(reason);
            assert!(error.0.contains(reason), "{error}, not {reason}");
        }
    }

    #[test]
    fn with_event_idx_an_interrupt_comes_when_the_index_is_passed() {
        let mut driver = Driver::new(8);
        let mut queue = driver.queue();
        queue.event_idx = true;
        driver.used_event(1);
        for wanted in [false, true, false] {
            queue.push_used(&mut driver.ram, 0, 0).unwrap();
            assert_eq!(queue.wants_interrupt(&driver.ram), Ok(wanted));
        }
        driver.offer(&[(0x8000, 4, false)]);
        assert!(queue.pop(&mut driver.ram).unwrap().is_some());
        assert_eq!(queue.pop(&mut driver.ram), Ok(None));
        assert_eq!(driver.avail_event(), 1);
    }

    #[test]
    fn the_state_comes_back() {
        let mut driver = Driver::new(8);
        let mut queue = driver.queue();
        queue.push_used(&mut driver.ram, 0, 0).unwrap();
        round_trip(&mut queue, &mut Queue::new(8));
    }
}
