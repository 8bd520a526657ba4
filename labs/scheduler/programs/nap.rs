//! nap NICE TIMES WORD: sets its niceness, then sleeps for 7 ms and works a moment, so many times.

#![no_std]
#![no_main]

use abi::{linux, nr};
use ulib::arch::wild;
use ulib::number;
use ulib::prelude::*;

ulib::main!(main);

/// setpriority(2), which the trusted user library does not know.
const SETPRIORITY: u64 = linux::number("setpriority");
const NAP: [u64; 2] = [0, 7_000_000];

fn main(args: &ulib::Args) -> i32 {
    let [_, nice, times, word] = args else {
        die!(1, "usage: nap NICE TIMES WORD");
    };
    let nice = number::parse_i64(nice).unwrap_or(0);
    let times = number::parse_i64(times).unwrap_or(0);
    if let Err(errno) = wild::syscall(SETPRIORITY, [0, 0, nice as u64, 0, 0, 0]) {
        die!(1, "setpriority: {errno}");
    }
    for _ in 0..times {
        let _ = wild::syscall(nr::NANOSLEEP, [NAP.as_ptr() as u64, 0, 0, 0, 0, 0]);
        for round in 0..2_000u64 {
            core::hint::black_box(round);
        }
    }
    println!("{}", show(word));
    0
}
