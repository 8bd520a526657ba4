//! tail: the last part of files.

#![no_std]
#![no_main]

use ulib::io;
use ulib::prelude::*;
use ulib::{fs, number, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-n [+]LINES | -c [+]BYTES] [-qv] [FILE]...",
    short: "n:c:qv",
    long: &[
        ("lines", b'n'),
        ("bytes", b'c'),
        ("quiet", b'q'),
        ("silent", b'q'),
        ("verbose", b'v'),
    ],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let args = user::numeric_option(args);
    let options = Options::parse(&args, &SPEC);
    let letter = options.last_of(b"nc").unwrap_or(b'n');
    let what = if letter == b'c' {
        "number of bytes"
    } else {
        "number of lines"
    };
    // With a plus sign: from there on, counted from 1.
    let parse = |text: &[u8]| match text {
        [b'+', rest @ ..] => number::parse_size(rest).map(|n| (true, n as usize)),
        [b'-', rest @ ..] => number::parse_size(rest).map(|n| (false, n as usize)),
        _ => number::parse_size(text).map(|n| (false, n as usize)),
    };
    let (from_start, count) = options.parsed(letter, what, parse).unwrap_or((false, 10));
    user::each_file(&options, |fd| tail(fd, letter == b'c', from_start, count))
}

fn tail(fd: sys::Fd, bytes: bool, from_start: bool, count: usize) -> sys::Result<()> {
    let content = fs::read_all(fd)?;
    let start = match (bytes, from_start) {
        (true, true) => count.saturating_sub(1).min(content.len()),
        (true, false) => content.len().saturating_sub(count),
        (false, true) => after_lines(&content, count.saturating_sub(1)),
        (false, false) => last_lines(&content, count),
    };
    io::put(&content[start..]);
    Ok(())
}

/// Where the text goes on after `count` lines.
fn after_lines(content: &[u8], count: usize) -> usize {
    let mut newlines = content.iter().enumerate().filter(|(_, b)| **b == b'\n');
    match count {
        0 => 0,
        count => newlines
            .nth(count - 1)
            .map_or(content.len(), |(at, _)| at + 1),
    }
}

/// Where the last `count` lines start.
fn last_lines(content: &[u8], count: usize) -> usize {
    if count == 0 {
        return content.len();
    }
    // A newline at the very end closes the last line, it does not start another.
    let end = content.len() - usize::from(content.ends_with(b"\n"));
    let newlines = content[..end]
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, b)| **b == b'\n');
    newlines.map(|(at, _)| at + 1).nth(count - 1).unwrap_or(0)
}
