//! What the user says of where the shown part begins and ends, and of addresses.

use base::Time;
use std::ops::Range;

/// An edge as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A virtual time.
    Time(Time),
    /// A function of the kernel, by name.
    Symbol(String),
    /// Text on the console.
    Text(Vec<u8>),
}

/// Reads `1.5ms`, `symbol:NAME` or `text:TEXT`.
///
/// # Errors
/// One line.
pub fn parse(text: &str) -> Result<Named, String> {
    if let Some(name) = text.strip_prefix("symbol:") {
        return match name {
            "" => Err("'symbol:' needs the name of a function".into()),
            name => Ok(Named::Symbol(name.into())),
        };
    }
    if let Some(shown) = text.strip_prefix("text:") {
        return match shown {
            "" => Err("'text:' needs a text".into()),
            shown => Ok(Named::Text(shown.as_bytes().into())),
        };
    }
    duration(text).map(Named::Time).ok_or_else(|| {
        format!("'{text}' is neither a time (2ms, 1.5s, 800us, 90ns) nor symbol:NAME nor text:TEXT")
    })
}

/// A span of virtual time with its unit; a bare number means seconds.
pub fn duration(text: &str) -> Option<Time> {
    const UNITS: [(&str, u32); 4] = [("ns", 0), ("us", 3), ("ms", 6), ("s", 9)];
    let (number, digits) = UNITS
        .iter()
        .find_map(|(unit, digits)| Some((text.strip_suffix(unit)?, *digits)))
        .unwrap_or((text, 9));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !decimal(whole) || !decimal(fraction) || fraction.len() > 9 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let mut nanos = whole.checked_mul(10u64.pow(digits))?;
    if !fraction.is_empty() {
        let part = fraction
            .parse::<u64>()
            .ok()?
            .checked_mul(10u64.pow(digits))?;
        nanos = nanos.checked_add(part / 10u64.pow(fraction.len() as u32))?;
    }
    Some(Time(nanos))
}

/// Reads `0xFROM-0xTO`, the end not included, or a single address.
///
/// # Errors
/// One line.
pub fn addresses(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(&digits.replace('_', ""), 16).ok(),
        None => text.parse().ok(),
    };
    let range = match text.split_once('-') {
        Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| from..to),
        None => number(text).map(|at| at..at.saturating_add(1)),
    };
    range
        .filter(|range| !range.is_empty())
        .ok_or_else(|| format!("'{text}' is no range of addresses: say 0x1000-0x2000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_fractions() {
        let of = |text| duration(text).map(|time| time.0);
        assert_eq!(of("2ms"), Some(2_000_000));
        assert_eq!(of("1.5s"), Some(1_500_000_000));
        assert_eq!(of("0.25us"), Some(250));
        assert_eq!(of("3"), Some(3_000_000_000));
        for text in [
            "",
            "ms",
            "-1s",
            "1.s.2",
            "1e9",
            "99999999999999999999",
            "1h",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn edges_are_times_symbols_or_texts() {
        assert_eq!(parse("symbol:main"), Ok(Named::Symbol("main".into())));
        assert_eq!(parse("text:$ "), Ok(Named::Text(b"$ ".to_vec())));
        assert!(parse("symbol:").is_err());
        assert!(parse("tomorrow").is_err());
    }

    #[test]
    fn ranges_of_addresses_have_an_end() {
        assert_eq!(addresses("0x1000-0x2000"), Ok(0x1000..0x2000));
        assert_eq!(addresses("16"), Ok(16..17));
        assert!(addresses("5-5").is_err());
        assert!(addresses("main").is_err());
    }
}
