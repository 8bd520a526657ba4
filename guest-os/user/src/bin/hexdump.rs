//! hexdump: shows bytes in hexadecimal (the form of `hexdump -C`).

#![no_std]
#![no_main]

use ulib::fs;
use ulib::io;
use ulib::prelude::*;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-C] [-v] [FILE]...",
    short: "Cv",
    long: &[("canonical", b'C')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let mut content = Vec::new();
    let mut status = 0;
    for path in &options.operands {
        match fs::read_file(path) {
            Ok(bytes) => content.extend(bytes),
            Err(errno) => {
                warn!("{}: {errno}", show(path));
                status = 1;
            }
        }
    }
    if options.operands.is_empty() {
        match fs::read_all(io::STDIN) {
            Ok(bytes) => content = bytes,
            Err(errno) => die!(1, "stdin: {errno}"),
        }
    }
    let mut previous: &[u8] = b"";
    let mut starred = false;
    for (i, line) in content.chunks(16).enumerate() {
        if line == previous && !options.has(b'v') {
            if !starred {
                println!("*");
            }
            starred = true;
            continue;
        }
        starred = false;
        previous = line;
        dump(i * 16, line);
    }
    if !content.is_empty() {
        println!("{:08x}", content.len());
    }
    status
}

fn dump(offset: usize, line: &[u8]) {
    let mut text = format!("{offset:08x}");
    for (i, byte) in line.iter().enumerate() {
        text += if i % 8 == 0 { "  " } else { " " };
        text += &format!("{byte:02x}");
    }
    let visible = |byte: &u8| {
        if (b' '..=b'~').contains(byte) {
            char::from(*byte)
        } else {
            '.'
        }
    };
    let shown: String = line.iter().map(visible).collect();
    println!("{text:<58}  |{shown}|");
}
