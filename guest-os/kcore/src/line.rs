//! The line discipline of a terminal, as a pure state machine (termios(3), xv6's `console.c`).
//!
//! Bytes from the keyboard go into [`LineDiscipline::input`], which edits the line, says what to
//! echo, and reports a signal if the byte asks for one. Programs take finished lines out with
//! [`LineDiscipline::read`]. The kernel's part is to lock it, to wake readers, and to send signals.
//!
//! ```text
//!             input                    newline, ^D                  read
//! keyboard ---------> line being edited -----------> finished lines ------> program
//!             echo  <-+  ^? ^W ^U edit
//! ```
//!
//! Without `ICANON` every byte is finished at once; `VMIN` and `VTIME` are taken as 1 and 0.

use abi::signal::{SIGINT, SIGQUIT, SIGTSTP};
use abi::termios::*;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Bytes of a line, and of unread finished lines; more are dropped with a beep, as on Linux.
pub const CAPACITY: usize = 4096;

const fn control(c: u8) -> u8 {
    c & 0x1f
}

const DELETE: u8 = 0x7f;

/// Settings of a new terminal: canonical, echoing, with the usual control characters.
pub fn default_termios() -> Termios {
    let mut cc = [0; 19];
    for (index, byte) in [
        (VINTR, control(b'C')),
        (VQUIT, control(b'\\')),
        (VERASE, DELETE),
        (VKILL, control(b'U')),
        (VEOF, control(b'D')),
        (VMIN, 1),
        (VSUSP, control(b'Z')),
        (VWERASE, control(b'W')),
    ] {
        cc[index] = byte;
    }
    Termios {
        iflag: ICRNL,
        oflag: OPOST | ONLCR,
        cflag: 0o2277, // 38400 baud, 8 bits, receiver on: what stty expects to see
        lflag: ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL,
        line: 0,
        cc,
    }
}

/// The input side of one terminal.
#[derive(Debug)]
pub struct LineDiscipline {
    termios: Termios,
    /// The line being edited.
    edited: Vec<u8>,
    /// Bytes of finished lines.
    finished: VecDeque<u8>,
    /// Length of each finished line in `finished`; 0 is an end of file.
    lines: VecDeque<usize>,
}

impl Default for LineDiscipline {
    fn default() -> Self {
        LineDiscipline {
            termios: default_termios(),
            edited: Vec::new(),
            finished: VecDeque::new(),
            lines: VecDeque::new(),
        }
    }
}

impl LineDiscipline {
    /// The settings.
    pub fn termios(&self) -> &Termios {
        &self.termios
    }

    /// Changes the settings (`TCSETS`). A half-edited line becomes readable when editing ends.
    pub fn set_termios(&mut self, termios: Termios) {
        self.termios = termios;
        if !self.local(ICANON) && !self.edited.is_empty() {
            self.finish_line();
        }
    }

    /// Forgets all input (`TCSETSF`).
    pub fn flush(&mut self) {
        self.edited.clear();
        self.finished.clear();
        self.lines.clear();
    }

    /// Takes a byte from the keyboard; `echo` gets what the screen shall show. A signal for the
    /// foreground process group is the result, if the byte asks for one.
    pub fn input(&mut self, byte: u8, echo: &mut impl FnMut(&[u8])) -> Option<u32> {
        let byte = match byte {
            b'\r' if self.termios.iflag & ICRNL != 0 => b'\n',
            other => other,
        };
        if self.local(ISIG) {
            let signals = [(VINTR, SIGINT), (VQUIT, SIGQUIT), (VSUSP, SIGTSTP)];
            if let Some((_, signal)) = signals.into_iter().find(|(key, _)| self.is(byte, *key)) {
                self.edited.clear();
                self.echo(byte, echo);
                return Some(signal);
            }
        }
        if !self.local(ICANON) {
            if self.finished.len() < CAPACITY {
                self.finished.push_back(byte);
                self.lines.push_back(1);
                self.echo(byte, echo);
            }
        } else if self.is(byte, VERASE) || byte == control(b'H') {
            self.erase_character(echo);
        } else if self.is(byte, VWERASE) {
            while self.edited.last() == Some(&b' ') {
                self.erase_character(echo);
            }
            while !matches!(self.edited.last(), None | Some(b' ')) {
                self.erase_character(echo);
            }
        } else if self.is(byte, VKILL) {
            while !self.edited.is_empty() {
                self.erase_character(echo);
            }
        } else if self.is(byte, VEOF) {
            self.finish_line();
        } else if self.edited.len() + self.finished.len() + 1 >= CAPACITY && byte != b'\n' {
            // The last place is kept for the newline.
            echo(b"\x07");
        } else if self.finished.len() + self.edited.len() < CAPACITY {
            self.edited.push(byte);
            self.echo(byte, echo);
            if byte == b'\n' {
                self.finish_line();
            }
        }
        None
    }

    /// Is there something for [`read`](Self::read)?
    pub fn is_readable(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Bytes that can be read now (`FIONREAD`).
    pub fn readable_bytes(&self) -> usize {
        self.finished.len()
    }

    /// Takes bytes for a program: at most one line, or in raw mode all there are. `Some(0)` is an
    /// end of file, `None` means that the reader must wait.
    pub fn read(&mut self, out: &mut [u8]) -> Option<usize> {
        let line = *self.lines.front()?;
        if !self.local(ICANON) {
            return Some(self.read_raw(out));
        }
        let count = line.min(out.len());
        self.take(&mut out[..count]);
        self.lines.pop_front();
        if count < line {
            self.lines.push_front(line - count);
        }
        Some(count)
    }

    fn read_raw(&mut self, out: &mut [u8]) -> usize {
        let count = self.finished.len().min(out.len());
        self.take(&mut out[..count]);
        // Lengths no longer matter except that their sum is what is left.
        self.lines.clear();
        if !self.finished.is_empty() {
            self.lines.push_back(self.finished.len());
        }
        count
    }

    fn take(&mut self, out: &mut [u8]) {
        let taken = self.finished.drain(..out.len());
        for (slot, byte) in out.iter_mut().zip(taken) {
            *slot = byte;
        }
    }

    fn finish_line(&mut self) {
        if !self.edited.is_empty() || self.lines.len() < CAPACITY {
            self.lines.push_back(self.edited.len());
        }
        self.finished.extend(self.edited.drain(..));
    }

    fn local(&self, flag: u32) -> bool {
        self.termios.lflag & flag != 0
    }

    /// Is `byte` this control character? A character of 0 is switched off.
    fn is(&self, byte: u8, key: usize) -> bool {
        byte != 0 && self.termios.cc[key] == byte
    }

    fn echo(&self, byte: u8, echo: &mut impl FnMut(&[u8])) {
        if !self.local(ECHO) {
            return;
        }
        match byte {
            b'\n' => output(&self.termios, b"\n", echo),
            b'\t' => echo(b"\t"),
            _ if self.is_shown_as_caret(byte) => echo(&[b'^', byte ^ 0x40]),
            _ => echo(&[byte]),
        }
    }

    fn is_shown_as_caret(&self, byte: u8) -> bool {
        byte.is_ascii_control() && byte != b'\t' && byte != b'\n' && self.local(ECHOCTL)
    }

    /// Takes the last character back, all bytes of it if it is UTF-8, and rubs it out.
    fn erase_character(&mut self, echo: &mut impl FnMut(&[u8])) {
        while let Some(byte) = self.edited.pop() {
            if byte & 0xc0 == 0x80 {
                continue;
            }
            if self.local(ECHO) && self.local(ECHOE) {
                echo(b"\x08 \x08");
                if self.is_shown_as_caret(byte) {
                    echo(b"\x08 \x08");
                }
            }
            break;
        }
    }
}

/// What the terminal sends to the screen when a program writes `bytes`: newlines become carriage
/// return and newline if the settings say so.
pub fn output(termios: &Termios, bytes: &[u8], screen: &mut impl FnMut(&[u8])) {
    if termios.oflag & OPOST == 0 || termios.oflag & ONLCR == 0 {
        return screen(bytes);
    }
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        match line.split_last() {
            Some((b'\n', text)) => {
                if !text.is_empty() {
                    screen(text);
                }
                screen(b"\r\n");
            }
            _ => screen(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// Types `keys`; gives what the screen showed and the signals.
    fn type_keys(tty: &mut LineDiscipline, keys: &[u8]) -> (Vec<u8>, Vec<u32>) {
        let mut screen = Vec::new();
        let mut signals = Vec::new();
        for key in keys {
            signals.extend(tty.input(*key, &mut |shown| screen.extend_from_slice(shown)));
        }
        (screen, signals)
    }

    fn read(tty: &mut LineDiscipline, room: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; room];
        let count = tty.read(&mut out)?;
        out.truncate(count);
        Some(out)
    }

    #[test]
    fn a_line_is_readable_only_when_it_is_finished() {
        let mut tty = LineDiscipline::default();
        assert_eq!(type_keys(&mut tty, b"ls").0, b"ls");
        assert_eq!(read(&mut tty, 10), None);
        assert_eq!(type_keys(&mut tty, b"\rpwd\n").0, b"\r\npwd\r\n");
        assert_eq!(read(&mut tty, 10).unwrap(), b"ls\n");
        assert_eq!(read(&mut tty, 2).unwrap(), b"pw");
        assert_eq!(read(&mut tty, 10).unwrap(), b"d\n");
        assert_eq!(read(&mut tty, 10), None);
    }

    #[test]
    fn editing_changes_the_line_and_the_screen() {
        let check = |keys: &[u8], line: &[u8], screen: &[u8]| {
            let mut tty = LineDiscipline::default();
            assert_eq!(type_keys(&mut tty, keys).0, screen);
            assert_eq!(read(&mut tty, 100).unwrap(), line);
        };
        check(b"ab\x7fc\n", b"ac\n", b"ab\x08 \x08c\r\n");
        check(b"\x7f\n", b"\n", b"\r\n");
        check(b"ab\x15c\n", b"c\n", b"ab\x08 \x08\x08 \x08c\r\n");
        check(b"a b \x17c\n", b"a c\n", b"a b \x08 \x08\x08 \x08c\r\n");
        check(b"\x01\x7f\n", b"\n", b"^A\x08 \x08\x08 \x08\r\n");
        check("é\x7fx\n".as_bytes(), b"x\n", "é\x08 \x08x\r\n".as_bytes());
    }

    #[test]
    fn end_of_file_ends_the_line_and_an_empty_line_is_the_end() {
        let mut tty = LineDiscipline::default();
        type_keys(&mut tty, b"ab\x04\x04");
        assert_eq!(read(&mut tty, 10).unwrap(), b"ab");
        assert_eq!(read(&mut tty, 10).unwrap(), b"");
        assert_eq!(read(&mut tty, 10), None);
    }

    #[test]
    fn control_c_signals_and_drops_the_line() {
        let mut tty = LineDiscipline::default();
        assert_eq!(
            type_keys(&mut tty, b"ab\x03"),
            (b"ab^C".to_vec(), vec![SIGINT])
        );
        type_keys(&mut tty, b"x\n");
        assert_eq!(read(&mut tty, 10).unwrap(), b"x\n");
    }

    #[test]
    fn raw_mode_gives_bytes_at_once_and_untouched() {
        let mut tty = LineDiscipline::default();
        type_keys(&mut tty, b"half");
        let mut raw = *tty.termios();
        raw.lflag = 0;
        raw.iflag = 0;
        tty.set_termios(raw);
        assert_eq!(type_keys(&mut tty, b"\r\x03\x7f"), (vec![], vec![]));
        assert_eq!(read(&mut tty, 2).unwrap(), b"ha");
        assert_eq!(read(&mut tty, 99).unwrap(), b"lf\r\x03\x7f");
        assert_eq!(read(&mut tty, 99), None);
    }

    #[test]
    fn a_line_that_is_too_long_beeps_and_can_still_be_ended() {
        let mut tty = LineDiscipline::default();
        let (screen, _) = type_keys(&mut tty, &[b'x'; CAPACITY + 5]);
        assert!(screen.ends_with(b"x\x07\x07\x07\x07\x07\x07"));
        type_keys(&mut tty, b"\n");
        assert_eq!(read(&mut tty, 2 * CAPACITY).unwrap().len(), CAPACITY);
        for _ in 0..3 * CAPACITY {
            type_keys(&mut tty, b"\n");
        }
        assert!(tty.readable_bytes() <= CAPACITY);
    }

    #[test]
    fn newlines_get_carriage_returns_on_the_way_out() {
        let mut screen = Vec::new();
        output(&default_termios(), b"a\n\nb", &mut |s| {
            screen.extend_from_slice(s)
        });
        assert_eq!(screen, b"a\r\n\r\nb");
    }
}
