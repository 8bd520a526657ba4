//! Editing a line on a terminal, in raw mode, with a history.
//!
//! | keys | |
//! |---|---|
//! | Left, Right, Ctrl-B, Ctrl-F | one byte |
//! | Home, End, Ctrl-A, Ctrl-E | the line's ends |
//! | Backspace, Delete, Ctrl-D | erase (Ctrl-D on an empty line ends the input) |
//! | Ctrl-U, Ctrl-K, Ctrl-W | erase to the start, to the end, a word back |
//! | Up, Down, Ctrl-P, Ctrl-N | history |
//! | Tab | complete a name |
//! | Ctrl-L, Ctrl-C | clear the screen, drop the line |
//!
//! The line is shown from where the prompt ended; when it is wider than the terminal, a window of it.

use super::complete;
use rust_alloc::collections::VecDeque;
use rust_alloc::vec::Vec;
use ulib::io::{STDERR, STDIN, write_all};
use ulib::{sys, term};

/// What came of reading a line.
pub enum Line {
    /// The line, without its newline.
    Text(Vec<u8>),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D on an empty line, or the terminal is gone.
    End,
    /// There is no raw mode here.
    Unavailable,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Byte(u8),
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    Delete,
    Unknown,
}

/// Lines that are remembered.
const HISTORY: usize = 200;

/// The key that Ctrl and a letter give.
const fn control(letter: u8) -> u8 {
    letter & 0x1f
}

/// An editor and its history.
#[derive(Default)]
pub struct Editor {
    history: VecDeque<Vec<u8>>,
}

/// A line being edited.
struct Edit<'a> {
    prompt: &'a [u8],
    text: Vec<u8>,
    cursor: usize,
    width: usize,
}

impl Editor {
    /// Reads a line. `path` is where commands are completed from.
    pub fn read(&mut self, prompt: &[u8], path: &[u8]) -> Line {
        let Ok(_raw) = term::Raw::enter(STDIN) else {
            return Line::Unavailable;
        };
        let mut edit = Edit {
            prompt,
            text: Vec::new(),
            cursor: 0,
            width: term::width(STDIN),
        };
        let mut place = self.history.len();
        // The line in progress, while the history is looked at.
        let mut draft = Vec::new();
        write(prompt);
        loop {
            let Some(key) = self.key() else {
                return Line::End;
            };
            match key {
                Key::Byte(b'\r' | b'\n') => {
                    write(b"\n");
                    self.remember(&edit.text);
                    return Line::Text(edit.text);
                }
                Key::Byte(b) if b == control(b'C') => {
                    write(b"^C\n");
                    return Line::Interrupted;
                }
                Key::Byte(b) if b == control(b'D') && edit.text.is_empty() => return Line::End,
                Key::Byte(b'\t') => edit.complete(path),
                Key::Up | Key::Byte(0x10) if place > 0 => {
                    if place == self.history.len() {
                        draft = edit.text.clone();
                    }
                    place -= 1;
                    edit.replace(self.history[place].clone());
                }
                Key::Down | Key::Byte(0x0e) if place < self.history.len() => {
                    place += 1;
                    edit.replace(self.history.get(place).cloned().unwrap_or(draft.clone()));
                }
                key => edit.handle(key),
            }
        }
    }

    fn remember(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty() || self.history.back().is_some_and(|last| last == line) {
            return;
        }
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(line.to_vec());
    }

    /// Reads one byte and no more: what is typed ahead of a line's end may be for the program that the line starts.
    fn byte(&self) -> Option<u8> {
        let mut byte = [0];
        loop {
            match sys::read(STDIN, &mut byte) {
                Ok(0) => return None,
                Ok(_) => return Some(byte[0]),
                Err(abi::Errno::EINTR) => {}
                Err(_) => return None,
            }
        }
    }

    /// Reads a key; the others come as escape sequences (ECMA-48, DEC's function keys).
    fn key(&self) -> Option<Key> {
        let byte = self.byte()?;
        if byte != 0x1b {
            return Some(Key::Byte(byte));
        }
        if !matches!(self.byte()?, b'[' | b'O') {
            return Some(Key::Unknown);
        }
        let mut number = 0u32;
        loop {
            return Some(match self.byte()? {
                digit @ b'0'..=b'9' => {
                    number = (number * 10 + u32::from(digit - b'0')).min(1000);
                    continue;
                }
                b';' => {
                    number = 0;
                    continue;
                }
                b'A' => Key::Up,
                b'B' => Key::Down,
                b'C' => Key::Right,
                b'D' => Key::Left,
                b'H' => Key::Home,
                b'F' => Key::End,
                b'~' => match number {
                    1 | 7 => Key::Home,
                    4 | 8 => Key::End,
                    3 => Key::Delete,
                    _ => Key::Unknown,
                },
                _ => Key::Unknown,
            });
        }
    }
}

impl Edit<'_> {
    fn handle(&mut self, key: Key) {
        let end = self.text.len();
        match key {
            Key::Left | Key::Byte(0x02) => self.cursor = self.cursor.saturating_sub(1),
            Key::Right | Key::Byte(0x06) => self.cursor = (self.cursor + 1).min(end),
            Key::Home | Key::Byte(0x01) => self.cursor = 0,
            Key::End | Key::Byte(0x05) => self.cursor = end,
            Key::Byte(0x7f | 0x08) => self.erase(self.cursor.saturating_sub(1), self.cursor),
            Key::Delete | Key::Byte(0x04) => self.erase(self.cursor, (self.cursor + 1).min(end)),
            Key::Byte(0x15) => self.erase(0, self.cursor),
            Key::Byte(0x0b) => self.erase(self.cursor, end),
            Key::Byte(0x17) => self.erase(self.word_start(), self.cursor),
            Key::Byte(0x0c) => {
                write(b"\x1b[H\x1b[2J");
            }
            Key::Byte(byte) if byte >= b' ' => {
                self.text.insert(self.cursor, byte);
                self.cursor += 1;
                if self.cursor == self.text.len() && self.fits() {
                    write(&[byte]);
                    return;
                }
            }
            _ => return,
        }
        self.show();
    }

    fn fits(&self) -> bool {
        self.prompt.len() + self.text.len() < self.width
    }

    fn word_start(&self) -> usize {
        let before = &self.text[..self.cursor];
        let word = before.trim_ascii_end();
        word.iter().rposition(|b| *b == b' ').map_or(0, |at| at + 1)
    }

    fn erase(&mut self, from: usize, to: usize) {
        self.text.drain(from..to);
        self.cursor = from;
    }

    fn replace(&mut self, text: Vec<u8>) {
        self.cursor = text.len();
        self.text = text;
        self.show();
    }

    /// Draws the line anew, with the cursor where it belongs.
    fn show(&self) {
        let room = self.width.saturating_sub(self.prompt.len() + 1).max(1);
        let start = self.cursor.saturating_sub(room);
        let end = (start + room).min(self.text.len());
        let mut out = Vec::new();
        out.push(b'\r');
        out.extend_from_slice(self.prompt);
        out.extend_from_slice(&self.text[start..end]);
        out.extend_from_slice(b"\x1b[K");
        let back = end - self.cursor;
        if back > 0 {
            out.extend(rust_alloc::format!("\x1b[{back}D").into_bytes());
        }
        write(&out);
    }

    fn complete(&mut self, path: &[u8]) {
        let found = complete::candidates(&self.text[..self.cursor], path);
        if let Some(addition) = complete::addition(&found) {
            for byte in &addition {
                self.text.insert(self.cursor, *byte);
                self.cursor += 1;
            }
            self.show();
        } else if found.names.len() > 1 {
            let mut out = b"\n".to_vec();
            for name in &found.names {
                out.extend_from_slice(name);
                out.extend_from_slice(b"  ");
            }
            out.extend_from_slice(b"\n");
            write(&out);
            self.show();
        } else {
            write(b"\x07");
        }
    }
}

/// Shows bytes on the terminal.
fn write(bytes: &[u8]) {
    // A terminal that is gone shows in the next read.
    let _ = write_all(STDERR, bytes);
}
