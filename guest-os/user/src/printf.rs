//! printf(1): the program and the shell's builtin. The format is used again until the arguments
//! run out (POSIX, printf).

use crate::echo::{Escape, escape, unescape};
use rust_alloc::format;
use rust_alloc::string::String;
use rust_alloc::vec::Vec;
use ulib::bytes::show;
use ulib::{io, warn};

/// A conversion's flags, width and precision.
#[derive(Default)]
struct Spec {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

struct Printer<'a> {
    args: core::slice::Iter<'a, &'a [u8]>,
    status: i32,
    stop: bool,
}

/// Widest field and longest precision.
const WIDEST: usize = 1 << 16;

/// Prints the arguments as the first one, the format, says.
pub fn run<A: AsRef<[u8]>>(args: &[A]) -> i32 {
    let words: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
    let words = words.strip_prefix(&[&b"--"[..]]).unwrap_or(&words);
    let Some((format, rest)) = words.split_first() else {
        warn!("printf: usage: printf FORMAT [ARG]...");
        return 2;
    };
    let mut printer = Printer {
        args: rest.iter(),
        status: 0,
        stop: false,
    };
    loop {
        let before = printer.args.len();
        printer.once(format);
        if printer.stop || printer.args.len() == 0 || printer.args.len() == before {
            return printer.status;
        }
    }
}

impl<'a> Printer<'a> {
    fn once(&mut self, format: &[u8]) {
        let mut at = 0;
        while at < format.len() && !self.stop {
            match format[at] {
                b'\\' => match escape(&format[at + 1..], false) {
                    Escape::Byte(byte, used) => {
                        io::put(&[byte]);
                        at += 1 + used;
                    }
                    Escape::Stop => self.stop = true,
                    Escape::None => {
                        io::put(b"\\");
                        at += 1;
                    }
                },
                b'%' if format.get(at + 1) == Some(&b'%') => {
                    io::put(b"%");
                    at += 2;
                }
                b'%' => at = self.conversion(format, at + 1),
                byte => {
                    io::put(&[byte]);
                    at += 1;
                }
            }
        }
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        self.args.next().copied()
    }

    /// A number in the format: digits, or `*` for an argument.
    fn number(&mut self, format: &[u8], at: &mut usize) -> i64 {
        if format.get(*at) == Some(&b'*') {
            *at += 1;
            let arg = self.next();
            return self.integer(arg).clamp(-(WIDEST as i128), WIDEST as i128) as i64;
        }
        let digits = format[*at..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let value = ulib::number::parse_u64(&format[*at..*at + digits]).unwrap_or(0);
        *at += digits;
        value.min(WIDEST as u64) as i64
    }

    /// Prints one argument; where the format goes on.
    fn conversion(&mut self, format: &[u8], mut at: usize) -> usize {
        let start = at;
        let mut spec = Spec::default();
        while let Some(flag) = format.get(at) {
            match flag {
                b'-' => spec.left = true,
                b'0' => spec.zero = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                _ => break,
            }
            at += 1;
        }
        let width = self.number(format, &mut at);
        spec.left |= width < 0;
        spec.width = width.unsigned_abs() as usize;
        if format.get(at) == Some(&b'.') {
            at += 1;
            spec.precision = usize::try_from(self.number(format, &mut at)).ok();
        }
        while matches!(
            format.get(at),
            Some(b'l' | b'h' | b'j' | b'z' | b't' | b'q')
        ) {
            at += 1;
        }
        let Some(letter) = format.get(at) else {
            warn!("printf: %{}: invalid directive", show(&format[start..]));
            self.status = 1;
            self.stop = true;
            return at;
        };
        match letter {
            b's' => {
                let text = self.next().unwrap_or(b"");
                spec.print_text(text);
            }
            b'b' => {
                let (text, stop) = unescape(self.next().unwrap_or(b""));
                spec.print_text(&text);
                self.stop = stop;
            }
            b'c' => {
                let text = self.next().unwrap_or(b"");
                spec.print_text(&text[..text.len().min(1)]);
            }
            b'd' | b'i' | b'u' | b'o' | b'x' | b'X' => {
                let arg = self.next();
                let value = self.integer(arg);
                spec.print_number(*letter, value);
            }
            _ => {
                warn!("printf: %{}: invalid directive", show(&format[start..=at]));
                self.status = 1;
                self.stop = true;
            }
        }
        at + 1
    }

    /// The value of an argument: decimal, octal, hexadecimal, or a character after a quote.
    fn integer(&mut self, arg: Option<&[u8]>) -> i128 {
        let text = match arg {
            None => return 0,
            Some([b'\'' | b'"', character, ..]) => return i128::from(*character),
            Some(text) => text.trim_ascii_start(),
        };
        let (negative, digits) = match text {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] => (false, digits),
            digits => (false, digits),
        };
        let (base, digits) = match digits {
            [b'0', b'x' | b'X', digits @ ..] => (16, digits),
            [b'0', digits @ ..] if !digits.is_empty() => (8, digits),
            digits => (10, digits),
        };
        let known = digits
            .iter()
            .take_while(|b| char::from(**b).is_digit(base))
            .count();
        if known == 0 || known < digits.len() {
            let problem = if known == 0 {
                "expected numeric value"
            } else {
                "not completely converted"
            };
            warn!("printf: '{}': {problem}", show(text));
            self.status = 1;
        }
        let value = digits[..known].iter().fold(0i128, |value, byte| {
            let digit = char::from(*byte).to_digit(base).unwrap_or(0);
            (value * i128::from(base) + i128::from(digit)).min(i128::from(u64::MAX))
        });
        if negative { -value } else { value }
    }
}

impl Spec {
    fn pad(&self, body: &[u8]) {
        let fill = self.width.saturating_sub(body.len());
        let spaces: Vec<u8> = core::iter::repeat_n(b' ', fill).collect();
        if self.left {
            io::put(body);
            io::put(&spaces);
        } else {
            io::put(&spaces);
            io::put(body);
        }
    }

    fn print_text(&self, text: &[u8]) {
        let len = self
            .precision
            .map_or(text.len(), |most| most.min(text.len()));
        self.pad(&text[..len]);
    }

    fn print_number(&self, letter: u8, value: i128) {
        let signed = matches!(letter, b'd' | b'i');
        let magnitude = if signed {
            value.unsigned_abs() as u64
        } else {
            value as u64
        };
        let mut digits: String = match letter {
            b'o' => format!("{magnitude:o}"),
            b'x' => format!("{magnitude:x}"),
            b'X' => format!("{magnitude:X}"),
            _ => format!("{magnitude}"),
        };
        let sign = match (signed, value < 0, self.plus, self.space) {
            (true, true, ..) => "-",
            (true, false, true, _) => "+",
            (true, false, false, true) => " ",
            _ => "",
        };
        let prefix = match letter {
            b'x' if self.alternate && magnitude != 0 => "0x",
            b'X' if self.alternate && magnitude != 0 => "0X",
            b'o' if self.alternate => "0",
            _ => "",
        };
        let zeros = match self.precision {
            Some(least) => least,
            None if self.zero && !self.left => self.width.saturating_sub(sign.len() + prefix.len()),
            None => 0,
        };
        while digits.len() < zeros {
            digits.insert(0, '0');
        }
        self.pad(format!("{sign}{prefix}{digits}").as_bytes());
    }
}
