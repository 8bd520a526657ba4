//! xxd: shows bytes in hexadecimal, or turns such a dump back with -r.

#![no_std]
#![no_main]

use ulib::io;
use ulib::prelude::*;
use ulib::{fs, number};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-pr] [-l LEN] [-s OFFSET] [FILE]",
    short: "prl:s:",
    long: &[],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    options.expect_operands(0, 1);
    let read = match options.operands.first() {
        None | Some(&b"-") => fs::read_all(io::STDIN),
        Some(path) => fs::read_file(path),
    };
    let content = match read {
        Ok(content) => content,
        Err(errno) => die!(
            2,
            "{}: {errno}",
            show(options.operands.first().unwrap_or(&&b"-"[..]))
        ),
    };
    if options.has(b'r') {
        io::put(&restore(&content, options.has(b'p')));
        return 0;
    }
    let len = options
        .parsed(b'l', "length", number::parse_u64)
        .unwrap_or(u64::MAX);
    let start = options
        .parsed(b's', "offset", number::parse_u64)
        .unwrap_or(0);
    let start = start.min(content.len() as u64) as usize;
    let rest = &content[start..];
    let rest = &rest[..rest.len().min(usize::try_from(len).unwrap_or(usize::MAX))];
    if options.has(b'p') {
        for line in rest.chunks(30) {
            line.iter().for_each(|byte| print!("{byte:02x}"));
            println!();
        }
    } else {
        rest.chunks(16)
            .enumerate()
            .for_each(|(i, line)| dump(start + i * 16, line));
    }
    0
}

fn dump(offset: usize, line: &[u8]) {
    let mut text = format!("{offset:08x}: ");
    for (i, byte) in line.iter().enumerate() {
        text += &format!("{byte:02x}");
        if i % 2 == 1 {
            text.push(' ');
        }
    }
    let visible = |byte: &u8| {
        if (b' '..=b'~').contains(byte) {
            char::from(*byte)
        } else {
            '.'
        }
    };
    let shown: String = line.iter().map(visible).collect();
    println!("{text:<50} {shown}");
}

/// The bytes that a dump spells.
fn restore(dump: &[u8], plain: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for line in dump.split(|b| *b == b'\n') {
        let body = match (plain, ulib::bytes::find(line, b": ")) {
            (true, _) | (false, None) => line,
            (false, Some(at)) => {
                let hex = &line[at + 2..];
                // Two spaces end the hexadecimal part.
                &hex[..ulib::bytes::find(hex, b"  ").unwrap_or(hex.len())]
            }
        };
        let digits: Vec<u8> = body
            .iter()
            .filter_map(|b| char::from(*b).to_digit(16))
            .map(|d| d as u8)
            .collect();
        out.extend(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]));
    }
    out
}
