//! echo(1): the program and the shell's builtin.

use ulib::io;

/// Prints the operands. `-n` leaves the newline out, `-e` reads escapes, `-E` does not.
pub fn run<A: AsRef<[u8]>>(args: &[A]) -> i32 {
    let mut newline = true;
    let mut escapes = false;
    let mut operands = args;
    while let Some((option, rest)) = operands.split_first() {
        let letters = match option.as_ref() {
            [b'-', letters @ ..] if !letters.is_empty() => letters,
            _ => break,
        };
        if !letters.iter().all(|letter| b"neE".contains(letter)) {
            break;
        }
        for letter in letters {
            match letter {
                b'n' => newline = false,
                b'e' => escapes = true,
                _ => escapes = false,
            }
        }
        operands = rest;
    }
    for (i, operand) in operands.iter().enumerate() {
        if i > 0 {
            io::put(b" ");
        }
        if escapes {
            let (text, stop) = unescape(operand.as_ref());
            io::put(&text);
            if stop {
                return 0;
            }
        } else {
            io::put(operand.as_ref());
        }
    }
    if newline {
        io::put(b"\n");
    }
    0
}

/// Reads the escapes of echo and of printf's `%b`; true if `\c` ended the output.
pub fn unescape(text: &[u8]) -> (ulib::prelude::Vec<u8>, bool) {
    let mut out = ulib::prelude::Vec::new();
    let mut at = 0;
    while at < text.len() {
        if text[at] != b'\\' {
            out.push(text[at]);
            at += 1;
            continue;
        }
        match escape(&text[at + 1..], true) {
            Escape::Byte(byte, used) => {
                out.push(byte);
                at += 1 + used;
            }
            Escape::Stop => return (out, true),
            Escape::None => {
                out.push(b'\\');
                at += 1;
            }
        }
    }
    (out, false)
}

/// What follows a backslash.
pub enum Escape {
    /// This byte; the length of what spells it.
    Byte(u8, usize),
    /// `\c`: no more output.
    Stop,
    /// Nothing special.
    None,
}

/// Reads an escape after its backslash. Octal numbers are `\0nnn` in echo, `\nnn` in a format.
pub fn escape(rest: &[u8], leading_zero: bool) -> Escape {
    let number = |digits: &[u8], base: u32, most: usize| {
        let values = digits
            .iter()
            .map_while(|b| char::from(*b).to_digit(base))
            .take(most);
        values.fold((0u32, 0), |(value, count), digit| {
            (value * base + digit, count + 1)
        })
    };
    let Some(first) = rest.first() else {
        return Escape::None;
    };
    let byte = match first {
        b'a' => 7,
        b'b' => 8,
        b'e' => 27,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' => b'\\',
        b'c' => return Escape::Stop,
        b'x' => {
            let (value, count) = number(&rest[1..], 16, 2);
            return if count > 0 {
                Escape::Byte(value as u8, 1 + count)
            } else {
                Escape::None
            };
        }
        b'0' if leading_zero => {
            let (value, count) = number(&rest[1..], 8, 3);
            return Escape::Byte(value as u8, 1 + count);
        }
        b'0'..=b'7' => {
            let (value, count) = number(rest, 8, 3);
            return Escape::Byte(value as u8, count);
        }
        _ => return Escape::None,
    };
    Escape::Byte(byte, 1)
}
