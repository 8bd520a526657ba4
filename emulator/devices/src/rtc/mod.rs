//! The MC146818 real-time clock with its CMOS RAM (Motorola datasheet MC146818A; the century byte is the PC's).
//!
//! Key type: [`Rtc`]. The date is virtual time plus an offset, which setting the clock changes; only while SET holds
//! the clock still are its numbers kept. UIP is on for the last 244 microseconds of each second, so a driver that saw
//! it off has that long for reading a date that is not torn. Neighbour: `calendar`.

mod calendar;

use base::{Codec, CodecError, Device, Io, State, Time, Width};
use calendar::Calendar;

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

/// How long before an update UIP warns of it.
const UPDATE_WARNING: u64 = 244_000;

/// The PC's index of the century.
pub const CENTURY: u8 = 0x32;
const CMOS_LEN: usize = 128;

/// What an index selects (figure 10 of the datasheet).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Register {
    Seconds,
    SecondsAlarm,
    Minutes,
    MinutesAlarm,
    Hours,
    HoursAlarm,
    Weekday,
    Day,
    Month,
    Year,
    A,
    B,
    C,
    D,
    Century,
    Ram(u8),
}

impl Register {
    const fn decode(index: u8) -> Self {
        match index & 0x7f {
            0x00 => Self::Seconds,
            0x01 => Self::SecondsAlarm,
            0x02 => Self::Minutes,
            0x03 => Self::MinutesAlarm,
            0x04 => Self::Hours,
            0x05 => Self::HoursAlarm,
            0x06 => Self::Weekday,
            0x07 => Self::Day,
            0x08 => Self::Month,
            0x09 => Self::Year,
            0x0a => Self::A,
            0x0b => Self::B,
            0x0c => Self::C,
            0x0d => Self::D,
            CENTURY => Self::Century,
            other => Self::Ram(other),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "SECONDS",
            Self::SecondsAlarm => "SECONDS_ALARM",
            Self::Minutes => "MINUTES",
            Self::MinutesAlarm => "MINUTES_ALARM",
            Self::Hours => "HOURS",
            Self::HoursAlarm => "HOURS_ALARM",
            Self::Weekday => "WEEKDAY",
            Self::Day => "DAY",
            Self::Month => "MONTH",
            Self::Year => "YEAR",
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::Century => "CENTURY",
            Self::Ram(_) => "CMOS",
        }
    }
}

/// Register A: divider and periodic rate, below UIP.
mod a {
    pub const RATE: u8 = 0x0f;
    pub const UIP: u8 = 1 << 7;
    /// A 32.768 kHz crystal, 1024 Hz.
    pub const RESET: u8 = 0x26;
}

/// Register B.
mod b {
    pub const HOURS_24: u8 = 1 << 1;
    pub const BINARY: u8 = 1 << 2;
    pub const UPDATE_ENABLE: u8 = 1 << 4;
    pub const ALARM_ENABLE: u8 = 1 << 5;
    pub const PERIODIC_ENABLE: u8 = 1 << 6;
    pub const SET: u8 = 1 << 7;
    pub const ENABLES: u8 = UPDATE_ENABLE | ALARM_ENABLE | PERIODIC_ENABLE;
}

/// Register C: the flags stand where B's enables do, under the interrupt request.
mod c {
    pub const UPDATE: u8 = super::b::UPDATE_ENABLE;
    pub const ALARM: u8 = super::b::ALARM_ENABLE;
    pub const PERIODIC: u8 = super::b::PERIODIC_ENABLE;
    pub const REQUEST: u8 = 1 << 7;
}

/// Register D: the battery is good.
const VALID_RAM_AND_TIME: u8 = 1 << 7;

/// An alarm byte from here on matches anything.
const ANY: u8 = 0xc0;
const PM: u8 = 1 << 7;

/// The clock.
#[derive(Clone, Debug)]
pub struct Rtc {
    index: u8,
    a: u8,
    b: u8,
    flags: u8,
    /// Seconds from 1970 to power-on.
    offset: i64,
    /// The date that stands still while SET is on.
    held: Option<Calendar>,
    /// Up to when the flags are right.
    checked: Time,
    cmos: [u8; CMOS_LEN],
}

impl Rtc {
    /// A clock that showed `start`, in seconds since 1970, at virtual time zero.
    pub const fn new(start: i64) -> Self {
        Self {
            index: 0,
            a: a::RESET,
            b: b::HOURS_24,
            flags: 0,
            offset: start,
            held: None,
            checked: Time(0),
            cmos: [0; CMOS_LEN],
        }
    }

    const fn seconds(&self, now: Time) -> i64 {
        self.offset.saturating_add((now.0 / SECOND) as i64)
    }

    fn date(&self, now: Time) -> Calendar {
        self.held
            .unwrap_or_else(|| Calendar::from_seconds(self.seconds(now)))
    }

    /// The periodic rate: nanoseconds, or `None` if it is off (table 5).
    const fn period(&self) -> Option<u64> {
        match self.a & a::RATE {
            0 => None,
            // The two fastest of a 32.768 kHz crystal repeat rates 8 and 9.
            rate @ 1..=2 => Some(SECOND * (1 << (rate + 6)) / 32_768),
            rate => Some(SECOND * (1 << (rate - 1)) / 32_768),
        }
    }

    fn encode(&self, value: u8) -> u8 {
        if self.b & b::BINARY != 0 {
            value
        } else {
            ((value / 10 % 10) << 4) | (value % 10)
        }
    }

    fn decode(&self, byte: u8) -> u8 {
        if self.b & b::BINARY != 0 {
            byte
        } else {
            (byte >> 4) * 10 + (byte & 0xf)
        }
    }

    fn encode_hour(&self, hour: u8) -> u8 {
        if self.b & b::HOURS_24 != 0 {
            return self.encode(hour);
        }
        let half = self.encode((hour + 11) % 12 + 1);
        if hour >= 12 { half | PM } else { half }
    }

    fn decode_hour(&self, byte: u8) -> u8 {
        if self.b & b::HOURS_24 != 0 {
            return self.decode(byte);
        }
        let half = self.decode(byte & !PM) % 12;
        if byte & PM != 0 { half + 12 } else { half }
    }

    /// Changes the date as a guest does, one number at a time.
    fn set(&mut self, now: Time, change: impl FnOnce(&mut Calendar)) {
        let mut date = self.date(now);
        change(&mut date);
        if self.held.is_some() {
            self.held = Some(date);
        } else {
            self.offset += date.to_seconds() - self.seconds(now);
        }
    }

    /// Whether the alarm goes off at a second.
    fn alarm_at(&self, seconds: i64) -> bool {
        let date = Calendar::from_seconds(seconds);
        let matches = |alarm: u8, byte: u8| alarm >= ANY || alarm == byte;
        matches(self.cmos[1], self.encode(date.second))
            && matches(self.cmos[3], self.encode(date.minute))
            && matches(self.cmos[5], self.encode_hour(date.hour))
    }

    /// Sets the flags of everything that has happened since they were last right.
    fn check(&mut self, now: Time) {
        if let Some(period) = self.period()
            && now.0 / period != self.checked.0 / period
        {
            self.flags |= c::PERIODIC;
        }
        let (before, after) = (self.seconds(self.checked), self.seconds(now));
        if before != after && self.held.is_none() {
            self.flags |= c::UPDATE;
            // After a day every alarm that can go off has done so.
            let first = after.saturating_sub(DAY as i64).max(before) + 1;
            if self.flags & c::ALARM == 0 && (first..=after).any(|at| self.alarm_at(at)) {
                self.flags |= c::ALARM;
            }
        }
        self.checked = now;
    }

    fn read_data(&mut self, now: Time) -> u8 {
        self.check(now);
        let date = self.date(now);
        match Register::decode(self.index) {
            Register::Seconds => self.encode(date.second),
            Register::Minutes => self.encode(date.minute),
            Register::Hours => self.encode_hour(date.hour),
            Register::Weekday => self.encode(date.weekday()),
            Register::Day => self.encode(date.day),
            Register::Month => self.encode(date.month),
            Register::Year => self.encode((date.year % 100) as u8),
            Register::Century => self.encode((date.year / 100) as u8),
            Register::SecondsAlarm => self.cmos[1],
            Register::MinutesAlarm => self.cmos[3],
            Register::HoursAlarm => self.cmos[5],
            Register::A => {
                let updating = self.held.is_none() && now.0 % SECOND >= SECOND - UPDATE_WARNING;
                self.a | if updating { a::UIP } else { 0 }
            }
            Register::B => self.b,
            Register::C => {
                let request = if self.irq() { c::REQUEST } else { 0 };
                request | std::mem::take(&mut self.flags)
            }
            Register::D => VALID_RAM_AND_TIME,
            Register::Ram(index) => self.cmos[usize::from(index)],
        }
    }

    fn write_data(&mut self, byte: u8, now: Time) {
        self.check(now);
        let value = self.decode(byte);
        match Register::decode(self.index) {
            Register::Seconds => self.set(now, |date| date.second = value),
            Register::Minutes => self.set(now, |date| date.minute = value),
            Register::Hours => {
                let hour = self.decode_hour(byte);
                self.set(now, |date| date.hour = hour);
            }
            Register::Day => self.set(now, |date| date.day = value),
            Register::Month => self.set(now, |date| date.month = value),
            Register::Year => self.set(now, |date| {
                date.year = date.year / 100 * 100 + u16::from(value % 100);
            }),
            Register::Century => self.set(now, |date| {
                date.year = date.year % 100 + u16::from(value % 100) * 100;
            }),
            // The weekday follows from the date.
            Register::Weekday | Register::C | Register::D => {}
            Register::SecondsAlarm => self.cmos[1] = byte,
            Register::MinutesAlarm => self.cmos[3] = byte,
            Register::HoursAlarm => self.cmos[5] = byte,
            Register::A => self.a = byte & !a::UIP,
            Register::B => self.write_b(byte, now),
            Register::Ram(index) => self.cmos[usize::from(index)] = byte,
        }
    }

    fn write_b(&mut self, byte: u8, now: Time) {
        let date = self.date(now);
        match (self.b & b::SET != 0, byte & b::SET != 0) {
            (false, true) => {
                self.held = Some(date);
                // SET clears UIE.
                self.b = byte & !b::UPDATE_ENABLE;
                return;
            }
            (true, false) => {
                self.held = None;
                self.offset += date.to_seconds() - self.seconds(now);
            }
            _ => {}
        }
        self.b = byte;
    }
}

impl Device for Rtc {
    fn name(&self) -> &'static str {
        "rtc"
    }

    fn register(&self, offset: u64) -> &'static str {
        if offset & 1 == 0 {
            "INDEX"
        } else {
            Register::decode(self.index).name()
        }
    }

    fn read(&mut self, offset: u64, _width: Width, io: &mut Io<'_>) -> u64 {
        if offset & 1 == 0 {
            0xff
        } else {
            u64::from(self.read_data(io.now))
        }
    }

    /// The index port's top bit masks NMI on a PC; nothing here raises one.
    fn write(&mut self, offset: u64, _width: Width, value: u64, io: &mut Io<'_>) {
        if offset & 1 == 0 {
            self.index = value as u8 & 0x7f;
        } else {
            self.write_data(value as u8, io.now);
        }
    }

    fn irq(&self) -> bool {
        self.flags & self.b & b::ENABLES != 0
    }

    /// The next event that would interrupt.
    fn deadline(&self) -> Time {
        let next = |step: u64| Time((self.checked.0 / step + 1).saturating_mul(step));
        let mut deadline = Time::NEVER;
        let waits_for = |flag: u8| self.b & !self.flags & flag != 0;
        if waits_for(c::PERIODIC)
            && let Some(period) = self.period()
        {
            deadline = next(period);
        }
        if waits_for(c::UPDATE | c::ALARM) && self.held.is_none() {
            deadline = deadline.min(next(SECOND));
        }
        deadline
    }

    fn advance(&mut self, io: &mut Io<'_>) {
        self.check(io.now);
    }
}

impl State for Rtc {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("rtc", 1)?;
        codec.u8(&mut self.index)?;
        codec.u8(&mut self.a)?;
        codec.u8(&mut self.b)?;
        codec.u8(&mut self.flags)?;
        codec.i64(&mut self.offset)?;
        // Further away from 1970 than any date, and sums could overflow.
        if self.offset.unsigned_abs() > 1 << 40 {
            return Err(CodecError::BadValue { field: "rtc date" });
        }
        codec.option(&mut self.held, |c, date| {
            c.u16(&mut date.year)?;
            c.u8(&mut date.month)?;
            c.u8(&mut date.day)?;
            c.u8(&mut date.hour)?;
            c.u8(&mut date.minute)?;
            c.u8(&mut date.second)
        })?;
        codec.time(&mut self.checked)?;
        codec.bytes(&mut self.cmos)
    }
}

#[cfg(test)]
mod tests;
