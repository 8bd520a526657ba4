//! The Gregorian calendar in UTC, and strftime(3).
//!
//! Days are converted with eras of 400 years that start on 1 March, so that the leap day is a year's
//! last (the usual proleptic algorithm).

use crate::number::parse_u64;
use abi::time::Timespec;
use core::fmt::Write;
use rust_alloc::string::String;

/// A moment split into fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Year.
    pub year: i64,
    /// 1..=12.
    pub month: u32,
    /// 1..=31.
    pub day: u32,
    /// 0..=23.
    pub hour: u32,
    /// 0..=59.
    pub minute: u32,
    /// 0..=59.
    pub second: u32,
    /// 0..=999_999_999.
    pub nanosecond: u32,
    /// Days since Sunday.
    pub weekday: u32,
    /// 1..=366.
    pub day_of_year: u32,
    /// Seconds since 1970.
    pub epoch: i64,
}

const DAY: i64 = 86_400;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Days from 1970-01-01 to a date.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = i64::from((month + 9) % 12);
    let day_of_year = (153 * march_month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl Moment {
    /// Splits a calendar time.
    pub fn new(time: Timespec) -> Moment {
        let days = time.sec.div_euclid(DAY);
        let second = time.sec.rem_euclid(DAY);
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let doe = shifted.rem_euclid(146_097);
        let year_of_era = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * doy + 2) / 153;
        let day = (doy - (153 * march_month + 2) / 5 + 1) as u32;
        let month = ((march_month + 2) % 12 + 1) as u32;
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Moment {
            year,
            month,
            day,
            hour: (second / 3600) as u32,
            minute: (second / 60 % 60) as u32,
            second: (second % 60) as u32,
            nanosecond: time.nsec as u32,
            weekday: (days + 4).rem_euclid(7) as u32,
            day_of_year: (days - days_from_civil(year, 1, 1) + 1) as u32,
            epoch: time.sec,
        }
    }

    /// Formats like strftime(3) in the C locale; unknown conversions stay as they are.
    pub fn format(&self, format: &str) -> String {
        let mut out = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('-') => {
                    let padded = chars.next().map(|c| self.conversion(c)).unwrap_or_default();
                    let bare = padded.trim_start_matches(['0', ' ']);
                    out.push_str(if bare.is_empty() { "0" } else { bare });
                }
                Some(c) => out.push_str(&self.conversion(c)),
                None => out.push('%'),
            }
        }
        out
    }

    fn conversion(&self, c: char) -> String {
        let mut out = String::new();
        let hour12 = (self.hour + 11) % 12 + 1;
        // Writing to a string cannot fail.
        let _ = match c {
            'a' => write!(out, "{}", &DAYS[self.weekday as usize][..3]),
            'A' => write!(out, "{}", DAYS[self.weekday as usize]),
            'b' | 'h' => write!(out, "{}", &MONTHS[self.month as usize - 1][..3]),
            'B' => write!(out, "{}", MONTHS[self.month as usize - 1]),
            'c' => write!(out, "{}", self.format("%a %b %e %H:%M:%S %Y")),
            'C' => write!(out, "{:02}", self.year / 100),
            'd' => write!(out, "{:02}", self.day),
            'D' | 'x' => write!(out, "{}", self.format("%m/%d/%y")),
            'e' => write!(out, "{:2}", self.day),
            'F' => write!(out, "{}", self.format("%Y-%m-%d")),
            'H' => write!(out, "{:02}", self.hour),
            'I' => write!(out, "{hour12:02}"),
            'j' => write!(out, "{:03}", self.day_of_year),
            'k' => write!(out, "{:2}", self.hour),
            'l' => write!(out, "{hour12:2}"),
            'm' => write!(out, "{:02}", self.month),
            'M' => write!(out, "{:02}", self.minute),
            'n' => writeln!(out),
            'N' => write!(out, "{:09}", self.nanosecond),
            'p' => write!(out, "{}", if self.hour < 12 { "AM" } else { "PM" }),
            'P' => write!(out, "{}", if self.hour < 12 { "am" } else { "pm" }),
            'r' => write!(out, "{}", self.format("%I:%M:%S %p")),
            'R' => write!(out, "{}", self.format("%H:%M")),
            's' => write!(out, "{}", self.epoch),
            'S' => write!(out, "{:02}", self.second),
            't' => write!(out, "\t"),
            'T' | 'X' => write!(out, "{}", self.format("%H:%M:%S")),
            'u' => write!(out, "{}", (self.weekday + 6) % 7 + 1),
            'w' => write!(out, "{}", self.weekday),
            'y' => write!(out, "{:02}", self.year.rem_euclid(100)),
            'Y' => write!(out, "{}", self.year),
            'z' => write!(out, "+0000"),
            'Z' => write!(out, "UTC"),
            '%' => write!(out, "%"),
            other => write!(out, "%{other}"),
        };
        out
    }
}

/// Reads `@SECONDS`, `YYYY-MM-DD` or `YYYY-MM-DD HH:MM[:SS]` (also with `T` between), in UTC.
pub fn parse(text: &[u8]) -> Option<Timespec> {
    if let Some(seconds) = text.strip_prefix(b"@") {
        return Some(Timespec {
            sec: crate::number::parse_i64(seconds)?,
            nsec: 0,
        });
    }
    let text = text.strip_suffix(b"Z").unwrap_or(text);
    let (date, time) = match text.iter().position(|b| matches!(b, b' ' | b'T')) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &b"00:00"[..]),
    };
    let field = |text: Option<&[u8]>, low: u64, high: u64| {
        parse_u64(text?).filter(|n| (low..=high).contains(n))
    };
    let mut date = date.split(|b| *b == b'-');
    let year = field(date.next(), 1, 9999)? as i64;
    let month = field(date.next(), 1, 12)? as u32;
    let day = field(date.next(), 1, 31)? as u32;
    let mut time = time.split(|b| *b == b':');
    let hour = field(time.next(), 0, 23)?;
    let minute = field(time.next(), 0, 59)?;
    let second = time
        .next()
        .map_or(Some(0), |text| field(Some(text), 0, 60))?;
    if date.next().is_some() || time.next().is_some() {
        return None;
    }
    let days = days_from_civil(year, month, day);
    Some(Timespec {
        sec: days * DAY + (hour * 3600 + minute * 60 + second) as i64,
        nsec: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sec: i64) -> Moment {
        Moment::new(Timespec { sec, nsec: 5 })
    }

    #[test]
    fn moments_format_as_date_does() {
        for (sec, expected) in [
            (0, "Thu Jan  1 00:00:00 UTC 1970"),
            (951_827_696, "Tue Feb 29 12:34:56 UTC 2000"),
            (4_107_542_399, "Sun Feb 28 23:59:59 UTC 2100"),
            (-1, "Wed Dec 31 23:59:59 UTC 1969"),
        ] {
            assert_eq!(at(sec).format("%a %b %e %H:%M:%S %Z %Y"), expected);
        }
        assert_eq!(
            at(951_827_696).format("%F %j %-d %u %I%p %N%% %Q"),
            "2000-02-29 060 29 2 12PM 000000005% %Q"
        );
    }

    #[test]
    fn dates_parse_back_to_their_moment() {
        for sec in [0, 951_827_696, 4_107_542_399, 1_700_000_000] {
            let text = at(sec).format("%F %T");
            assert_eq!(parse(text.as_bytes()).unwrap().sec, sec);
        }
        assert_eq!(parse(b"@12").unwrap().sec, 12);
        for bad in [
            "",
            "2020",
            "2020-13-01",
            "2020-01-01 25:00",
            "2020-01-01 1:2:3:4",
        ] {
            assert!(parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
