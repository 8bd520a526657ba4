//! Bytes as text that survives a shell, a URL and a double click: base64url without padding (RFC 4648, section 5).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The text of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut padded = [0; 4];
        padded[1..=group.len()].copy_from_slice(group);
        let value = u32::from_be_bytes(padded);
        for digit in 0..=group.len() {
            let index = value >> (18 - 6 * digit) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

/// The bytes behind `text`; `None` if it is no such text, or not the only one for its bytes.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let mut value = 0;
        for (digit, &letter) in group.iter().enumerate() {
            let index = ALPHABET.iter().position(|&known| known == letter)?;
            value |= (index as u32) << (18 - 6 * digit);
        }
        let len = group.len() - 1;
        let [_, group @ ..] = value.to_be_bytes();
        if len == 0 || group[len..].iter().any(|&byte| byte != 0) {
            return None;
        }
        bytes.extend(&group[..len]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_standard() {
        // RFC 4648, section 10, without the padding.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn what_is_no_such_text_is_refused() {
        for text in ["A", "Zg==", "Zh", "Zm9", "Z g", "Zm9vA", "Zm+v", "é"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
