//! Text for a terminal: columns, lines, bars, colours.

/// Columns of a bar.
pub const BAR: usize = 36;

/// How text may look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences may be used.
    pub colour: bool,
}

impl Style {
    fn wrapped(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// What matters.
    pub fn bold(self, text: &str) -> String {
        self.wrapped("1", text)
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.wrapped("2", text)
    }

    /// What stands for a number.
    pub fn number(self, text: &str) -> String {
        self.wrapped("36", text)
    }
}

/// A text without what could act on a terminal.
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = (!c.is_control()).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

/// Columns of a text: all of its characters are one wide.
pub fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The beginning of a text.
pub fn cut(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// The end of a text.
pub fn cut_left(text: &str, most: usize) -> String {
    let len = columns(text);
    if len <= most {
        return text.to_owned();
    }
    let end: String = text.chars().skip(len + 1 - most).collect();
    format!("…{end}")
}

/// A text in lines of at most `width` columns, broken at spaces where there are any.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word;
        loop {
            let last = lines.len() - 1;
            let line = &mut lines[last];
            let space = usize::from(!line.is_empty());
            if columns(line) + space + columns(word) <= width {
                if space > 0 {
                    line.push(' ');
                }
                line.push_str(word);
                break;
            }
            if line.is_empty() {
                let end = word
                    .char_indices()
                    .nth(width.max(1))
                    .map_or(word.len(), |(at, _)| at);
                line.push_str(&word[..end]);
                word = &word[end..];
                if word.is_empty() {
                    break;
                }
            }
            lines.push(String::new());
        }
    }
    lines
}

/// A bar as long as `part` of `whole`, to an eighth of a column.
pub fn bar(part: u64, whole: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (u128::from(part) * BAR as u128 * 8).div_ceil(u128::from(whole.max(1))) as usize;
    let eighths = eighths.min(BAR * 8);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_words_that_are_too_long_anywhere() {
        assert_eq!(wrapped("ab cd ef", 5), ["ab cd", "ef"]);
        assert_eq!(wrapped("abcdefg h", 3), ["abc", "def", "g h"]);
        assert_eq!(wrapped("", 3), [""]);
        assert_eq!(wrapped("äöü ß", 3), ["äöü", "ß"]);
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(0, 10), "");
        assert_eq!(columns(&bar(10, 10)), BAR);
        assert_eq!(columns(&bar(5, 10)), BAR / 2);
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(columns(&bar(u64::MAX, 0)), BAR);
    }

    #[test]
    fn what_is_too_long_is_cut_where_it_matters_least() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut_left("abcdef", 4), "…def");
        assert_eq!(cut("abc", 3), "abc");
    }
}
