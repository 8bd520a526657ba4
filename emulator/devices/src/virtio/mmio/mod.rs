//! The MMIO transport (4.2): the registers a driver finds at the device's 512 bytes. [`Vacant`] is one without a device.
//!
//! Key type: [`Mmio`]. It keeps the status, features and queues and hands the work to its [`Backend`]. Its registers are
//! those of version 2, at which drivers of the legacy habit, which never accept VERSION_1, are welcome, too; or, if it is
//! made [`Mmio::legacy`], those of version 1.

mod legacy;
mod register;
mod vacant;

pub use vacant::Vacant;

use super::link::{Link, MOST_CHAINS};
use super::queue::{Queue, QueueError};
use super::{Backend, feature};
use base::{Codec, CodecError, Device, Io, State, Time, Width};
use legacy::Legacy;
use register::{CONFIG, Register};

const MAGIC: u32 = 0x7472_6976;
/// Version 1 is called legacy, though its drivers live on in courses.
const VERSION: [u32; 2] = [2, 1];
/// QEMU's, which drivers have been seen to insist on.
const VENDOR: u32 = 0x554d_4551;

/// Device status (2.1).
mod status {
    pub const DRIVER_OK: u32 = 4;
    pub const FEATURES_OK: u32 = 8;
    pub const NEEDS_RESET: u32 = 64;
}

/// InterruptStatus: the configuration, or the status, has changed.
const CONFIG_CHANGED: u32 = 1 << 1;

/// What every backend offers beside its own features.
const TRANSPORT_FEATURES: u64 =
    feature::INDIRECT_DESC | feature::EVENT_IDX | feature::VERSION_1 | feature::RING_RESET;

/// Features that version 1 has place for, but RING_RESET and VERSION_1, are the first 32.
const LEGACY_FEATURES: u64 = 0xffff_ffff;

/// A virtio device on the memory bus.
pub struct Mmio<B> {
    backend: B,
    queues: Vec<Queue>,
    device_features_sel: u32,
    driver_features_sel: u32,
    driver_features: u64,
    queue_sel: u32,
    status: u32,
    interrupt: u32,
    /// Why the device needs a reset; only for whoever explains it to a person.
    fault: Option<QueueError>,
    /// Version 1's registers, if the transport is of that version.
    legacy: Option<Legacy>,
}

impl<B: Backend> Mmio<B> {
    /// Puts `backend` on the bus.
    pub fn new(backend: B) -> Self {
        Self {
            queues: backend.queue_sizes().into_iter().map(Queue::new).collect(),
            backend,
            device_features_sel: 0,
            driver_features_sel: 0,
            driver_features: 0,
            queue_sel: 0,
            status: 0,
            interrupt: 0,
            fault: None,
            legacy: None,
        }
    }

    /// The same device behind a transport of version 1.
    pub fn legacy(mut self) -> Self {
        self.legacy = Some(Legacy::default());
        self
    }

    /// What the device does.
    pub const fn backend(&self) -> &B {
        &self.backend
    }

    /// What the device does, for changes that touch neither queue nor guest memory.
    pub const fn backend_mut(&mut self) -> &mut B {
        &mut self.backend
    }

    /// How the driver broke the rules, if the device has been out of order since.
    pub const fn fault(&self) -> Option<QueueError> {
        self.fault
    }

    /// Lets the backend work if the driver is ready, and stops the device if the driver broke the rules.
    pub(super) fn work<T: Default>(
        &mut self,
        io: &mut Io<'_>,
        work: impl FnOnce(&mut B, &mut Link<'_>) -> Result<T, QueueError>,
    ) -> T {
        if self.status & (status::DRIVER_OK | status::NEEDS_RESET) != status::DRIVER_OK {
            return T::default();
        }
        let mut link = Link {
            queues: &mut self.queues,
            interrupt: &mut self.interrupt,
            budget: MOST_CHAINS,
            ram: io.ram,
            now: io.now,
        };
        work(&mut self.backend, &mut link).unwrap_or_else(|error| {
            self.fault = Some(error);
            self.status |= status::NEEDS_RESET;
            self.interrupt |= CONFIG_CHANGED;
            T::default()
        })
    }

    fn offered(&self) -> u64 {
        let features = self.backend.features() | TRANSPORT_FEATURES;
        match self.legacy {
            Some(_) => features & LEGACY_FEATURES,
            None => features,
        }
    }

    fn selected(&mut self) -> Option<&mut Queue> {
        self.queues.get_mut(self.queue_sel as usize)
    }

    fn reset(&mut self) {
        self.backend.reset();
        self.queues.iter_mut().for_each(Queue::reset);
        self.device_features_sel = 0;
        self.driver_features_sel = 0;
        self.driver_features = 0;
        self.queue_sel = 0;
        self.status = 0;
        self.interrupt = 0;
        self.fault = None;
        self.legacy = self.legacy.map(|_| Legacy::default());
    }

    fn write_status(&mut self, value: u32, io: &mut Io<'_>) {
        if value == 0 {
            return self.reset();
        }
        let before = self.status;
        self.status = value & 0xff & !status::NEEDS_RESET | before & status::NEEDS_RESET;
        // Features that were never offered are refused (3.1.1, step 5).
        if self.driver_features & !self.offered() != 0 {
            self.status &= !status::FEATURES_OK;
        }
        if self.status & !before & status::DRIVER_OK != 0 {
            for queue in &mut self.queues {
                queue.indirect = self.driver_features & feature::INDIRECT_DESC != 0;
                queue.event_idx = self.driver_features & feature::EVENT_IDX != 0;
            }
            self.backend.activate(self.driver_features);
            // Buffers may have been made available, and even notified, before this.
            for queue in 0..self.queues.len() {
                self.work(io, |backend, link| backend.notify(queue, link));
            }
        }
    }

    fn write_queue(&mut self, register: Register, value: u32) {
        let features = self.driver_features;
        let legacy = self.legacy;
        let Some(queue) = self.queues.get_mut(self.queue_sel as usize) else {
            return;
        };
        let low = |old: u64| old & !0xffff_ffff | u64::from(value);
        let high = |old: u64| old & 0xffff_ffff | u64::from(value) << 32;
        match register {
            Register::QueueReady if legacy.is_none() => {
                queue.ready = value & 1 != 0;
                // A queue that was reset on its own is set up again while the driver runs.
                queue.indirect = features & feature::INDIRECT_DESC != 0;
                queue.event_idx = features & feature::EVENT_IDX != 0;
            }
            Register::QueuePfn => {
                if let Some(legacy) = legacy {
                    legacy.place(queue, value);
                    queue.indirect = features & feature::INDIRECT_DESC != 0;
                    queue.event_idx = features & feature::EVENT_IDX != 0;
                }
            }
            // What is in use stays as it is.
            _ if queue.ready => {}
            Register::QueueNum => {
                if let Ok(size) = u16::try_from(value)
                    && size.is_power_of_two()
                    && size <= queue.max
                {
                    queue.size = size;
                }
            }
            Register::QueueDescLow => queue.descriptors = low(queue.descriptors),
            Register::QueueDescHigh => queue.descriptors = high(queue.descriptors),
            Register::QueueDriverLow => queue.avail = low(queue.avail),
            Register::QueueDriverHigh => queue.avail = high(queue.avail),
            Register::QueueDeviceLow => queue.used = low(queue.used),
            Register::QueueDeviceHigh => queue.used = high(queue.used),
            _ => {}
        }
    }

    fn read_register(&mut self, register: Register) -> u32 {
        match register {
            Register::MagicValue => MAGIC,
            Register::Version => VERSION[usize::from(self.legacy.is_some())],
            Register::DeviceId => self.backend.device_id(),
            Register::VendorId => VENDOR,
            Register::DeviceFeatures => match self.device_features_sel {
                0 => self.offered() as u32,
                1 => (self.offered() >> 32) as u32,
                _ => 0,
            },
            Register::QueueNumMax => self.selected().map_or(0, |queue| queue.max.into()),
            Register::QueueReady => self.selected().map_or(0, |queue| queue.ready.into()),
            Register::QueuePfn => match (self.legacy, self.selected()) {
                (Some(legacy), Some(queue)) => legacy.page(queue),
                _ => 0,
            },
            Register::InterruptStatus => self.interrupt,
            Register::Status => self.status,
            // A region that does not exist has length and base -1 (4.2.2).
            Register::SharedMemory => u32::MAX,
            // Resetting a queue is over as soon as it was asked for, and no configuration changes by itself, so that
            // there is only one generation of it.
            _ => 0,
        }
    }

    fn write_register(&mut self, register: Register, value: u32, io: &mut Io<'_>) {
        match register {
            Register::DeviceFeaturesSel => self.device_features_sel = value,
            Register::DriverFeaturesSel => self.driver_features_sel = value,
            Register::DriverFeatures if self.status & status::FEATURES_OK == 0 => {
                let (old, value) = (self.driver_features, u64::from(value));
                self.driver_features = match self.driver_features_sel {
                    0 => old & !0xffff_ffff | value,
                    1 => old & 0xffff_ffff | value << 32,
                    _ => old,
                };
            }
            Register::QueueSel => self.queue_sel = value,
            Register::QueueNotify => {
                let queue = value as usize;
                if queue < self.queues.len() {
                    self.work(io, |backend, link| backend.notify(queue, link));
                }
            }
            Register::InterruptAck => self.interrupt &= !value,
            Register::Status => self.write_status(value, io),
            Register::QueueReset if value == 1 => {
                let index = self.queue_sel as usize;
                if let Some(queue) = self.queues.get_mut(index) {
                    queue.reset();
                    self.backend.reset_queue(index);
                }
            }
            Register::GuestPageSize | Register::QueueAlign => {
                if let Some(legacy) = &mut self.legacy {
                    legacy.write(register, value);
                }
            }
            _ => self.write_queue(register, value),
        }
    }

    fn read_config(&self, offset: u64, width: Width) -> u64 {
        let config = self.backend.config();
        (0..width.bytes()).rev().fold(0, |value, byte| {
            let at = usize::try_from(offset + byte).unwrap_or(usize::MAX);
            value << 8 | u64::from(config.get(at).copied().unwrap_or(0))
        })
    }
}

impl<B: Backend> Device for Mmio<B> {
    fn name(&self) -> &'static str {
        self.backend.name()
    }

    fn register(&self, offset: u64) -> &'static str {
        Register::decode(offset).map_or("reserved", Register::name)
    }

    fn read(&mut self, offset: u64, width: Width, _io: &mut Io<'_>) -> u64 {
        match Register::decode(offset) {
            Some(Register::Config) => self.read_config(offset - CONFIG, width),
            Some(register) => u64::from(self.read_register(register)) & width.mask(),
            None => 0,
        }
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, io: &mut Io<'_>) {
        match Register::decode(offset) {
            Some(Register::Config) => {
                let bytes = &value.to_le_bytes()[..width.bytes() as usize];
                self.backend.write_config((offset - CONFIG) as usize, bytes);
            }
            Some(register) => self.write_register(register, value as u32, io),
            None => {}
        }
    }

    fn irq(&self) -> bool {
        self.interrupt != 0
    }

    fn deadline(&self) -> Time {
        if self.status & status::NEEDS_RESET != 0 {
            Time::NEVER
        } else {
            self.backend.deadline()
        }
    }

    fn advance(&mut self, io: &mut Io<'_>) {
        self.work(io, |backend, link| backend.advance(link));
    }
}

impl<B: Backend> State for Mmio<B> {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("virtio_mmio", 1)?;
        self.queues
            .iter_mut()
            .try_for_each(|queue| queue.state(codec))?;
        codec.u32(&mut self.device_features_sel)?;
        codec.u32(&mut self.driver_features_sel)?;
        codec.u64(&mut self.driver_features)?;
        codec.u32(&mut self.queue_sel)?;
        codec.u32(&mut self.status)?;
        codec.u32(&mut self.interrupt)?;
        if let Some(legacy) = &mut self.legacy {
            legacy.state(codec)?;
        }
        if codec.loading() {
            self.fault = None;
        }
        self.backend.state(codec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::round_trip;
    use crate::virtio::Entropy;
    use crate::virtio::testing::Driver;

    fn device() -> (Driver, Mmio<Entropy>) {
        (Driver::new(8), Mmio::new(Entropy::new(1)))
    }

    #[test]
    fn the_identity_is_what_drivers_look_for() {
        let (mut driver, mut device) = device();
        for (offset, value) in [(0, MAGIC), (4, 2), (8, 4), (12, 0x554d_4551), (0x34, 256)] {
            assert_eq!(driver.read32(&mut device, offset), value, "{offset:#x}");
        }
        driver.write32(&mut device, 0x30, 1);
        assert_eq!(
            driver.read32(&mut device, 0x34),
            0,
            "there is no second queue"
        );
        driver.write32(&mut device, 0x14, 1);
        assert_eq!(driver.read32(&mut device, 0x10), 0x101);
    }

    #[test]
    fn features_that_were_not_offered_are_refused() {
        let (mut driver, mut device) = device();
        driver.write32(&mut device, 0x70, 3);
        driver.write32(&mut device, 0x20, 1);
        driver.write32(&mut device, 0x70, 0xb);
        assert_eq!(driver.read32(&mut device, 0x70), 3);
    }

    #[test]
    fn a_driver_of_the_legacy_habit_is_served() {
        let (mut driver, mut device) = device();
        driver.start(&mut device, 0, 1);
        driver.offer(&[(0x8000, 16, true)]);
        driver.notify(&mut device, 0);
        assert_eq!(driver.used(), [(0, 16)]);
        assert!(device.irq());
        assert_eq!(driver.read32(&mut device, 0x60), 1);
        driver.write32(&mut device, 0x64, 1);
        assert!(!device.irq());
    }

    #[test]
    fn buffers_offered_before_driver_ok_are_not_forgotten() {
        let (mut driver, mut device) = device();
        driver.offer(&[(0x8000, 16, true)]);
        driver.notify(&mut device, 0);
        assert_eq!(driver.used(), []);
        driver.start(&mut device, 0, 1);
        assert_eq!(driver.used(), [(0, 16)]);
    }

    #[test]
    fn a_broken_ring_stops_the_device_until_it_is_reset() {
        let (mut driver, mut device) = device();
        driver.start(&mut device, feature::VERSION_1, 1);
        driver.avail_index(100);
        driver.notify(&mut device, 0);
        assert_eq!(driver.read32(&mut device, 0x70), 0x4f);
        assert_eq!(driver.read32(&mut device, 0x60), 2);
        assert!(device.fault().is_some());
        driver.write32(&mut device, 0x70, 0x4f & !64);
        assert_eq!(driver.read32(&mut device, 0x70), 0x4f, "only a reset helps");
        driver.avail_index(0);
        driver.start(&mut device, feature::VERSION_1, 1);
        driver.offer(&[(0x8000, 16, true)]);
        driver.notify(&mut device, 0);
        assert_eq!(driver.used(), [(0, 16)]);
    }

    #[test]
    fn a_queue_in_use_keeps_its_place_and_a_bad_size_is_ignored() {
        let (mut driver, mut device) = device();
        for size in [0, 3, 512, 0x1_0008] {
            driver.write32(&mut device, 0x38, size);
            assert_eq!(device.queues[0].size, 256);
        }
        driver.start(&mut device, 0, 1);
        driver.write32(&mut device, 0x80, 0xdead);
        assert_eq!(device.queues[0].descriptors, 0x1000);
        driver.write32(&mut device, 0xc0, 1);
        assert_eq!(driver.read32(&mut device, 0x44), 0);
        assert_eq!(driver.read32(&mut device, 0xc0), 0);
    }

    #[test]
    fn the_state_comes_back() {
        let (mut driver, mut device) = device();
        driver.start(&mut device, feature::EVENT_IDX, 1);
        round_trip(&mut device, &mut Mmio::new(Entropy::new(1)));
    }

    #[test]
    fn version_1_lays_a_queue_out_in_one_piece() {
        let (mut driver, device) = device();
        let mut device = device.legacy();
        assert_eq!(driver.read32(&mut device, 4), 1);
        driver.write32(&mut device, 0x14, 1);
        assert_eq!(driver.read32(&mut device, 0x10), 0, "no feature beyond 32");
        for (offset, value) in [(0x70, 7), (0x28, 4096), (0x30, 0), (0x38, 8), (0x40, 3)] {
            driver.write32(&mut device, offset, value);
        }
        assert_eq!(driver.read32(&mut device, 0x40), 3);
        // A buffer of 4 bytes at 0x8000, written by the device.
        driver.fill(0x3000, &0x8000_u64.to_le_bytes());
        driver.fill(0x3008, &[4, 0, 0, 0, 2, 0, 0, 0]);
        driver.fill(0x3080, &[0, 0, 1, 0, 0, 0]);
        driver.write32(&mut device, 0x50, 0);
        assert_eq!(
            driver.bytes(0x4000, 12),
            [0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0]
        );
        assert_ne!(driver.bytes(0x8000, 4), [0; 4]);
        driver.write32(&mut device, 0x3c, 64);
        driver.write32(&mut device, 0x40, 0);
        assert_eq!(driver.read32(&mut device, 0x40), 0);
        driver.write32(&mut device, 0x38, 8);
        driver.write32(&mut device, 0x40, 3);
        assert_eq!(device.queues[0].used, 0x30c0);
        round_trip(&mut device, &mut Mmio::new(Entropy::new(1)).legacy());
    }

    #[test]
    fn a_vacant_transport_says_what_it_is_and_has_no_device() {
        let mut driver = Driver::new(8);
        for (legacy, version) in [(false, 2), (true, 1)] {
            let mut vacant = Vacant::new(legacy);
            vacant.write(0x70, Width::B4, 1, &mut driver.io());
            for (offset, value) in [(0, MAGIC), (4, version), (8, 0), (12, VENDOR), (0x70, 0)] {
                let read = vacant.read(offset, Width::B4, &mut driver.io());
                assert_eq!(read, u64::from(value), "{offset:#x}");
            }
        }
    }
}
