//! date: shows the time, in UTC.

#![no_std]
#![no_main]

use ulib::calendar::{Moment, parse};
use ulib::prelude::*;
use ulib::sys;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-u] [-d DATE] [-r FILE] [+FORMAT]",
    short: "ud:r:RI",
    long: &[("utc", b'u'), ("date", b'd'), ("reference", b'r')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let time = match (options.value(b'd'), options.value(b'r')) {
        (Some(text), _) => match parse(text) {
            Some(time) => time,
            None => die!(1, "invalid date '{}'", show(text)),
        },
        (None, Some(path)) => match sys::stat(path) {
            Ok(stat) => stat.mtime,
            Err(errno) => die!(1, "{}: {errno}", show(path)),
        },
        (None, None) => sys::now(),
    };
    let format = match &options.operands[..] {
        [] if options.has(b'R') => "%a, %d %b %Y %H:%M:%S %z".into(),
        [] if options.has(b'I') => "%F".into(),
        [] => "%a %b %e %H:%M:%S %Z %Y".into(),
        [[b'+', format @ ..]] => String::from_utf8_lossy(format),
        [other, ..] => die!(1, "invalid date '{}'", show(other)),
    };
    println!("{}", Moment::new(time).format(&format));
    0
}
