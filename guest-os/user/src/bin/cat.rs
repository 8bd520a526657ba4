//! cat: copies files to standard output.

#![no_std]
#![no_main]

use ulib::io::{self, Reader, STDIN, STDOUT};
use ulib::prelude::*;
use ulib::{fs, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-nbsEu] [FILE]...",
    short: "nbsEu",
    long: &[
        ("number", b'n'),
        ("number-nonblank", b'b'),
        ("squeeze-blank", b's'),
        ("show-ends", b'E'),
    ],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let plain = options.given.iter().all(|(letter, _)| *letter == b'u');
    let mut lines = Lines {
        options: &options,
        number: 0,
        blank: false,
    };
    let operands = match &options.operands[..] {
        [] => &[&b"-"[..]],
        operands => operands,
    };
    let mut status = 0;
    for path in operands {
        if let Err(errno) = open(path, |fd| if plain { copy(fd) } else { lines.copy(fd) }) {
            warn!("{}: {errno}", show(path));
            status = 1;
        }
    }
    status
}

fn open(path: &[u8], body: impl FnOnce(sys::Fd) -> sys::Result<()>) -> sys::Result<()> {
    if path == b"-" {
        return body(STDIN);
    }
    let file = fs::File::open(path)?;
    body(file.fd())
}

/// Copies without looking; each read is written at once.
fn copy(fd: sys::Fd) -> sys::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let n = match sys::read(fd, &mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno),
        };
        if let Err(errno) = io::write_all(STDOUT, &buffer[..n]) {
            die!(1, "write error: {errno}");
        }
    }
}

/// Copying with numbers and marks.
struct Lines<'a> {
    options: &'a Options,
    number: u64,
    blank: bool,
}

impl Lines<'_> {
    fn copy(&mut self, fd: sys::Fd) -> sys::Result<()> {
        let mut reader = Reader::new(fd);
        let mut line = Vec::new();
        while reader.read_line(&mut line)? {
            let blank = line == b"\n";
            if blank && self.blank && self.options.has(b's') {
                continue;
            }
            self.blank = blank;
            let numbered = match self.options.last_of(b"bn") {
                _ if self.options.has(b'b') => !blank,
                last => last.is_some(),
            };
            if numbered {
                self.number += 1;
                print!("{:6}\t", self.number);
            }
            if self.options.has(b'E') && line.ends_with(b"\n") {
                line.pop();
                line.extend_from_slice(b"$\n");
            }
            io::put(&line);
        }
        Ok(())
    }
}
