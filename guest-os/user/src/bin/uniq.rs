//! uniq: joins equal lines that follow each other.

#![no_std]
#![no_main]

use ulib::io::{self, Reader, STDIN};
use ulib::prelude::*;
use ulib::{fs, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-cdiu] [-f N] [-s N] [INPUT [OUTPUT]]",
    short: "cdiuf:s:",
    long: &[
        ("count", b'c'),
        ("repeated", b'd'),
        ("ignore-case", b'i'),
        ("unique", b'u'),
        ("skip-fields", b'f'),
        ("skip-chars", b's'),
    ],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    options.expect_operands(0, 2);
    let input = match options.operands.first() {
        None | Some(&b"-") => None,
        Some(path) => match fs::File::open(path) {
            Ok(file) => Some(file),
            Err(errno) => die!(1, "{}: {errno}", show(path)),
        },
    };
    if let Some(path) = options.operands.get(1) {
        let opened =
            fs::File::create(path, 0o666).and_then(|file| sys::dup2(file.fd(), io::STDOUT));
        if let Err(errno) = opened {
            die!(1, "{}: {errno}", show(path));
        }
    }
    let fields = options
        .parsed(b'f', "number of fields to skip", ulib::number::parse_u64)
        .unwrap_or(0);
    let bytes = options
        .parsed(b's', "number of bytes to skip", ulib::number::parse_u64)
        .unwrap_or(0);
    let key = |line: &[u8]| {
        let mut rest = line.strip_suffix(b"\n").unwrap_or(line);
        for _ in 0..fields {
            rest = rest.trim_ascii_start();
            let len = rest
                .iter()
                .position(u8::is_ascii_whitespace)
                .unwrap_or(rest.len());
            rest = &rest[len..];
        }
        let key = &rest[rest.len().min(bytes as usize)..];
        if options.has(b'i') {
            key.to_ascii_lowercase()
        } else {
            key.to_vec()
        }
    };
    let mut reader = Reader::new(input.as_ref().map_or(STDIN, fs::File::fd));
    let mut line = Vec::new();
    let mut group: Option<(Vec<u8>, Vec<u8>, u64)> = None;
    loop {
        let more = match reader.read_line(&mut line) {
            Ok(more) => more,
            Err(errno) => die!(1, "error reading: {errno}"),
        };
        let this = key(&line);
        match &mut group {
            Some((_, known, count)) if more && *known == this => *count += 1,
            _ => {
                if let Some((first, _, count)) = group.take() {
                    print_group(&options, &first, count);
                }
                if !more {
                    return 0;
                }
                group = Some((line.clone(), this, 1));
            }
        }
    }
}

fn print_group(options: &Options, line: &[u8], count: u64) {
    if (options.has(b'd') && count == 1) || (options.has(b'u') && count > 1) {
        return;
    }
    if options.has(b'c') {
        print!("{count:7} ");
    }
    io::put(line.strip_suffix(b"\n").unwrap_or(line));
    io::put(b"\n");
}
