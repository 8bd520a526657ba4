//! Strings of JSON in ASCII alone, so that nothing in a trace acts on the terminal that shows it.
//!
//! A guest's names and buffers are bytes, not text. What of them is UTF-8 stands for itself; any other byte is written
//! as `\x` and two hexadecimal digits, and a backslash of the guest's as two, so that every byte can be had back. (JSON
//! has its own escapes on top of that: the byte 0xff is the six characters `"\\xff"` with the quotation marks.)

/// Text of our own.
pub(super) fn plain(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    escape(line, text);
    line.push(b'"');
}

/// Bytes of the guest's.
pub(super) fn guest(line: &mut Vec<u8>, bytes: &[u8]) {
    line.push(b'"');
    for chunk in bytes.utf8_chunks() {
        for (index, part) in chunk.valid().split('\\').enumerate() {
            if index > 0 {
                escape(line, r"\\");
            }
            escape(line, part);
        }
        for byte in chunk.invalid() {
            escape(line, &format!("\\x{byte:02x}"));
        }
    }
    line.push(b'"');
}

/// The characters of a string literal (RFC 8259, 7).
fn escape(line: &mut Vec<u8>, text: &str) {
    for c in text.chars() {
        match c {
            '"' => line.extend_from_slice(b"\\\""),
            '\\' => line.extend_from_slice(b"\\\\"),
            '\n' => line.extend_from_slice(b"\\n"),
            '\t' => line.extend_from_slice(b"\\t"),
            '\r' => line.extend_from_slice(b"\\r"),
            ' '..='~' => line.push(c as u8),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    line.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Undoes [`guest`], as a reader would.
    fn back(json: &[u8]) -> Vec<u8> {
        let text: String = serde_json::from_slice(json).unwrap();
        let mut bytes = Vec::new();
        let mut rest = &text[..];
        while let Some(c) = rest.chars().next() {
            let taken = match rest.as_bytes() {
                [b'\\', b'\\', ..] => {
                    bytes.push(b'\\');
                    2
                }
                [b'\\', b'x', ..] => {
                    bytes.push(u8::from_str_radix(&rest[2..4], 16).unwrap());
                    4
                }
                _ => {
                    bytes.extend_from_slice(&rest.as_bytes()[..c.len_utf8()]);
                    c.len_utf8()
                }
            };
            rest = &rest[taken..];
        }
        bytes
    }

    #[test]
    fn every_byte_of_the_guests_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [
            &all[..],
            b"",
            b"plain",
            b"\\xff is not \xff",
            "gr\u{fc}n \u{1f600}\u{9b}2J".as_bytes(),
            b"half \xf0\x9f\x98",
        ] {
            let mut line = Vec::new();
            guest(&mut line, bytes);
            assert!(line.iter().all(|byte| (b' '..=b'~').contains(byte)));
            assert_eq!(back(&line), bytes);
        }
    }

    #[test]
    fn text_stands_for_itself() {
        let mut line = Vec::new();
        guest(&mut line, "a\u{e9}\"\n\u{1f600}".as_bytes());
        assert_eq!(line, br#""a\u00e9\"\n\ud83d\ude00""#);
        line.clear();
        guest(&mut line, b"\xff\\");
        assert_eq!(line, br#""\\xff\\\\""#);
        line.clear();
        plain(&mut line, "a\\b");
        assert_eq!(line, br#""a\\b""#);
    }
}
