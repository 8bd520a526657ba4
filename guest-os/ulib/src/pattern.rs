//! Shell patterns: `*`, `?`, `[a-z]`, `[!x]`, `[[:digit:]]`, backslash (fnmatch(3)).

/// Does the whole of `text` match `pattern`? A slash is a character like any other here.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    // The last star seen and the text it has swallowed up to; on a mismatch it swallows one more.
    let mut star: Option<(usize, usize)> = None;
    let (mut p, mut t) = (0, 0);
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            star = Some((p, t));
            continue;
        }
        match one(&pattern[p..], text[t]) {
            Some(used) => {
                p += used;
                t += 1;
            }
            None => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    p = after;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// Matches one byte against the first item of a pattern: how much of the pattern that took.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'\\' if pattern.len() > 1 => (pattern[1] == byte).then_some(2),
        b'[' => match bracket(&pattern[1..], b"!^", byte) {
            Some((true, used)) => Some(1 + used),
            Some((false, _)) => None,
            // Without its end it is an ordinary bracket.
            None => (byte == b'[').then_some(1),
        },
        literal => (literal == byte).then_some(1),
    }
}

/// Reads a bracket expression after its `[`: whether it holds `byte`, and its length with the `]`.
/// `None` if it has no end. Any of `negators` at the start negates: regular expressions, which use
/// this too, know only `^`.
pub fn bracket(pattern: &[u8], negators: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = pattern
        .first()
        .is_some_and(|first| negators.contains(first));
    let start = usize::from(negated);
    let mut found = false;
    let mut at = start;
    loop {
        let first = *pattern.get(at)?;
        if first == b']' && at > start {
            return Some((found != negated, at + 1));
        }
        if first == b'[' && pattern.get(at + 1) == Some(&b':') {
            let name_end = crate::bytes::find(&pattern[at + 2..], b":]")?;
            found |= class(&pattern[at + 2..at + 2 + name_end], byte);
            at += name_end + 4;
            continue;
        }
        at += 1;
        let is_range =
            pattern.get(at) == Some(&b'-') && pattern.get(at + 1).is_some_and(|last| *last != b']');
        if is_range {
            found |= (first..=pattern[at + 1]).contains(&byte);
            at += 2;
        } else {
            found |= first == byte;
        }
    }
}

/// Is `byte` in a named class of the C locale?
pub fn class(name: &[u8], byte: u8) -> bool {
    match name {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"cntrl" => byte.is_ascii_control(),
        b"digit" => byte.is_ascii_digit(),
        b"graph" => byte.is_ascii_graphic(),
        b"lower" => byte.is_ascii_lowercase(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => byte.is_ascii_whitespace() || byte == 0x0b,
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_fnmatch_does() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        };
        check("", "", true);
        check("*", "", true);
        check("a*c", "abcbc", true);
        check("a*c", "abcb", false);
        check("*.rs", "main.rs", true);
        check("?", "", false);
        check("[a-c]x", "bx", true);
        check("[!a-c]x", "bx", false);
        check("[]]", "]", true);
        check("[]-]", "-", true);
        check("[[:digit:]]*", "7up", true);
        check("[[:digit:][:upper:]]", "Q", true);
        check("[a", "[a", true);
        check("\\*", "*", true);
        check("\\*", "x", false);
        check("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false);
    }
}
