//! ACPI-style power-off: the PM1a control register (ACPI 6.5, 4.8.3.2.1), reduced to the one thing a machine
//! without sleep states needs.
//!
//! ```text
//!  15 14 | 13     | 12..10  | 9..1 | 0
//!  -     | SLP_EN | SLP_TYP | -    | SCI_EN
//! ```
//! Key type: [`Power`]. Setting SLP_EN with SLP_TYP 0, which our DSDT names as S5 (`tables::acpi`), is soft-off.

use base::{Codec, CodecError, Device, Io, State, Width};

/// SCI_EN: the machine is in ACPI mode from the start.
const SCI_EN: u16 = 1;
const SLP_TYP: u16 = 7 << 10;
const SLP_EN: u16 = 1 << 13;

/// SLP_TYP's value for S5 on this board.
pub const SLP_TYP_S5: u8 = 0;

/// The PM1a control register.
#[derive(Clone, Debug, Default)]
pub struct Power {
    control: u16,
    off: bool,
}

impl Power {
    /// A machine that is on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the guest has switched the machine off.
    #[inline]
    pub const fn is_off(&self) -> bool {
        self.off
    }
}

impl Device for Power {
    fn name(&self) -> &str {
        "power"
    }

    fn register(&self, _offset: u64) -> &'static str {
        "PM1_CNT"
    }

    fn read(&mut self, offset: u64, width: Width, _io: &mut Io<'_>) -> u64 {
        match offset {
            0 | 1 => (u64::from(self.control | SCI_EN) >> (8 * offset)) & width.mask(),
            _ => 0,
        }
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, _io: &mut Io<'_>) {
        let (shift, mask) = (8 * offset, width.mask());
        if offset > 1 {
            return;
        }
        let kept = u64::from(self.control) & !(mask << shift);
        let written = (kept | (value & mask) << shift) as u16;
        // SLP_EN is write-only and always reads as zero.
        self.control = written & !SLP_EN;
        if written & SLP_EN != 0 && (written & SLP_TYP) >> 10 == u16::from(SLP_TYP_S5) {
            self.off = true;
        }
    }
}

impl State for Power {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("power", 1)?;
        codec.u16(&mut self.control)?;
        codec.bool(&mut self.off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    #[test]
    fn slp_en_with_the_type_of_s5_switches_off() {
        let (mut bench, mut power) = (Bench::new(), Power::new());
        power.write(0, Width::B2, 0x2000, &mut bench.io());
        assert!(power.is_off());
        assert_eq!(power.read(0, Width::B2, &mut bench.io()), 1);
        round_trip(&mut power, &mut Power::new());
    }

    #[test]
    fn another_sleep_type_or_no_slp_en_leaves_it_on() {
        let (mut bench, mut power) = (Bench::new(), Power::new());
        power.write(0, Width::B2, 0x3400, &mut bench.io());
        power.write(0, Width::B2, 0x0000, &mut bench.io());
        assert!(!power.is_off());
        bench.write8(&mut power, 1, 0x20);
        assert!(power.is_off());
    }
}
