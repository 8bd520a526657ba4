//! sort: puts lines in order.

#![no_std]
#![no_main]

use core::cmp::Ordering;
use ulib::io::{self, STDIN};
use ulib::prelude::*;
use ulib::{fs, number};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-bcfnrsu] [-k KEY]... [-t CHAR] [-o FILE] [FILE]...",
    short: "bcfk:no:rst:u",
    long: &[
        ("ignore-leading-blanks", b'b'),
        ("check", b'c'),
        ("ignore-case", b'f'),
        ("key", b'k'),
        ("numeric-sort", b'n'),
        ("output", b'o'),
        ("reverse", b'r'),
        ("stable", b's'),
        ("field-separator", b't'),
        ("unique", b'u'),
    ],
    trouble: 2,
};

/// How keys are compared.
#[derive(Clone, Copy, Default)]
struct Order {
    blanks: bool,
    fold: bool,
    numeric: bool,
    reverse: bool,
}

impl Order {
    fn flag(&mut self, letter: u8) -> bool {
        match letter {
            b'b' => self.blanks = true,
            b'f' => self.fold = true,
            b'n' => self.numeric = true,
            b'r' => self.reverse = true,
            _ => return false,
        }
        true
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        let order = if self.numeric {
            numeric(a).cmp(&numeric(b))
        } else {
            let skip = |text| if self.blanks { leading_blanks(text) } else { 0 };
            let (a, b) = (&a[skip(a)..], &b[skip(b)..]);
            match self.fold {
                true => a
                    .iter()
                    .map(u8::to_ascii_uppercase)
                    .cmp(b.iter().map(u8::to_ascii_uppercase)),
                false => a.cmp(b),
            }
        };
        if self.reverse { order.reverse() } else { order }
    }
}

/// `-k FIELD[.CHAR][OPTIONS][,FIELD[.CHAR][OPTIONS]]`
struct Key {
    start: (usize, usize),
    end: Option<(usize, usize)>,
    order: Order,
}

struct Sorter {
    keys: Vec<Key>,
    global: Order,
    separator: Option<u8>,
    stable: bool,
    unique: bool,
}

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let mut global = Order::default();
    for (letter, _) in &options.given {
        global.flag(*letter);
    }
    let mut sorter = Sorter {
        keys: Vec::new(),
        global,
        separator: options.value(b't').map(|text| match text {
            [byte] => *byte,
            b"\\0" => 0,
            _ => die!(2, "multi-character tab '{}'", show(text)),
        }),
        stable: options.has(b's'),
        unique: options.has(b'u'),
    };
    for (_, text) in options.given.iter().filter(|(letter, _)| *letter == b'k') {
        match key(text, global) {
            Some(key) => sorter.keys.push(key),
            None => die!(2, "invalid field specification '{}'", show(text)),
        }
    }
    let operands = match &options.operands[..] {
        [] => &[&b"-"[..]],
        operands => operands,
    };
    let mut content = Vec::new();
    for path in operands {
        let read = if *path == b"-" {
            fs::read_all(STDIN)
        } else {
            fs::read_file(path)
        };
        match read {
            Ok(text) => content.extend(text),
            Err(errno) => die!(2, "cannot read: {}: {errno}", show(path)),
        }
        if content.last().is_some_and(|last| *last != b'\n') {
            content.push(b'\n');
        }
    }
    let mut lines: Vec<&[u8]> = content.split(|b| *b == b'\n').collect();
    // What follows the last newline is no line.
    lines.pop();
    if options.has(b'c') {
        return check(&sorter, &lines, operands[0]);
    }
    lines.sort_by(|a, b| sorter.compare(a, b));
    if sorter.unique {
        lines.dedup_by(|b, a| sorter.keys_equal(a, b));
    }
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    match options.value(b'o') {
        Some(path) => {
            if let Err(errno) = fs::write_file(path, &out) {
                die!(2, "open failed: {}: {errno}", show(path));
            }
        }
        None => io::put(&out),
    }
    0
}

fn check(sorter: &Sorter, lines: &[&[u8]], name: &[u8]) -> i32 {
    for (i, pair) in lines.windows(2).enumerate() {
        let order = sorter.compare(pair[0], pair[1]);
        if order.is_gt() || (sorter.unique && sorter.keys_equal(pair[0], pair[1])) {
            warn!("{}:{}: disorder: {}", show(name), i + 2, show(pair[1]));
            return 1;
        }
    }
    0
}

/// Parses a key; `None` if it is not one.
fn key(text: &[u8], global: Order) -> Option<Key> {
    let (start, end) = match ulib::bytes::split_once(text, b',') {
        Some((start, end)) => (start, Some(end)),
        None => (text, None),
    };
    let mut order = Order::default();
    let start = place(start, &mut order)?;
    let end = match end {
        Some(end) => Some(place(end, &mut order)?),
        None => None,
    };
    let own = order.blanks || order.fold || order.numeric || order.reverse;
    if start.0 == 0 {
        return None;
    }
    Some(Key {
        start,
        end,
        order: if own { order } else { global },
    })
}

/// `FIELD[.CHAR][OPTIONS]`
fn place(text: &[u8], order: &mut Order) -> Option<(usize, usize)> {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let field_len = digits(text);
    let field = number::parse_u64(&text[..field_len])? as usize;
    let mut rest = &text[field_len..];
    let mut character = 0;
    if let Some(after) = rest.strip_prefix(b".") {
        let len = digits(after);
        character = number::parse_u64(&after[..len])? as usize;
        rest = &after[len..];
    }
    rest.iter()
        .all(|letter| order.flag(*letter))
        .then_some((field, character))
}

impl Sorter {
    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        let order = self.compare_keys(a, b);
        if order.is_ne() || self.stable || self.unique {
            return order;
        }
        let last = a.cmp(b);
        if self.global.reverse {
            last.reverse()
        } else {
            last
        }
    }

    fn compare_keys(&self, a: &[u8], b: &[u8]) -> Ordering {
        if self.keys.is_empty() {
            return self.global.compare(a, b);
        }
        let orders = self
            .keys
            .iter()
            .map(|key| key.order.compare(self.part(a, key), self.part(b, key)));
        orders
            .into_iter()
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    fn keys_equal(&self, a: &[u8], b: &[u8]) -> bool {
        self.compare_keys(a, b).is_eq()
    }

    /// The part of a line that a key names.
    fn part<'a>(&self, line: &'a [u8], key: &Key) -> &'a [u8] {
        let (field, character) = key.start;
        let (mut start, field_end) = self.field(line, field);
        if key.order.blanks {
            start += leading_blanks(&line[start..field_end]);
        }
        let start = (start + character.saturating_sub(1)).min(line.len());
        let end = match key.end {
            None => line.len(),
            Some((field, 0)) => self.field(line, field).1,
            Some((field, character)) => (self.field(line, field).0 + character).min(line.len()),
        };
        &line[start..end.max(start)]
    }

    /// Where a field starts and ends. Without a separator, fields begin with the blanks before them.
    fn field(&self, line: &[u8], number: usize) -> (usize, usize) {
        let mut start = 0;
        let mut index = 1;
        loop {
            let end = match self.separator {
                Some(separator) => {
                    let len = line[start..].iter().position(|b| *b == separator);
                    len.map_or(line.len(), |len| start + len)
                }
                None => {
                    let blanks = leading_blanks(&line[start..]);
                    let rest = &line[start + blanks..];
                    let len = rest.iter().position(|b| matches!(b, b' ' | b'\t'));
                    start + blanks + len.unwrap_or(rest.len())
                }
            };
            if index >= number {
                return (start, end);
            }
            if end == line.len() {
                return (line.len(), line.len());
            }
            start = end + usize::from(self.separator.is_some());
            index += 1;
        }
    }
}

fn leading_blanks(text: &[u8]) -> usize {
    text.iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count()
}

/// The number a text starts with, as sign, digits before and after the point: compares like the number.
fn numeric(text: &[u8]) -> (i128, i64) {
    let text = &text[leading_blanks(text)..];
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = text[..digits].iter().fold(0i128, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(i128::from(digit - b'0'))
    });
    let fraction: &[u8] = text[digits..].strip_prefix(b".").unwrap_or(b"");
    let places = fraction.iter().chain(core::iter::repeat(&b'0')).take(15);
    let part = places
        .scan(true, |numeric, byte| {
            *numeric &= byte.is_ascii_digit();
            Some(if *numeric { i64::from(byte - b'0') } else { 0 })
        })
        .fold(0, |value, digit| value * 10 + digit);
    if negative {
        (-whole, -part)
    } else {
        (whole, part)
    }
}
