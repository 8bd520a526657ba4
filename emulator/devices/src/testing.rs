//! What the devices' unit tests share: a machine that consists of one device and a little RAM.

use base::codec::{load, save};
use base::{Device, Io, Phys, Ram, State, Time, Width};

/// RAM and a clock around the device under test.
pub struct Bench {
    /// Guest memory.
    pub ram: Ram,
    /// The present.
    pub now: Time,
}

impl Bench {
    /// 1 MiB of zeroed memory at address 0, time 0.
    pub fn new() -> Self {
        Self {
            ram: Ram::new(Phys(0), 1 << 20),
            now: Time(0),
        }
    }

    /// The access that happens now.
    pub fn io(&mut self) -> Io<'_> {
        Io {
            ram: &mut self.ram,
            now: self.now,
        }
    }

    /// Reads one byte register.
    pub fn read8(&mut self, device: &mut dyn Device, offset: u64) -> u8 {
        device.read(offset, Width::B1, &mut self.io()) as u8
    }

    /// Writes one byte register.
    pub fn write8(&mut self, device: &mut dyn Device, offset: u64, value: u8) {
        device.write(offset, Width::B1, u64::from(value), &mut self.io());
    }

    /// Reads a 32-bit register.
    pub fn read32(&mut self, device: &mut dyn Device, offset: u64) -> u32 {
        device.read(offset, Width::B4, &mut self.io()) as u32
    }

    /// Writes a 32-bit register.
    pub fn write32(&mut self, device: &mut dyn Device, offset: u64, value: u32) {
        device.write(offset, Width::B4, u64::from(value), &mut self.io());
    }

    /// Brings the device to the present.
    pub fn advance(&mut self, device: &mut dyn Device) {
        device.advance(&mut self.io());
    }

    /// Lets time pass until `until`, calling the device at each of its deadlines on the way.
    pub fn run(&mut self, device: &mut dyn Device, until: Time) {
        while device.deadline() <= until {
            self.now = self.now.max(device.deadline());
            device.advance(&mut self.io());
        }
        self.now = until;
    }
}

/// Checks that `used`'s state, loaded into `fresh`, is saved again as the same bytes, that the two were not alike
/// before, and that no cut of those bytes is taken for a whole state.
pub fn round_trip(used: &mut dyn State, fresh: &mut dyn State) {
    let bytes = save(used);
    assert_ne!(
        save(fresh),
        bytes,
        "the used device is still as it was made"
    );
    for cut in (0..bytes.len()).step_by(bytes.len() / 64 + 1) {
        assert!(load(fresh, &bytes[..cut]).is_err(), "cut at {cut}");
    }
    assert_eq!(load(fresh, &bytes), Ok(()));
    assert_eq!(save(fresh), bytes);
}
