//! The memory-mapped transport of virtio devices, version 2 (virtio 1.2, 4.2).
//!
//! A `Transport` is the block of registers of one device. `discover` lists those that exist;
//! `start` follows the initialisation sequence of section 3.1.1 up to `FEATURES_OK`, the driver then
//! gives it queues and calls `drive`.

use abi::Errno;
use kcore::cmdline::VirtioMmio;

use super::queue::Queue;
use crate::arch::mmio;
use crate::mm::address::PhysAddr;
use crate::mm::map_mmio;

/// Registers by offset (virtio 1.2, table 4.1).
#[derive(Clone, Copy)]
enum Register {
    MagicValue = 0x000,
    Version = 0x004,
    DeviceId = 0x008,
    DeviceFeatures = 0x010,
    DeviceFeaturesSel = 0x014,
    DriverFeatures = 0x020,
    DriverFeaturesSel = 0x024,
    QueueSel = 0x030,
    QueueNumMax = 0x034,
    QueueNum = 0x038,
    QueueReady = 0x044,
    QueueNotify = 0x050,
    InterruptStatus = 0x060,
    InterruptAck = 0x064,
    Status = 0x070,
    QueueDescLow = 0x080,
    QueueDescHigh = 0x084,
    QueueDriverLow = 0x090,
    QueueDriverHigh = 0x094,
    QueueDeviceLow = 0x0a0,
    QueueDeviceHigh = 0x0a4,
}

/// Where the device's own configuration begins.
const CONFIG: usize = 0x100;
/// "virt".
const MAGIC: u32 = 0x7472_6976;
const VERSION: u32 = 2;

/// Bits of the status register (virtio 1.2, 2.1).
const ACKNOWLEDGE: u32 = 1;
const DRIVER: u32 = 2;
const DRIVER_OK: u32 = 4;
const FEATURES_OK: u32 = 8;
const FAILED: u32 = 128;

/// The feature every modern device has: VIRTIO_F_VERSION_1.
const F_VERSION_1: u64 = 1 << 32;

/// The registers of one device.
pub struct Transport {
    registers: *mut u8,
    /// Physical address, which names the device in messages.
    at: u64,
    /// Interrupt line.
    irq: u32,
    device_id: u32,
}

// SAFETY: registers may be accessed from any CPU; drivers serialise what must not be mixed.
unsafe impl Send for Transport {}
// SAFETY: as above.
unsafe impl Sync for Transport {}

/// The devices among the places that the loader announced; empty slots (device id 0) are left out.
pub fn discover(places: &[VirtioMmio]) -> impl Iterator<Item = Transport> + '_ {
    places.iter().filter_map(|place| {
        let size = usize::try_from(place.size)
            .ok()
            .filter(|s| (CONFIG..=0x1000).contains(s))?;
        let Ok(registers) = map_mmio(PhysAddr::new(place.base), size) else {
            crate::warning!("no virtio device can be at {:#x}", place.base);
            return None;
        };
        let mut found = Transport {
            registers,
            at: place.base,
            irq: place.irq,
            device_id: 0,
        };
        if found.read(Register::MagicValue) != MAGIC {
            return None;
        }
        if found.read(Register::Version) != VERSION {
            crate::warning!("virtio device at {:#x}: not version 2, ignored", place.base);
            return None;
        }
        found.device_id = found.read(Register::DeviceId);
        (found.device_id != 0).then_some(found)
    })
}

impl Transport {
    fn read(&self, register: Register) -> u32 {
        // SAFETY: an aligned register within the mapped block.
        unsafe { mmio::read32(self.registers.add(register as usize).cast()) }
    }

    fn write(&self, register: Register, value: u32) {
        // SAFETY: as for `read`.
        unsafe { mmio::write32(self.registers.add(register as usize).cast(), value) };
    }

    fn write_pair(&self, low: Register, high: Register, value: u64) {
        self.write(low, value as u32);
        self.write(high, (value >> 32) as u32);
    }

    /// What kind of device it is (virtio 1.2, 5).
    pub fn device_id(&self) -> u32 {
        self.device_id
    }

    /// Its interrupt line.
    pub fn irq(&self) -> u32 {
        self.irq
    }

    /// The physical address of its registers.
    pub fn address(&self) -> u64 {
        self.at
    }

    /// Resets the device and agrees on features: those of `wanted` that it offers, which are returned.
    pub fn start(&self, wanted: u64) -> Result<u64, Errno> {
        self.write(Register::Status, 0);
        self.write(Register::Status, ACKNOWLEDGE);
        self.write(Register::Status, ACKNOWLEDGE | DRIVER);
        let mut offered = 0;
        for half in 0..2 {
            self.write(Register::DeviceFeaturesSel, half);
            offered |= u64::from(self.read(Register::DeviceFeatures)) << (32 * half);
        }
        let agreed = offered & (wanted | F_VERSION_1);
        for half in 0..2 {
            self.write(Register::DriverFeaturesSel, half);
            self.write(Register::DriverFeatures, (agreed >> (32 * half)) as u32);
        }
        self.write(Register::Status, ACKNOWLEDGE | DRIVER | FEATURES_OK);
        if agreed & F_VERSION_1 == 0 || self.read(Register::Status) & FEATURES_OK == 0 {
            self.write(Register::Status, FAILED);
            return Err(Errno::ENODEV);
        }
        Ok(agreed)
    }

    /// Makes queue `index` with at most `size` entries; `ENODEV` if the device has no such queue.
    pub fn queue(&self, index: u16, size: u16) -> Result<Queue, Errno> {
        self.write(Register::QueueSel, index.into());
        let most = self.read(Register::QueueNumMax).min(size.into()) as u16;
        if most == 0 || self.read(Register::QueueReady) != 0 {
            return Err(Errno::ENODEV);
        }
        // A queue's size is a power of two (virtio 1.2, 2.7).
        let queue = Queue::new(index, 1 << most.ilog2())?;
        self.write(Register::QueueNum, queue.size().into());
        let (descriptors, driver, device) = queue.areas();
        self.write_pair(
            Register::QueueDescLow,
            Register::QueueDescHigh,
            descriptors.get(),
        );
        self.write_pair(
            Register::QueueDriverLow,
            Register::QueueDriverHigh,
            driver.get(),
        );
        self.write_pair(
            Register::QueueDeviceLow,
            Register::QueueDeviceHigh,
            device.get(),
        );
        self.write(Register::QueueReady, 1);
        Ok(queue)
    }

    /// Initialisation is over: the device may work.
    pub fn drive(&self) {
        self.write(
            Register::Status,
            ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK,
        );
    }

    /// Tells the device that there is something new in a queue.
    pub fn notify(&self, queue: &Queue) {
        self.write(Register::QueueNotify, queue.index().into());
    }

    /// Lowers the interrupt line.
    pub fn acknowledge_interrupt(&self) {
        let reasons = self.read(Register::InterruptStatus);
        self.write(Register::InterruptAck, reasons);
    }

    /// A 32-bit word of the device's configuration.
    pub fn config_u32(&self, offset: usize) -> u32 {
        // SAFETY: drivers read aligned words within the configuration that the standard gives their device,
        // and the mapping covers the whole page.
        unsafe { mmio::read32(self.registers.add(CONFIG + offset).cast()) }
    }

    /// A 64-bit word of the device's configuration, in two halves as section 4.2.2.2 asks. What drivers
    /// read here (a disk's size) does not change under them.
    pub fn config_u64(&self, offset: usize) -> u64 {
        u64::from(self.config_u32(offset)) | u64::from(self.config_u32(offset + 4)) << 32
    }
}
