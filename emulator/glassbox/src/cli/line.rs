//! A line editor for the monitor: bytes as a terminal in raw mode sends them in, what to show out.
//!
//! It knows what a person tries first: Backspace, Ctrl-U, Ctrl-W, Ctrl-K, the arrow keys, Home and End (Ctrl-A is the
//! machine's escape key), Ctrl-C to drop the line, Ctrl-D to leave. A crate for this would read the keyboard itself,
//! which belongs to a thread that also hears the keys for the guest.

use std::fmt::Write;

/// Most characters of a line.
const MOST: usize = 1000;
/// Most lines that are remembered.
const MOST_LINES: usize = 500;

/// What came of a byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited {
    /// The line goes on.
    More,
    /// The line is complete.
    Line(String),
    /// Ctrl-D on an empty line.
    End,
}

/// How far an escape sequence has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sequence {
    #[default]
    None,
    /// ESC.
    Begun,
    /// ESC [ or ESC O, and the number that follows.
    Inside(u8),
}

/// A line that is being edited, and those before it.
#[derive(Debug, Default)]
pub struct Editor {
    prompt: &'static str,
    line: Vec<char>,
    /// Where the next character goes.
    cursor: usize,
    history: Vec<String>,
    /// The line of the history that is shown; its length stands for the new line.
    place: usize,
    /// The new line, while one of the history is shown.
    draft: Vec<char>,
    sequence: Sequence,
    /// Bytes of a character that has not come whole.
    bytes: Vec<u8>,
}

impl Editor {
    /// An editor that begins its lines with `prompt`.
    pub fn new(prompt: &'static str) -> Self {
        Self {
            prompt,
            ..Self::default()
        }
    }

    /// Shows the prompt and what was typed so far.
    pub fn draw(&self, out: &mut String) {
        let line: String = self.line.iter().collect();
        let _ = write!(out, "\r{}{line}\x1b[K", self.prompt);
        let back = self.line.len() - self.cursor;
        if back > 0 {
            let _ = write!(out, "\x1b[{back}D");
        }
    }

    /// Takes a byte; what it changes on the screen is added to `out`.
    pub fn take(&mut self, byte: u8, out: &mut String) -> Edited {
        if self.sequence != Sequence::None {
            self.escape(byte, out);
            return Edited::More;
        }
        match byte {
            b'\r' | b'\n' => {
                out.push('\n');
                return Edited::Line(self.complete());
            }
            0x03 => {
                out.push_str("^C\n");
                self.clear();
                self.draw(out);
            }
            0x04 if self.line.is_empty() => {
                out.push('\n');
                return Edited::End;
            }
            0x1b => self.sequence = Sequence::Begun,
            0x08 | 0x7f => self.erase(self.cursor.saturating_sub(1), self.cursor, out),
            0x15 => self.erase(0, self.cursor, out),
            0x0b => self.erase(self.cursor, self.line.len(), out),
            0x17 => {
                let before = &self.line[..self.cursor];
                let word = before
                    .iter()
                    .rposition(|c| *c != ' ')
                    .map_or(0, |at| at + 1);
                let start = before[..word].iter().rposition(|c| *c == ' ');
                self.erase(start.map_or(0, |at| at + 1), self.cursor, out);
            }
            0x01 => self.go_to(0, out),
            0x05 => self.go_to(self.line.len(), out),
            0x10 => self.recall(self.place.wrapping_sub(1), out),
            0x0e => self.recall(self.place + 1, out),
            0x0c => self.draw(out),
            0..0x20 => {}
            _ => self.text(byte, out),
        }
        Edited::More
    }

    /// A byte of a character.
    fn text(&mut self, byte: u8, out: &mut String) {
        self.bytes.push(byte);
        let character = match std::str::from_utf8(&self.bytes) {
            Ok(text) => text.chars().next(),
            Err(error) if error.error_len().is_none() => return,
            Err(_) => None,
        };
        self.bytes.clear();
        let Some(c) = character.filter(|c| !c.is_control() && self.line.len() < MOST) else {
            return;
        };
        self.line.insert(self.cursor, c);
        self.cursor += 1;
        if self.cursor == self.line.len() {
            out.push(c);
        } else {
            self.draw(out);
        }
    }

    /// A byte of an escape sequence (ECMA-48, 5.4).
    fn escape(&mut self, byte: u8, out: &mut String) {
        let number = match self.sequence {
            Sequence::Begun if matches!(byte, b'[' | b'O') => {
                self.sequence = Sequence::Inside(0);
                return;
            }
            Sequence::Inside(number) => match byte {
                b'0'..=b'9' => {
                    let digit = byte - b'0';
                    let number = number.wrapping_mul(10).wrapping_add(digit);
                    self.sequence = Sequence::Inside(number);
                    return;
                }
                b';' => return,
                _ => number,
            },
            _ => 0,
        };
        let inside = matches!(self.sequence, Sequence::Inside(_));
        self.sequence = Sequence::None;
        if !inside {
            return;
        }
        match (byte, number) {
            (b'A', _) => self.recall(self.place.wrapping_sub(1), out),
            (b'B', _) => self.recall(self.place + 1, out),
            (b'C', _) => self.go_to(self.cursor + 1, out),
            (b'D', _) => self.go_to(self.cursor.wrapping_sub(1), out),
            (b'H', _) | (b'~', 1 | 7) => self.go_to(0, out),
            (b'F', _) | (b'~', 4 | 8) => self.go_to(self.line.len(), out),
            (b'~', 3) => self.erase(self.cursor, self.cursor + 1, out),
            _ => {}
        }
    }

    fn erase(&mut self, from: usize, to: usize, out: &mut String) {
        let to = to.min(self.line.len());
        if from >= to {
            return;
        }
        let last_only = to == self.line.len() && to - from == 1 && self.cursor == to;
        self.line.drain(from..to);
        self.cursor = from;
        if last_only {
            out.push_str("\x08 \x08");
        } else {
            self.draw(out);
        }
    }

    fn go_to(&mut self, cursor: usize, out: &mut String) {
        if cursor <= self.line.len() {
            self.cursor = cursor;
            self.draw(out);
        }
    }

    /// Shows a line of the history, or the new one again.
    fn recall(&mut self, place: usize, out: &mut String) {
        if place > self.history.len() {
            return;
        }
        if self.place == self.history.len() {
            self.draft = std::mem::take(&mut self.line);
        }
        self.place = place;
        self.line = match self.history.get(place) {
            Some(line) => line.chars().collect(),
            None => std::mem::take(&mut self.draft),
        };
        self.cursor = self.line.len();
        self.draw(out);
    }

    fn clear(&mut self) {
        self.line.clear();
        self.draft.clear();
        self.bytes.clear();
        self.cursor = 0;
        self.place = self.history.len();
    }

    fn complete(&mut self) -> String {
        let line: String = self.line.iter().collect();
        if !line.trim().is_empty() && self.history.last() != Some(&line) {
            if self.history.len() == MOST_LINES {
                self.history.remove(0);
            }
            self.history.push(line.clone());
        }
        self.clear();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types, and gives the lines that were completed.
    fn lines(editor: &mut Editor, typed: &str) -> Vec<String> {
        let mut out = String::new();
        typed
            .bytes()
            .filter_map(|byte| match editor.take(byte, &mut out) {
                Edited::Line(line) => Some(line),
                _ => None,
            })
            .collect()
    }

    fn line(typed: &str) -> String {
        lines(&mut Editor::new("> "), &format!("{typed}\r")).remove(0)
    }

    #[test]
    fn a_line_is_edited() {
        for (typed, wanted) in [
            ("abX\x7fc", "abc"),
            ("nothing\x15abc", "abc"),
            ("one two\x17three", "one three"),
            ("ac\x1b[Db", "abc"),
            ("bc\x1b[Ha\x1b[Fd", "abcd"),
            ("abc\x1b[D\x1b[D\x0b", "a"),
            ("abXc\x1b[D\x1b[D\x1b[3~", "abc"),
            ("dropped\x03kept", "kept"),
            ("\x7f\x7f\x1b[D\x1b[C\x1b[A\x1b[B\x17\x15", ""),
            ("\u{e9}\u{4e2d}\x7f!", "\u{e9}!"),
            ("a\x1bxb", "ab"),
            ("a\x1b[99999;5Xb", "ab"),
        ] {
            assert_eq!(line(typed), wanted, "{typed:?}");
        }
    }

    #[test]
    fn earlier_lines_are_called_back_and_the_new_one_is_kept_meanwhile() {
        let mut editor = Editor::new("> ");
        lines(&mut editor, "one\rtwo\rtwo\r\r");
        assert_eq!(lines(&mut editor, "\x1b[A\x1b[A\r"), ["one"]);
        assert_eq!(
            lines(
                &mut editor,
                "new\x1b[A\x1b[A\x1b[A\x1b[A\x1b[B\x1b[B\x1b[B\x1b[B\r"
            ),
            ["new"]
        );
    }

    #[test]
    fn typing_at_the_end_shows_just_what_is_typed() {
        let (mut editor, mut out) = (Editor::new("> "), String::new());
        for byte in b"ab\x7f" {
            editor.take(*byte, &mut out);
        }
        assert_eq!(out, "ab\x08 \x08");
        out.clear();
        editor.take(b'\r', &mut out);
        assert_eq!(editor.take(4, &mut out), Edited::End);
        assert_eq!(out, "\n\n");
    }

    #[test]
    fn no_byte_makes_it_panic_and_lines_end_somewhere() {
        let mut editor = Editor::new("> ");
        let mut out = String::new();
        for n in 0..200_000u32 {
            let byte = (n.wrapping_mul(2_654_435_761) >> 24) as u8;
            if byte != b'\r' && byte != b'\n' {
                editor.take(byte, &mut out);
            }
            out.clear();
        }
        assert!(editor.line.len() <= MOST);
    }
}
