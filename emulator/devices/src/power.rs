//! The ACPI fixed registers that the board has (ACPI 6.5, 4.8.3): power-off and the power management timer.
//!
//! ```text
//! 0  PM1_CNT  15..14 | 13 SLP_EN | 12..10 SLP_TYP | 9..1 | 0 SCI_EN
//! 4  PM_TMR   32 bits, 3.579545 MHz
//! 8  PM1_STS, 10  PM1_EN: there are no events, so no status bit is ever set
//! ```
//! Key type: [`Power`]. Setting SLP_EN with SLP_TYP 0, which our DSDT names as S5 (`tables::acpi`), is soft-off.

use base::{Codec, CodecError, Device, Io, State, Time, Width};

/// SCI_EN: the machine is in ACPI mode from the start.
const SCI_EN: u16 = 1;
const SLP_TYP: u16 = 7 << 10;
const SLP_EN: u16 = 1 << 13;

/// SLP_TYP's value for S5 on this board.
pub const SLP_TYP_S5: u8 = 0;

/// Offset of the power management timer.
pub const TIMER: u64 = 4;
/// Offset of the event registers.
pub const EVENTS: u64 = 8;
/// Bytes of all registers.
pub const LEN: u64 = 12;

/// Ticks of the timer in a second.
const TIMER_FREQUENCY: u128 = 3_579_545;

/// Which register an offset is in, and the first byte of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Register {
    Control,
    Timer,
    Status,
    Enable,
}

impl Register {
    const fn decode(offset: u64) -> Option<(Self, u64)> {
        match offset {
            0..=1 => Some((Self::Control, 0)),
            4..=7 => Some((Self::Timer, 4)),
            8..=9 => Some((Self::Status, 8)),
            10..=11 => Some((Self::Enable, 10)),
            _ => None,
        }
    }
}

/// The registers.
#[derive(Clone, Debug, Default)]
pub struct Power {
    control: u16,
    enable: u16,
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

    fn write_control(&mut self, value: u16) {
        // SLP_EN is write-only and always reads as zero.
        self.control = value & !SLP_EN;
        if value & SLP_EN != 0 && (value & SLP_TYP) >> 10 == u16::from(SLP_TYP_S5) {
            self.off = true;
        }
    }
}

fn timer(now: Time) -> u32 {
    (u128::from(now.0) * TIMER_FREQUENCY / 1_000_000_000) as u32
}

impl Device for Power {
    fn name(&self) -> &'static str {
        "power"
    }

    fn register(&self, offset: u64) -> &'static str {
        match Register::decode(offset) {
            Some((Register::Control, _)) => "PM1_CNT",
            Some((Register::Timer, _)) => "PM_TMR",
            Some((Register::Status, _)) => "PM1_STS",
            Some((Register::Enable, _)) => "PM1_EN",
            None => "reserved",
        }
    }

    fn read(&mut self, offset: u64, width: Width, io: &mut Io<'_>) -> u64 {
        let Some((register, first)) = Register::decode(offset) else {
            return 0;
        };
        let value = match register {
            Register::Control => u64::from(self.control | SCI_EN),
            Register::Timer => u64::from(timer(io.now)),
            Register::Status => 0,
            Register::Enable => u64::from(self.enable),
        };
        value >> (8 * (offset - first)) & width.mask()
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, _io: &mut Io<'_>) {
        let Some((register, first)) = Register::decode(offset) else {
            return;
        };
        let shift = 8 * (offset - first);
        let merge = |old: u16| {
            let kept = u64::from(old) & !(width.mask() << shift);
            (kept | (value & width.mask()) << shift) as u16
        };
        match register {
            Register::Control => self.write_control(merge(self.control)),
            Register::Enable => self.enable = merge(self.enable),
            Register::Timer | Register::Status => {}
        }
    }
}

impl State for Power {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("power", 1)?;
        codec.u16(&mut self.control)?;
        codec.u16(&mut self.enable)?;
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

    #[test]
    fn the_timer_counts_virtual_time() {
        let (mut bench, mut power) = (Bench::new(), Power::new());
        bench.now = Time::secs(2);
        assert_eq!(bench.read32(&mut power, TIMER), 7_159_090);
        assert_eq!(bench.read8(&mut power, EVENTS), 0);
    }
}
