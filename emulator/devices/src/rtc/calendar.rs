//! The Gregorian calendar: seconds since 1970 to date and time of day, and back.

/// A date and time of day. The numbers may be out of range (a guest writes them one by one): they carry over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

const DAY: i64 = 86_400;

/// Days of 400 years, after which the calendar repeats, and from 0000-03-01 to 1970-01-01.
const ERA: i64 = 146_097;
const EPOCH: i64 = 719_468;

impl Calendar {
    /// The date and time `seconds` after the beginning of 1970.
    pub fn from_seconds(seconds: i64) -> Self {
        let (days, rest) = (seconds.div_euclid(DAY) + EPOCH, seconds.rem_euclid(DAY));
        // Counted from 1 March, a year's leap day is its last, and five months have 153 days.
        let (era, of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let march_month = (5 * of_year + 2) / 153;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let year = year + 400 * era + i64::from(month <= 2);
        Self {
            year: year.clamp(0, 9999) as u16,
            month: month as u8,
            day: (of_year - (153 * march_month + 2) / 5 + 1) as u8,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
        }
    }

    /// Seconds since the beginning of 1970.
    pub fn to_seconds(self) -> i64 {
        let month = i64::from(self.month.clamp(1, 12));
        let year = i64::from(self.year) - i64::from(month <= 2);
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let march_month = (month + 9) % 12;
        let of_year = (153 * march_month + 2) / 5 + i64::from(self.day) - 1;
        let days = era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH;
        days * DAY
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second)
    }

    /// 1 for Sunday to 7 for Saturday.
    pub fn weekday(self) -> u8 {
        // 1970 began on a Thursday.
        ((self.to_seconds().div_euclid(DAY) + 4).rem_euclid(7) + 1) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates_come_out_right() {
        let rows = [
            (0, (1970, 1, 1, 0, 0, 0), 5),
            (951_782_400, (2000, 2, 29, 0, 0, 0), 3),
            (1_767_225_599, (2025, 12, 31, 23, 59, 59), 4),
            (4_107_542_400, (2100, 3, 1, 0, 0, 0), 2),
            (-1, (1969, 12, 31, 23, 59, 59), 4),
        ];
        for (seconds, (year, month, day, hour, minute, second), weekday) in rows {
            let date = Calendar::from_seconds(seconds);
            let expected = Calendar {
                year,
                month,
                day,
                hour,
                minute,
                second,
            };
            assert_eq!((date, date.weekday()), (expected, weekday));
            assert_eq!(date.to_seconds(), seconds);
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in (0..146_097 * DAY).step_by(DAY as usize) {
            assert_eq!(Calendar::from_seconds(day).to_seconds(), day);
        }
    }
}
