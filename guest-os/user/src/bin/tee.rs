//! tee: copies standard input to standard output and to files.

#![no_std]
#![no_main]

use abi::fcntl::{O_APPEND, O_CREAT, O_TRUNC, O_WRONLY};
use abi::signal::SIGINT;
use ulib::prelude::*;
use ulib::{fs, io, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-ai] [FILE]...",
    short: "ai",
    long: &[("append", b'a'), ("ignore-interrupts", b'i')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    if options.has(b'i') && sys::signal(SIGINT, sys::Disposition::Ignore).is_err() {
        die!(1, "cannot ignore interrupts");
    }
    let mut status = 0;
    let mode = if options.has(b'a') { O_APPEND } else { O_TRUNC };
    let mut outputs: Vec<(&[u8], Option<fs::File>)> = vec![(b"standard output", None)];
    for path in &options.operands {
        match fs::File::with(path, O_WRONLY | O_CREAT | mode, 0o666) {
            Ok(file) => outputs.push((path, Some(file))),
            Err(errno) => {
                warn!("{}: {errno}", show(path));
                status = 1;
            }
        }
    }
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let n = match sys::read(io::STDIN, &mut buffer) {
            Ok(0) => return status,
            Ok(n) => n,
            Err(Errno::EINTR) => continue,
            Err(errno) => die!(1, "read error: {errno}"),
        };
        outputs.retain(|(name, file)| {
            let fd = file.as_ref().map_or(io::STDOUT, fs::File::fd);
            let written = io::write_all(fd, &buffer[..n]);
            if let Err(errno) = written {
                warn!("{}: {errno}", show(name));
                status = 1;
            }
            written.is_ok()
        });
    }
}
