//! nproc: prints the number of CPUs.

#![no_std]
#![no_main]

use ulib::prelude::*;
use ulib::{fs, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[--all]",
    short: "a",
    long: &[("all", b'a')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    Options::parse(args, &SPEC).expect_operands(0, 0);
    let count = sys::cpu_count().or_else(|_| {
        let info = fs::read_file(b"/proc/cpuinfo")?;
        let lines = info.split(|b| *b == b'\n');
        Ok::<u32, Errno>(lines.filter(|line| line.starts_with(b"processor")).count() as u32)
    });
    println!("{}", count.unwrap_or(1).max(1));
    0
}
