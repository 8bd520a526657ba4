//! A small driver for the unit tests: it lays out one split queue in RAM and plays the guest's part of it.

use super::{Backend, Mmio, Queue};
use base::{Device, Io, Phys, Ram, Time, Width};

/// The driver's side of one queue: its table, avail ring and used ring at fixed places of 1 MiB of RAM.
pub struct Driver {
    pub ram: Ram,
    pub now: Time,
    base: u64,
    size: u16,
    next: u16,
    avail: u16,
    used: u16,
}

impl Driver {
    /// A queue of `size` entries at 0x1000.
    pub fn new(size: u16) -> Self {
        Self {
            ram: Ram::new(Phys(0), 1 << 20),
            now: Time(0),
            base: 0x1000,
            size,
            next: 0,
            avail: 0,
            used: 0,
        }
    }

    /// The rings of the queue numbered `index` stand at 0x1000 * (index + 1).
    pub fn select(&mut self, index: u64) -> &mut Self {
        let base = 0x1000 * (index + 1);
        if base != self.base {
            // The indices live in the rings, so that any number of queues can be played in turn.
            self.base = base;
            self.avail = self.read(self.avail_at() + 2, Width::B2) as u16;
            self.next = self.avail * 4 % self.size;
            self.used = self.read(self.used_at() + 2, Width::B2) as u16;
        }
        self
    }

    fn avail_at(&self) -> u64 {
        self.base + 0x400
    }

    fn used_at(&self) -> u64 {
        self.base + 0x800
    }

    pub fn io(&mut self) -> Io<'_> {
        Io {
            ram: &mut self.ram,
            now: self.now,
        }
    }

    fn read(&self, addr: u64, width: Width) -> u64 {
        self.ram.read(Phys(addr), width).expect("test memory")
    }

    fn write(&mut self, addr: u64, width: Width, value: u64) {
        self.ram
            .write(Phys(addr), width, value)
            .expect("test memory");
    }

    pub fn fill(&mut self, addr: u64, bytes: &[u8]) {
        self.ram
            .write_bytes(Phys(addr), bytes)
            .expect("test memory");
    }

    pub fn bytes(&self, addr: u64, len: u64) -> Vec<u8> {
        self.ram
            .slice(Phys(addr), len)
            .expect("test memory")
            .to_vec()
    }

    /// The device's side of this queue, enabled.
    pub fn queue(&self) -> Queue {
        let mut queue = Queue::new(self.size);
        queue.ready = true;
        queue.descriptors = self.base;
        queue.avail = self.avail_at();
        queue.used = self.used_at();
        queue
    }

    /// Writes a descriptor (address, length, flags, next) into a table.
    pub fn descriptor_at(
        &mut self,
        table: u64,
        index: u16,
        (addr, len, flags, next): (u64, u32, u16, u16),
    ) {
        let at = table + 16 * u64::from(index);
        self.write(at, Width::B8, addr);
        let rest = u64::from(len) | u64::from(flags) << 32 | u64::from(next) << 48;
        self.write(at + 8, Width::B8, rest);
    }

    /// Writes a descriptor of the queue's own table.
    pub fn raw(&mut self, index: u16, descriptor: (u64, u32, u16, u16)) {
        self.descriptor_at(self.base, index, descriptor);
    }

    /// Makes the chain at `head` available.
    pub fn post(&mut self, head: u16) {
        let slot = self.avail_at() + 4 + 2 * u64::from(self.avail % self.size);
        self.write(slot, Width::B2, head.into());
        self.avail_index(self.avail.wrapping_add(1));
    }

    pub fn avail_index(&mut self, index: u16) {
        self.avail = index;
        self.write(self.avail_at() + 2, Width::B2, index.into());
    }

    /// Makes a chain of buffers (address, length, device may write) available, and gives its head.
    pub fn offer(&mut self, buffers: &[(u64, u32, bool)]) -> u16 {
        let head = self.next;
        for (index, &(addr, len, writable)) in buffers.iter().enumerate() {
            let (here, following) = (self.next, (self.next + 1) % self.size);
            let more = u16::from(index + 1 < buffers.len());
            self.raw(
                here,
                (addr, len, more | u16::from(writable) << 1, following),
            );
            self.next = following;
        }
        self.post(head);
        head
    }

    /// What has been used since the last call: heads and bytes written.
    pub fn used(&mut self) -> Vec<(u16, u32)> {
        let index = self.read(self.used_at() + 2, Width::B2) as u16;
        let mut found = Vec::new();
        while self.used != index {
            let slot = self.used_at() + 4 + 8 * u64::from(self.used % self.size);
            let element = self.read(slot, Width::B8);
            found.push((element as u16, (element >> 32) as u32));
            self.used = self.used.wrapping_add(1);
        }
        found
    }

    pub fn used_event(&mut self, index: u16) {
        let at = self.avail_at() + 4 + 2 * u64::from(self.size);
        self.write(at, Width::B2, index.into());
    }

    pub fn avail_event(&self) -> u16 {
        self.read(self.used_at() + 4 + 8 * u64::from(self.size), Width::B2) as u16
    }

    pub fn read32<B: Backend>(&mut self, device: &mut Mmio<B>, offset: u64) -> u32 {
        device.read(offset, Width::B4, &mut self.io()) as u32
    }

    pub fn write32<B: Backend>(&mut self, device: &mut Mmio<B>, offset: u64, value: u32) {
        device.write(offset, Width::B4, value.into(), &mut self.io());
    }

    /// Initialises the device as 3.1.1 says, with `features` accepted and the first `queues` queues set up.
    pub fn start<B: Backend>(&mut self, device: &mut Mmio<B>, features: u64, queues: u32) {
        for status in [0, 1, 3] {
            self.write32(device, 0x70, status);
        }
        for (select, half) in [(0, features), (1, features >> 32)] {
            self.write32(device, 0x24, select);
            self.write32(device, 0x20, half as u32);
        }
        self.write32(device, 0x70, 0xb);
        for index in 0..queues {
            self.select(index.into());
            let rings = [
                (0x80, self.base),
                (0x90, self.avail_at()),
                (0xa0, self.used_at()),
            ];
            self.write32(device, 0x30, index);
            self.write32(device, 0x38, self.size.into());
            for (register, addr) in rings {
                self.write32(device, register, addr as u32);
                self.write32(device, register + 4, 0);
            }
            self.write32(device, 0x44, 1);
        }
        self.select(0);
        self.write32(device, 0x70, 0xf);
    }

    pub fn notify<B: Backend>(&mut self, device: &mut Mmio<B>, queue: u32) {
        self.write32(device, 0x50, queue);
    }

    /// Lets time pass until the device has nothing left to do.
    pub fn settle<B: Backend>(&mut self, device: &mut Mmio<B>) {
        while device.deadline() != Time::NEVER {
            self.now = self.now.max(device.deadline());
            device.advance(&mut self.io());
        }
    }
}
