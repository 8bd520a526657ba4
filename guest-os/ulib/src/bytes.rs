//! Bytes in formatted text.
//!
//! Names and file contents are bytes, `core::fmt` carries only UTF-8. [`show`] lets bytes pass
//! through a format string unharmed: what is not UTF-8 travels as a character of a private range, one
//! a byte, and [`append`], which every output of this library ends in, turns it back. (Python's
//! "surrogateescape" is the same idea.) Genuine characters of that range travel byte by byte too.

use core::fmt;
use rust_alloc::string::String;
use rust_alloc::vec::Vec;

/// Bytes that can be displayed. Made by [`show`].
pub struct Show<'a>(&'a [u8]);

/// Displays bytes as they are.
pub fn show<T: AsRef<[u8]> + ?Sized>(bytes: &T) -> Show<'_> {
    Show(bytes.as_ref())
}

/// The first character of the range: byte `b` travels as this plus `b`.
const CARRIER: u32 = 0x10_ff00;
/// The first byte of every such character in UTF-8.
const CARRIER_LEAD: u8 = 0xf4;

fn carry(byte: u8) -> char {
    char::from_u32(CARRIER + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

impl fmt::Display for Show<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c as u32 >= CARRIER {
                    text.extend(c.encode_utf8(&mut [0; 4]).bytes().map(carry));
                } else {
                    text.push(c);
                }
            }
            text.extend(chunk.invalid().iter().copied().map(carry));
        }
        f.pad(&text)
    }
}

/// Appends formatted text to bytes, undoing what [`show`] did.
pub fn append(out: &mut Vec<u8>, text: &str) {
    if !text.as_bytes().contains(&CARRIER_LEAD) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for c in text.chars() {
        match c as u32 {
            carried @ CARRIER.. => out.push((carried - CARRIER) as u8),
            _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Formats into bytes: `format(format_args!(...))`.
pub fn format(args: fmt::Arguments<'_>) -> Vec<u8> {
    struct Sink(Vec<u8>);
    impl fmt::Write for Sink {
        fn write_str(&mut self, s: &str) -> fmt::Result {
            append(&mut self.0, s);
            Ok(())
        }
    }
    let mut sink = Sink(Vec::new());
    // The sink never fails; a failing Display would only cut its own text short.
    let _ = fmt::write(&mut sink, args);
    sink.0
}

/// Where `needle` first occurs in `hay`.
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    hay.windows(needle.len()).position(|w| w == needle)
}

/// Splits at the first `separator`.
pub fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|b| *b == separator)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_pass_through_a_format_string() {
        let all: Vec<u8> = (0..=255).collect();
        let mut rare = "\u{10ff80}\u{10ffff}é".as_bytes().to_vec();
        rare.push(0xf4);
        for bytes in [&all, &rare] {
            assert_eq!(&format(format_args!("{}", show(bytes))), bytes);
        }
    }

    #[test]
    fn shown_bytes_are_padded_by_characters() {
        assert_eq!(format(format_args!("{:<4}|", show(b"ab"))), b"ab  |");
        assert_eq!(format(format_args!("{:>4}|", show(b"\xff"))), b"   \xff|");
    }

    #[test]
    fn needles_are_found_at_their_first_place() {
        assert_eq!(find(b"abcabc", b"ca"), Some(2));
        assert_eq!(find(b"abc", b""), Some(0));
        assert_eq!(find(b"ab", b"abc"), None);
    }
}
