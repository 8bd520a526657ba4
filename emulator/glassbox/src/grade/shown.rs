//! A hostile guest's bytes as text that is short, in one line, and cannot act on a terminal.

/// Most bytes that are shown.
const MOST: usize = 120;

/// The bytes in quotes; if there are many, the first ones and how many there are.
pub fn quoted(bytes: &[u8]) -> String {
    let end = bytes.len().min(MOST);
    let text = bytes[..end].escape_ascii();
    match end < bytes.len() {
        true => format!("\"{text}\"... ({} bytes)", bytes.len()),
        false => format!("\"{text}\""),
    }
}

/// What was expected and what was seen, from the line on in which they begin to differ.
pub fn difference(expected: &[u8], seen: &[u8]) -> (String, String) {
    let same = expected
        .iter()
        .zip(seen)
        .take_while(|(a, b)| a == b)
        .count();
    let before = expected.get(..same).unwrap_or_default();
    let from = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1);
    // A long line is shown from close to where it differs.
    let from = from.max(same.saturating_sub(MOST / 2));
    if from == 0 {
        return (quoted(expected), quoted(seen));
    }
    let shown = |bytes: &[u8]| match bytes.get(from..).filter(|rest| !rest.is_empty()) {
        Some(rest) => format!("{} at byte {from}", quoted(rest)),
        None => format!("the end at byte {}", bytes.len()),
    };
    (shown(expected), shown(seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_a_terminal_and_nothing_is_long() {
        assert_eq!(quoted(b"\x1b[2J\n\xff"), "\"\\x1b[2J\\n\\xff\"");
        let long = quoted(&[0x1b; 100_000]);
        assert!(long.len() < 600 && long.ends_with("(100000 bytes)"));
    }

    #[test]
    fn a_difference_is_shown_by_its_line() {
        let (expected, seen) = difference(b"one\ntwo\n", b"one\ntwi\n");
        assert_eq!(expected, "\"two\\n\" at byte 4");
        assert_eq!(seen, "\"twi\\n\" at byte 4");
        let (expected, seen) = difference(b"one\ntwo\n", b"one\n");
        assert_eq!(
            (&expected[..], &seen[..]),
            ("\"two\\n\" at byte 4", "the end at byte 4")
        );
        assert_eq!(difference(b"a", b"b").1, "\"b\"");
    }
}
