//! Words of strace's text: quoted bytes, signals, sets of signals, modes, devices.

use abi::signal;
use std::fmt::Write;

/// How bytes are quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// As text: what cannot be printed in octal, `"` and `\` with a backslash.
    Text,
    /// Each byte as `\xNN`.
    Hex,
    /// As text, for between `<` and `>`, which are then escaped and not the quotes' place.
    Angle,
}

/// Writes `bytes` so that they cannot be taken for anything else, nor act on a terminal.
pub fn quote(bytes: &[u8], how: Quote, out: &mut String) {
    let mark = match how {
        Quote::Angle => "",
        Quote::Text | Quote::Hex => "\"",
    };
    out.push_str(mark);
    for (index, &byte) in bytes.iter().enumerate() {
        match byte {
            _ if how == Quote::Hex => _ = write!(out, "\\x{byte:02x}"),
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b'\x0c' => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\x0b' => out.push_str("\\v"),
            b'<' | b'>' if how == Quote::Angle => _ = write!(out, "\\{byte:o}"),
            b' '..=b'~' => out.push(char::from(byte)),
            // In full where a digit that follows would be taken for a part of it.
            _ if matches!(bytes.get(index + 1), Some(b'0'..=b'7')) => {
                _ = write!(out, "\\{byte:03o}");
            }
            _ => _ = write!(out, "\\{byte:o}"),
        }
    }
    out.push_str(mark);
}

/// The first of the signals without a name of their own.
const FIRST_REAL_TIME: u32 = 32;

/// A signal by name, or by number if there is none.
pub fn signal_name(signal: i32) -> String {
    let number = signal as u32;
    match signal::name(number) {
        Some(name) => name.to_owned(),
        None if (FIRST_REAL_TIME..signal::NSIG).contains(&number) => {
            format!("SIGRT_{}", number - FIRST_REAL_TIME)
        }
        None => signal.to_string(),
    }
}

/// A set of signals of so many bytes. If most of them are in it, those are named that are not.
pub fn signal_set(set: u64, bytes: usize) -> String {
    let bits = 32 * bytes.min(8).div_ceil(4) as u32;
    let all = if bits < 64 { (1 << bits) - 1 } else { u64::MAX };
    let most = (set & all).count_ones() >= bits * 2 / 3;
    let shown = if most { !set & all } else { set & all };
    let names: Vec<String> = (1..=bits)
        .filter(|signal| shown & signal::bit(*signal) != 0)
        .map(|signal| signal_name(signal as i32)["SIG".len()..].to_owned())
        .collect();
    format!("{}[{}]", if most { "~" } else { "" }, names.join(" "))
}

/// A number in octal, as permissions are shown.
pub fn octal(number: u64) -> String {
    // C's "%#03llo": three characters with the leading zero.
    match number {
        0 => "000".to_owned(),
        1..=7 => format!("00{number:o}"),
        _ => format!("0{number:o}"),
    }
}

/// A file's mode: its type by name, and the permissions.
pub fn mode(mode: u32) -> String {
    use abi::stat::{FILE_TYPE, S_IFMT, S_ISGID, S_ISUID, S_ISVTX};
    let mut text = String::new();
    if mode & S_IFMT != 0 {
        match FILE_TYPE.name(u64::from(mode & S_IFMT)) {
            Some(name) => text.extend([name, "|"]),
            None => return octal(mode.into()),
        }
    }
    for (bit, name) in [
        (S_ISUID, "S_ISUID|"),
        (S_ISGID, "S_ISGID|"),
        (S_ISVTX, "S_ISVTX|"),
    ] {
        if mode & bit != 0 {
            text.push_str(name);
        }
    }
    let rest = mode & !(S_IFMT | S_ISUID | S_ISGID | S_ISVTX);
    text + &octal(rest.into())
}

/// A device number (makedev(3)).
pub fn device(number: u64) -> String {
    let major = number >> 8 & 0xfff | number >> 32 & 0xffff_f000;
    let minor = number & 0xff | number >> 12 & 0xffff_ff00;
    format!("makedev({}, {})", hex(major), hex(minor))
}

/// C's "%#llx".
pub fn hex(number: u64) -> String {
    match number {
        0 => "0".to_owned(),
        _ => format!("{number:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_quoted_so_that_they_are_one_word_and_harmless() {
        let check = |bytes: &[u8], how, expected: &str| {
            let mut out = String::new();
            quote(bytes, how, &mut out);
            assert_eq!(out, expected);
        };
        check(b"a\n\"\\\t", Quote::Text, r#""a\n\"\\\t""#);
        check(b"\x1b[31m\x001\x009", Quote::Text, r#""\33[31m\0001\09""#);
        check(b"\xff\x7f", Quote::Text, r#""\377\177""#);
        check(b"a\xff", Quote::Hex, r#""\x61\xff""#);
        check(b"/a<b>c", Quote::Angle, r"/a\74b\76c");
    }

    #[test]
    fn signals_and_sets_have_names() {
        assert_eq!(signal_name(2), "SIGINT");
        assert_eq!(signal_name(34), "SIGRT_2");
        assert_eq!(signal_name(0), "0");
        assert_eq!(signal_name(-1), "-1");
        assert_eq!(signal_set(0, 8), "[]");
        assert_eq!(signal_set(0x1_0002, 8), "[INT CHLD]");
        assert_eq!(signal_set(u64::MAX, 8), "~[]");
        assert_eq!(signal_set(!0x4_0100, 8), "~[KILL STOP]");
        assert_eq!(signal_set(1 << 33, 8), "[RT_2]");
    }

    #[test]
    fn modes_have_three_digits_and_a_type() {
        assert_eq!(octal(0), "000");
        assert_eq!(octal(7), "007");
        assert_eq!(octal(0o22), "022");
        assert_eq!(octal(0o644), "0644");
        assert_eq!(mode(0o100_644), "S_IFREG|0644");
        assert_eq!(mode(0o104_755), "S_IFREG|S_ISUID|0755");
        assert_eq!(mode(0o170_000), "0170000");
        assert_eq!(mode(0o20), "020");
        assert_eq!(device(0x0501), "makedev(0x5, 0x1)");
    }
}
