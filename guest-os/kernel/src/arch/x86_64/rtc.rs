//! The calendar chip (MC146818): read once, at boot.

use super::port::{inb, outb};

const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;
/// Index bit that keeps NMIs off; NMIs are not used, so it does not matter.
const STATUS_A: u8 = 0x0a;
const STATUS_B: u8 = 0x0b;
const UPDATE_IN_PROGRESS: u8 = 1 << 7;
const BINARY: u8 = 1 << 2;
const HOURS_24: u8 = 1 << 1;

/// Looks at a clock that never stops updating (there is none) before giving up on a clean reading.
const PATIENCE: u32 = 10_000;

fn read(register: u8) -> u8 {
    outb(INDEX, register);
    inb(DATA)
}

/// The present time in seconds since 1970; 0 if there is no clock.
pub fn seconds_since_1970() -> u64 {
    if read(STATUS_B) == 0xff {
        return 0;
    }
    for _ in 0..PATIENCE {
        if read(STATUS_A) & UPDATE_IN_PROGRESS == 0 {
            break;
        }
    }
    let mode = read(STATUS_B);
    let number = |value: u8| {
        u64::from(if mode & BINARY != 0 {
            value
        } else {
            (value & 0xf) + (value >> 4) * 10
        })
    };
    let [second, minute, day, month, year] = [0, 2, 7, 8, 9].map(|register| number(read(register)));
    let raw_hour = read(4);
    let mut hour = number(raw_hour & 0x7f);
    if mode & HOURS_24 == 0 {
        hour = hour % 12 + if raw_hour & 0x80 != 0 { 12 } else { 0 };
    }
    days_since_1970(2000 + year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
}

/// Days from 1970-01-01 in the Gregorian calendar, counting years from March so that the leap day is last.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + day.max(1) - 1;
    days - 719_468
}
