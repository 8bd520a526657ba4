//! An MMIO transport without a device: it says what it is, and that its device has number 0 (4.2.2). QEMU has the same
//! where nobody put a device, and drivers that look for one go from transport to transport.

use super::register::Register;
use super::{MAGIC, VENDOR, VERSION};
use base::{Codec, CodecError, Device, Io, State, Width};

/// The transport.
#[derive(Clone, Copy, Debug)]
pub struct Vacant {
    version: u32,
}

impl Vacant {
    /// One of version 1 if `legacy`, else of version 2.
    pub fn new(legacy: bool) -> Self {
        Self {
            version: VERSION[usize::from(legacy)],
        }
    }
}

impl Device for Vacant {
    fn name(&self) -> &'static str {
        "vacant"
    }

    fn register(&self, offset: u64) -> &'static str {
        Register::decode(offset).map_or("reserved", Register::name)
    }

    fn read(&mut self, offset: u64, width: Width, _io: &mut Io<'_>) -> u64 {
        let value = match Register::decode(offset) {
            Some(Register::MagicValue) => MAGIC,
            Some(Register::Version) => self.version,
            Some(Register::VendorId) => VENDOR,
            _ => 0,
        };
        u64::from(value) & width.mask()
    }

    fn write(&mut self, _offset: u64, _width: Width, _value: u64, _io: &mut Io<'_>) {}
}

impl State for Vacant {
    fn state(&mut self, _codec: &mut Codec<'_>) -> Result<(), CodecError> {
        Ok(())
    }
}
