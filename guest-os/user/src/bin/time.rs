//! time: runs a program and tells how long it took.

#![no_std]
#![no_main]

use abi::resource::RUSAGE_CHILDREN;
use abi::time::Timeval;
use ulib::prelude::*;
use ulib::{process, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "COMMAND [ARG]...",
    short: "+p",
    long: &[],
    trouble: 125,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    options.expect_operands(1, usize::MAX);
    let start = sys::monotonic();
    let status = match process::run(&options.operands) {
        Ok(status) => status,
        Err(errno) => die!(125, "cannot run {}: {errno}", show(options.operands[0])),
    };
    let real = (sys::monotonic() - start) / 1_000_000;
    let usage = sys::getrusage(RUSAGE_CHILDREN).unwrap_or_default();
    eprintln!(
        "real {}\nuser {}\nsys {}",
        seconds(real),
        seconds(millis(usage.utime)),
        seconds(millis(usage.stime))
    );
    status.into()
}

fn millis(time: Timeval) -> u64 {
    (time.sec * 1000 + time.usec / 1000).max(0) as u64
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}
