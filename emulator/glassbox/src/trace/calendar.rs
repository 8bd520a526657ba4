//! The guest's calendar, in UTC.

/// Year, month and day of a number of days since 1970-01-01 in the proleptic Gregorian calendar.
fn date(days: i64) -> (i64, u32, u32) {
    // Years that begin in March have their leap day at the end; 146097 days are 400 years, day 0 is 0000-03-01.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + 400 * era + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// `HH:MM:SS`.
pub fn time_of_day(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// An instant as strace has it in comments, such as ` /* 2026-01-01T00:00:00+0000 */`; nothing for the instant 0 and for
/// those that are none.
pub fn comment(sec: i64, nsec: u64) -> String {
    /// Beyond these seconds the year has more than nine digits.
    const MOST: i64 = 1 << 54;
    if sec == 0 && nsec == 0 || nsec >= 1_000_000_000 || !(-MOST..MOST).contains(&sec) {
        return String::new();
    }
    let (year, month, day) = date(sec.div_euclid(86_400));
    let time = time_of_day(sec.rem_euclid(86_400) as u64);
    let fraction = match nsec {
        0 => String::new(),
        _ => format!(".{nsec:09}"),
    };
    format!(" /* {year}-{month:02}-{day:02}T{time}{fraction}+0000 */")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_454, (2026, 1, 1)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn instants_are_comments() {
        assert_eq!(comment(1_767_225_600, 0), " /* 2026-01-01T00:00:00+0000 */");
        assert_eq!(comment(1, 5), " /* 1970-01-01T00:00:01.000000005+0000 */");
        assert_eq!(comment(0, 0), "");
        assert_eq!(comment(5, u64::MAX), "");
        assert_eq!(comment(i64::MIN, 1), "");
        assert_eq!(time_of_day(86_399), "23:59:59");
    }
}
