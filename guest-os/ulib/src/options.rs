//! Options in GNU's manner: clustered short ones, long ones, `--`, operands anywhere between.
//!
//! A program declares a [`Spec`] and gets [`Options`]; mistakes and `--help` end the program here.

use crate::bytes::show;
use crate::{Args, env, io};
use rust_alloc::vec::Vec;

/// What a program accepts.
pub struct Spec {
    /// What follows the program's name in the usage line.
    pub usage: &'static str,
    /// Letters; one followed by `:` takes a value. A leading `+` ends options at the first operand.
    pub short: &'static str,
    /// Long names with the letter they stand for.
    pub long: &'static [(&'static str, u8)],
    /// Exit status of a mistake.
    pub trouble: i32,
}

/// Options as given.
pub struct Options {
    /// Letters in order, with the value if they take one.
    pub given: Vec<(u8, &'static [u8])>,
    /// Everything that is not an option.
    pub operands: Vec<&'static [u8]>,
    spec: &'static Spec,
}

impl Options {
    /// Parses the arguments after the program's name.
    pub fn parse(args: &Args, spec: &'static Spec) -> Options {
        let mut options = Options {
            given: Vec::new(),
            operands: Vec::new(),
            spec,
        };
        let mut rest = args.iter().skip(1).copied();
        while let Some(arg) = rest.next() {
            match arg {
                b"--" => {
                    options.operands.extend(rest.by_ref());
                }
                [b'-', b'-', name @ ..] => options.long(name, &mut rest),
                [b'-', letters @ ..] if !letters.is_empty() => options.short(letters, &mut rest),
                _ => {
                    options.operands.push(arg);
                    if spec.short.starts_with('+') {
                        options.operands.extend(rest.by_ref());
                    }
                }
            }
        }
        options
    }

    /// Was this letter given?
    pub fn has(&self, letter: u8) -> bool {
        self.given.iter().any(|(given, _)| *given == letter)
    }

    /// The value of the last time this letter was given.
    pub fn value(&self, letter: u8) -> Option<&'static [u8]> {
        self.given
            .iter()
            .rev()
            .find(|(given, _)| *given == letter)
            .map(|(_, value)| *value)
    }

    /// Which of these letters came last.
    pub fn last_of(&self, letters: &[u8]) -> Option<u8> {
        self.given
            .iter()
            .rev()
            .map(|(given, _)| *given)
            .find(|given| letters.contains(given))
    }

    /// The value of a letter as `parse` reads it, or a complaint that calls it `what`.
    pub fn parsed<T>(
        &self,
        letter: u8,
        what: &str,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(letter)?;
        match parse(value) {
            Some(parsed) => Some(parsed),
            None => crate::die!(self.spec.trouble, "invalid {what}: '{}'", show(value)),
        }
    }

    /// Ends the program if there are fewer than `least` or more than `most` operands.
    pub fn expect_operands(&self, least: usize, most: usize) {
        let last = self.operands.last().copied();
        match (self.operands.len(), last) {
            (0, _) if least > 0 => self.mistake(format_args!("missing operand")),
            (n, Some(last)) if n < least => {
                self.mistake(format_args!("missing operand after '{}'", show(last)))
            }
            (n, _) if n > most => self.mistake(format_args!(
                "extra operand '{}'",
                show(self.operands[most])
            )),
            _ => {}
        }
    }

    /// Complains, points to `--help`, and exits.
    pub fn mistake(&self, message: core::fmt::Arguments<'_>) -> ! {
        mistake(self.spec, message)
    }

    fn short(&mut self, letters: &'static [u8], rest: &mut dyn Iterator<Item = &'static [u8]>) {
        for (i, letter) in letters.iter().enumerate() {
            match takes_value(self.spec, *letter) {
                None => mistake(
                    self.spec,
                    format_args!("invalid option -- '{}'", show(&[*letter])),
                ),
                Some(false) => self.given.push((*letter, b"")),
                Some(true) => {
                    let inline = &letters[i + 1..];
                    let value = if inline.is_empty() {
                        rest.next()
                    } else {
                        Some(inline)
                    };
                    let Some(value) = value else {
                        mistake(
                            self.spec,
                            format_args!("option requires an argument -- '{}'", show(&[*letter])),
                        )
                    };
                    self.given.push((*letter, value));
                    return;
                }
            }
        }
    }

    fn long(&mut self, text: &'static [u8], rest: &mut dyn Iterator<Item = &'static [u8]>) {
        let (name, inline) = match text.iter().position(|b| *b == b'=') {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        if name == b"help" {
            crate::print!("Usage: {} {}\n", show(env::program()), self.spec.usage);
            io::exit(0);
        }
        let Some((_, letter)) = self
            .spec
            .long
            .iter()
            .find(|(long, _)| long.as_bytes() == name)
        else {
            mistake(
                self.spec,
                format_args!("unrecognized option '--{}'", show(text)),
            )
        };
        let value = match (takes_value(self.spec, *letter) == Some(true), inline) {
            (true, Some(value)) => value,
            (true, None) => match rest.next() {
                Some(value) => value,
                None => mistake(
                    self.spec,
                    format_args!("option '--{}' requires an argument", show(name)),
                ),
            },
            (false, Some(_)) => mistake(
                self.spec,
                format_args!("option '--{}' doesn't allow an argument", show(name)),
            ),
            (false, None) => b"",
        };
        self.given.push((*letter, value));
    }
}

fn takes_value(spec: &Spec, letter: u8) -> Option<bool> {
    let letters = spec.short.as_bytes();
    let at = letters
        .iter()
        .position(|l| *l == letter && !b":+".contains(l))?;
    Some(letters.get(at + 1) == Some(&b':'))
}

fn mistake(spec: &Spec, message: core::fmt::Arguments<'_>) -> ! {
    crate::warn!("{message}");
    crate::eprintln!(
        "Try '{} --help' for more information.",
        show(env::program())
    );
    io::exit(spec.trouble)
}

#[cfg(test)]
mod tests {
    use super::*;

    static SPEC: Spec = Spec {
        usage: "",
        short: "abn:",
        long: &[("number", b'n'), ("all", b'a')],
        trouble: 1,
    };

    fn parse(args: &[&'static str]) -> Options {
        let mut all: Vec<&'static [u8]> = rust_alloc::vec![&b"prog"[..]];
        all.extend(args.iter().map(|arg| arg.as_bytes()));
        Options::parse(&all, &SPEC)
    }

    #[test]
    fn options_and_operands_mix() {
        let options = parse(&[
            "-ab",
            "file",
            "-n5",
            "--number=6",
            "-n",
            "7",
            "--all",
            "--",
            "-a",
        ]);
        let letters: Vec<u8> = options.given.iter().map(|(letter, _)| *letter).collect();
        assert_eq!(letters, b"abnnna");
        assert_eq!(options.value(b'n'), Some(&b"7"[..]));
        assert_eq!(options.operands, [&b"file"[..], b"-a"]);
    }

    #[test]
    fn a_lone_dash_is_an_operand() {
        let options = parse(&["-", "-a"]);
        assert_eq!(options.operands, [b"-"]);
        assert!(options.has(b'a') && !options.has(b'b'));
        assert_eq!(options.last_of(b"ab"), Some(b'a'));
    }
}
