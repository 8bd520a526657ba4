//! cut: parts of each line, by bytes or by fields.

#![no_std]
#![no_main]

use ulib::io::{self, Reader};
use ulib::number::parse_u64;
use ulib::prelude::*;
use ulib::sys;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "-b LIST | -c LIST | -f LIST [-d CHAR] [-s] [FILE]...",
    short: "b:c:f:d:s",
    long: &[
        ("bytes", b'b'),
        ("characters", b'c'),
        ("fields", b'f'),
        ("delimiter", b'd'),
        ("only-delimited", b's'),
    ],
    trouble: 1,
};

/// First and last, counted from 1.
type Range = (u64, u64);

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let Some(letter) = options.last_of(b"bcf") else {
        options.mistake(format_args!(
            "you must specify a list of bytes, characters, or fields"
        ));
    };
    let delimiter = match options.value(b'd') {
        None => b'\t',
        Some([byte]) => *byte,
        Some(_) => options.mistake(format_args!("the delimiter must be a single character")),
    };
    let list = options.value(letter).unwrap_or_default();
    let Some(ranges) = ranges(list) else {
        options.mistake(format_args!("invalid byte, character or field list"));
    };
    let only = options.has(b's');
    // Headings are for head and tail: a cut file is just its lines.
    user::each_file(&options, |fd| match letter {
        b'f' => fields(fd, &ranges, delimiter, only),
        _ => bytes(fd, &ranges),
    })
}

/// `1,3-5,7-` as ranges.
fn ranges(list: &[u8]) -> Option<Vec<Range>> {
    let one = |text: &[u8]| match ulib::bytes::split_once(text, b'-') {
        None => parse_u64(text).map(|n| (n, n)),
        Some((b"", b"")) => None,
        Some((b"", last)) => Some((1, parse_u64(last)?)),
        Some((first, b"")) => Some((parse_u64(first)?, u64::MAX)),
        Some((first, last)) => Some((parse_u64(first)?, parse_u64(last)?)),
    };
    let ranges: Option<Vec<Range>> = list.split(|b| *b == b',').map(one).collect();
    ranges.filter(|ranges| {
        ranges
            .iter()
            .all(|(first, last)| *first > 0 && first <= last)
    })
}

fn wanted(ranges: &[Range], index: usize) -> bool {
    let place = index as u64 + 1;
    ranges
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&place))
}

fn bytes(fd: sys::Fd, ranges: &[Range]) -> sys::Result<()> {
    each_line(fd, |line| {
        let chosen = line.iter().enumerate().filter(|(i, _)| wanted(ranges, *i));
        Some(chosen.map(|(_, byte)| *byte).collect())
    })
}

fn fields(fd: sys::Fd, ranges: &[Range], delimiter: u8, only: bool) -> sys::Result<()> {
    each_line(fd, |line| {
        if !line.contains(&delimiter) {
            return (!only).then(|| line.to_vec());
        }
        let fields = line.split(|b| *b == delimiter).enumerate();
        let chosen: Vec<&[u8]> = fields
            .filter(|(i, _)| wanted(ranges, *i))
            .map(|(_, field)| field)
            .collect();
        Some(chosen.join(&delimiter))
    })
}

fn each_line(fd: sys::Fd, cut: impl Fn(&[u8]) -> Option<Vec<u8>>) -> sys::Result<()> {
    let mut reader = Reader::new(fd);
    let mut line = Vec::new();
    while reader.read_line(&mut line)? {
        if let Some(out) = cut(line.strip_suffix(b"\n").unwrap_or(&line)) {
            io::put(&out);
            io::put(b"\n");
        }
    }
    Ok(())
}
