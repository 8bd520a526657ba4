//! touch: sets the times of files, making those that do not exist.

#![no_std]
#![no_main]

use abi::fcntl::{O_CREAT, O_WRONLY};
use abi::time::{Timespec, UTIME_NOW, UTIME_OMIT};
use ulib::prelude::*;
use ulib::{calendar, fs, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-acm] [-d DATE] [-r FILE] FILE...",
    short: "acmd:r:",
    long: &[("no-create", b'c'), ("date", b'd'), ("reference", b'r')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    if options.operands.is_empty() {
        options.mistake(format_args!("missing file operand"));
    }
    let now = Timespec {
        sec: 0,
        nsec: UTIME_NOW,
    };
    let mut times = match (options.value(b'd'), options.value(b'r')) {
        (Some(text), _) => match calendar::parse(text) {
            Some(time) => [time; 2],
            None => die!(1, "invalid date format '{}'", show(text)),
        },
        (None, Some(path)) => match sys::stat(path) {
            Ok(stat) => [stat.atime, stat.mtime],
            Err(errno) => die!(1, "failed to get attributes of '{}': {errno}", show(path)),
        },
        (None, None) => [now; 2],
    };
    let omit = Timespec {
        sec: 0,
        nsec: UTIME_OMIT,
    };
    match (options.has(b'a'), options.has(b'm')) {
        (true, false) => times[1] = omit,
        (false, true) => times[0] = omit,
        _ => {}
    }
    let mut status = 0;
    for path in &options.operands {
        let done = match sys::set_times(path, times, 0) {
            Err(Errno::ENOENT) if options.has(b'c') => Ok(()),
            Err(Errno::ENOENT) => fs::File::with(path, O_WRONLY | O_CREAT, 0o666)
                .and_then(|_| sys::set_times(path, times, 0)),
            done => done,
        };
        if let Err(errno) = done {
            warn!("cannot touch '{}': {errno}", show(path));
            status = 1;
        }
    }
    status
}
