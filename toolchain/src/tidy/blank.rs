//! Code without prose: the little of Rust's lexical structure that the rules need.
//!
//! The Rust Reference, "Comments" and "Tokens": comments nest, a raw string ends at as many `#` as it
//! began with, and a quote begins a character only if another one ends it.

/// Replaces comments, strings and character literals by blanks.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        if end > at {
            for byte in &mut out[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
            at = end;
        } else {
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where the comment or literal that begins at `at` ends; `at` itself if none begins there.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let after_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    let length = match rest {
        [b'/', b'/', ..] => rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => string(rest),
        [b'r', b'"' | b'#', ..] if !after_word => {
            raw_string(&rest[1..]).map_or(0, |length| length + 1)
        }
        [b'b', b'r', b'"' | b'#', ..] if !after_word => {
            raw_string(&rest[2..]).map_or(0, |length| length + 2)
        }
        [b'\'', b'\\', ..] => {
            2 + rest[2..]
                .iter()
                .skip(1)
                .position(|&b| b == b'\'')
                .map_or(0, |end| end + 2)
        }
        // A quote, one character, a quote: otherwise it is a lifetime.
        [b'\'', ..] => {
            let text = String::from_utf8_lossy(&rest[1..rest.len().min(8)]).into_owned();
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(c), Some('\'')) => c.len_utf8() + 2,
                _ => 0,
            }
        }
        _ => 0,
    };
    (at + length).min(bytes.len())
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// `rest` begins behind the `r`. `None` for a raw identifier.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest.iter().take_while(|&&b| b == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let body = &rest[hashes + 1..];
    let end = body
        .windows(close.len())
        .position(|window| window == close)
        .unwrap_or(body.len());
    Some(hashes + 1 + end + close.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_and_literals_are_not_code() {
        let check = |text: &str, code: &str| assert_eq!(blank(text), code, "{text}");
        check("a // unsafe\nb", "a          \nb");
        check("a /* x /* y */ z */ b", "a                   b");
        check(r#"f("un\"safe") b"#, "f(          ) b");
        check(r##"r#"a " b"# c"##, "           c");
        check("'x' '\\n' '\"' <'a>", "             <'a>");
        check("r#type", "r#type");
        check("\"open", "     ");
    }
}
