//! The Goldfish real-time clock (Android's emulator; `google,goldfish-rtc`): nanoseconds since 1970, and an alarm.
//!
//! ```text
//! 0x00 TIME_LOW (latches TIME_HIGH)   0x08 ALARM_LOW (sets the alarm)   0x10 IRQ_ENABLED   0x18 ALARM_STATUS
//! 0x04 TIME_HIGH                      0x0c ALARM_HIGH                   0x14 CLEAR_ALARM   0x1c CLEAR_INTERRUPT
//! ```

use base::{Codec, CodecError, Device, Io, State, Time, Width};

/// The clock.
#[derive(Clone, Debug)]
pub struct GoldfishRtc {
    /// What the calendar adds to virtual time, in nanoseconds.
    offset: u64,
    /// The upper half of the time whose lower half was read last.
    time_high: u32,
    alarm: u64,
    alarm_high: u32,
    armed: bool,
    enabled: bool,
    pending: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Register {
    TimeLow,
    TimeHigh,
    AlarmLow,
    AlarmHigh,
    IrqEnabled,
    ClearAlarm,
    AlarmStatus,
    ClearInterrupt,
}

const REGISTERS: [(Register, &str); 8] = [
    (Register::TimeLow, "TIME_LOW"),
    (Register::TimeHigh, "TIME_HIGH"),
    (Register::AlarmLow, "ALARM_LOW"),
    (Register::AlarmHigh, "ALARM_HIGH"),
    (Register::IrqEnabled, "IRQ_ENABLED"),
    (Register::ClearAlarm, "CLEAR_ALARM"),
    (Register::AlarmStatus, "ALARM_STATUS"),
    (Register::ClearInterrupt, "CLEAR_INTERRUPT"),
];

fn decode(offset: u64) -> Option<(Register, &'static str)> {
    if !offset.is_multiple_of(4) {
        return None;
    }
    REGISTERS.get(offset as usize / 4).copied()
}

impl GoldfishRtc {
    /// A clock that shows `calendar` seconds since 1970 at power-on.
    pub const fn new(calendar: i64) -> Self {
        Self {
            offset: (calendar as u64).wrapping_mul(1_000_000_000),
            time_high: 0,
            alarm: 0,
            alarm_high: 0,
            armed: false,
            enabled: false,
            pending: false,
        }
    }

    const fn time(&self, now: Time) -> u64 {
        now.0.wrapping_add(self.offset)
    }

    fn ring(&mut self, now: Time) {
        if self.armed && self.time(now) >= self.alarm {
            self.armed = false;
            self.pending = true;
        }
    }
}

impl Device for GoldfishRtc {
    fn name(&self) -> &'static str {
        "rtc"
    }

    fn register(&self, offset: u64) -> &'static str {
        decode(offset).map_or("", |(_, name)| name)
    }

    fn read(&mut self, offset: u64, _width: Width, io: &mut Io<'_>) -> u64 {
        let time = self.time(io.now);
        match decode(offset).map(|(register, _)| register) {
            Some(Register::TimeLow) => {
                self.time_high = (time >> 32) as u32;
                time & 0xffff_ffff
            }
            Some(Register::TimeHigh) => u64::from(self.time_high),
            Some(Register::AlarmLow) => self.alarm & 0xffff_ffff,
            Some(Register::AlarmHigh) => self.alarm >> 32,
            Some(Register::IrqEnabled) => u64::from(self.enabled),
            Some(Register::AlarmStatus) => u64::from(self.armed),
            _ => 0,
        }
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, io: &mut Io<'_>) {
        let value = value & 0xffff_ffff;
        let time = self.time(io.now);
        let set = |new: u64| new.wrapping_sub(time);
        match decode(offset).map(|(register, _)| register) {
            Some(Register::TimeLow) => {
                self.offset = self.offset.wrapping_add(set(time & !0xffff_ffff | value));
            }
            Some(Register::TimeHigh) => {
                self.offset = self
                    .offset
                    .wrapping_add(set(time & 0xffff_ffff | value << 32));
            }
            Some(Register::AlarmHigh) => self.alarm_high = value as u32,
            Some(Register::AlarmLow) => {
                self.alarm = u64::from(self.alarm_high) << 32 | value;
                self.armed = true;
                self.ring(io.now);
            }
            Some(Register::IrqEnabled) => self.enabled = value & 1 != 0,
            Some(Register::ClearAlarm) => self.armed = false,
            Some(Register::ClearInterrupt) => self.pending = false,
            _ => {}
        }
    }

    fn irq(&self) -> bool {
        self.pending && self.enabled
    }

    fn deadline(&self) -> Time {
        if self.armed {
            Time(self.alarm.saturating_sub(self.offset))
        } else {
            Time::NEVER
        }
    }

    fn advance(&mut self, io: &mut Io<'_>) {
        self.ring(io.now);
    }
}

impl State for GoldfishRtc {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("goldfish_rtc", 1)?;
        codec.u64(&mut self.offset)?;
        codec.u32(&mut self.time_high)?;
        codec.u64(&mut self.alarm)?;
        codec.u32(&mut self.alarm_high)?;
        codec.bool(&mut self.armed)?;
        codec.bool(&mut self.enabled)?;
        codec.bool(&mut self.pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    #[test]
    fn it_tells_the_time_of_virtual_nanoseconds() {
        let (mut bench, mut rtc) = (Bench::new(), GoldfishRtc::new(1_767_225_600));
        bench.now = Time(7);
        let low = u64::from(bench.read32(&mut rtc, 0));
        let high = u64::from(bench.read32(&mut rtc, 4));
        assert_eq!(high << 32 | low, 1_767_225_600_000_000_007);
    }

    #[test]
    fn the_alarm_rings_once() {
        let (mut bench, mut rtc) = (Bench::new(), GoldfishRtc::new(0));
        bench.write32(&mut rtc, 0x0c, 0);
        bench.write32(&mut rtc, 0x08, 1_000);
        bench.write32(&mut rtc, 0x10, 1);
        assert_eq!(rtc.deadline(), Time(1_000));
        assert_eq!(bench.read32(&mut rtc, 0x18), 1);
        bench.now = Time(1_000);
        bench.advance(&mut rtc);
        assert!(rtc.irq());
        assert_eq!(rtc.deadline(), Time::NEVER);
        round_trip(&mut rtc, &mut GoldfishRtc::new(5));
        bench.write32(&mut rtc, 0x1c, 1);
        assert!(!rtc.irq());
    }
}
