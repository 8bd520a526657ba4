//! Numbers in arguments and listings.

use rust_alloc::format;
use rust_alloc::string::String;

/// Parses a decimal number that fills the whole text.
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Parses a decimal number with an optional sign.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let value = i128::from(parse_u64(digits)?);
    i64::try_from(if negative { -value } else { value }).ok()
}

/// Parses an octal number of at most 12 bits, as modes are written.
pub fn parse_mode(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    let value = text.iter().try_fold(0u32, |value, byte| {
        let digit = matches!(byte, b'0'..=b'7').then(|| u32::from(byte - b'0'))?;
        value.checked_mul(8)?.checked_add(digit)
    })?;
    (value <= 0o7777).then_some(value)
}

/// Parses a size with an optional suffix: `b` 512, `K M G` powers of 1024, `kB MB GB` of 1000.
pub fn parse_size(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, suffix) = text.split_at(digits);
    let factor = match suffix {
        b"" | b"c" => 1,
        b"b" => 512,
        b"k" | b"K" | b"KiB" => 1 << 10,
        b"kB" | b"KB" => 1000,
        b"M" | b"MiB" => 1 << 20,
        b"MB" => 1_000_000,
        b"G" | b"GiB" => 1 << 30,
        b"GB" => 1_000_000_000,
        _ => return None,
    };
    parse_u64(number)?.checked_mul(factor)
}

/// A size as `ls -h` shows it: `999`, `1.5K`, `12M`. Rounded up, like GNU's.
pub fn human(bytes: u64) -> String {
    const UNITS: [char; 6] = ['K', 'M', 'G', 'T', 'P', 'E'];
    if bytes < 1024 {
        return format!("{bytes}");
    }
    let mut unit = 0;
    let mut scale = 1024u64;
    while unit + 1 < UNITS.len() && bytes.div_ceil(scale) >= 1024 {
        scale *= 1024;
        unit += 1;
    }
    let tenths = (u128::from(bytes) * 10).div_ceil(u128::from(scale));
    if tenths < 100 {
        format!("{}.{}{}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        format!("{}{}", bytes.div_ceil(scale), UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fill_the_whole_text_or_are_refused() {
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "-1", "1x", "18446744073709551616"] {
            assert_eq!(parse_u64(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(parse_i64(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_i64(b"+7"), Some(7));
        assert_eq!(parse_i64(b"-"), None);
        assert_eq!(parse_mode(b"0755"), Some(0o755));
        assert_eq!(parse_mode(b"8"), None);
        assert_eq!(parse_mode(b"77777"), None);
    }

    #[test]
    fn sizes_take_the_suffixes_of_dd() {
        assert_eq!(parse_size(b"4K"), Some(4096));
        assert_eq!(parse_size(b"2b"), Some(1024));
        assert_eq!(parse_size(b"1MB"), Some(1_000_000));
        assert_eq!(parse_size(b"K"), None);
        assert_eq!(parse_size(b"1Q"), None);
    }

    #[test]
    fn human_sizes_round_up_like_gnu() {
        for (bytes, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1025, "1.1K"),
            (10240, "10K"),
            (10241, "11K"),
            (1024 * 1024 - 1, "1.0M"),
            (5 << 30, "5.0G"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }
}
