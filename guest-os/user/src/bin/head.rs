//! head: the first part of files.

#![no_std]
#![no_main]

extern crate alloc as rust_alloc;

use ulib::io::{self, Reader};
use ulib::prelude::*;
use ulib::{fs, number, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-n LINES | -c BYTES] [-qv] [FILE]...",
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

/// How much to print.
#[derive(Clone, Copy)]
enum Amount {
    Lines(u64),
    Bytes(u64),
    /// All but the last.
    AllButLines(usize),
    AllButBytes(usize),
}

fn main(args: &ulib::Args) -> i32 {
    let args = user::numeric_option(args);
    let options = Options::parse(&args, &SPEC);
    let amount = match options.last_of(b"nc") {
        Some(letter) => {
            let bytes = letter == b'c';
            let what = if bytes {
                "number of bytes"
            } else {
                "number of lines"
            };
            let parse = |text: &[u8]| match text.strip_prefix(b"-") {
                Some(rest) => number::parse_size(rest).map(|n| (true, n)),
                None => number::parse_size(text).map(|n| (false, n)),
            };
            match (options.parsed(letter, what, parse), bytes) {
                (Some((false, n)), true) => Amount::Bytes(n),
                (Some((false, n)), false) => Amount::Lines(n),
                (Some((true, n)), true) => Amount::AllButBytes(n as usize),
                (Some((true, n)), false) => Amount::AllButLines(n as usize),
                (None, _) => Amount::Lines(10),
            }
        }
        None => Amount::Lines(10),
    };
    user::each_file(&options, |fd| match amount {
        Amount::Lines(n) => lines(fd, n),
        Amount::Bytes(n) => bytes(fd, n),
        Amount::AllButLines(n) => all_but_lines(fd, n),
        Amount::AllButBytes(n) => {
            let content = fs::read_all(fd)?;
            io::put(&content[..content.len().saturating_sub(n)]);
            Ok(())
        }
    })
}

fn lines(fd: sys::Fd, count: u64) -> sys::Result<()> {
    let mut reader = Reader::new(fd);
    let mut line = Vec::new();
    for _ in 0..count {
        if !reader.read_line(&mut line)? {
            break;
        }
        io::put(&line);
    }
    Ok(())
}

fn bytes(fd: sys::Fd, count: u64) -> sys::Result<()> {
    let mut reader = Reader::new(fd);
    let mut left = count;
    while left > 0 {
        let chunk = reader.fill()?;
        if chunk.is_empty() {
            break;
        }
        let n = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        io::put(&chunk[..n]);
        reader.consume(n);
        left -= n as u64;
    }
    Ok(())
}

fn all_but_lines(fd: sys::Fd, count: usize) -> sys::Result<()> {
    let mut reader = Reader::new(fd);
    let mut held = rust_alloc::collections::VecDeque::new();
    let mut line = Vec::new();
    while reader.read_line(&mut line)? {
        held.push_back(line.clone());
        if held.len() > count
            && let Some(first) = held.pop_front()
        {
            io::put(&first);
        }
    }
    Ok(())
}
