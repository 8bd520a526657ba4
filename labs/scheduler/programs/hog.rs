//! hog NICE MILLISECONDS WORD: sets its niceness, uses so much CPU time, and says the word.

#![no_std]
#![no_main]

use abi::linux;
use abi::resource::RUSAGE_SELF;
use ulib::arch::wild;
use ulib::prelude::*;
use ulib::{number, sys};

ulib::main!(main);

/// setpriority(2), which the trusted user library does not know.
const SETPRIORITY: u64 = linux::number("setpriority");

fn main(args: &ulib::Args) -> i32 {
    let [_, nice, millis, word] = args else {
        die!(1, "usage: hog NICE MILLISECONDS WORD");
    };
    let nice = number::parse_i64(nice).unwrap_or(0);
    let millis = number::parse_i64(millis).unwrap_or(0);
    if let Err(errno) = wild::syscall(SETPRIORITY, [0, 0, nice as u64, 0, 0, 0]) {
        die!(1, "setpriority: {errno}");
    }
    // It counts from the next time on that the process is queued.
    sys::sched_yield();
    loop {
        for round in 0..20_000u64 {
            core::hint::black_box(round);
        }
        let used = sys::getrusage(RUSAGE_SELF).map(|usage| usage.utime);
        let used = used.map_or(0, |time| time.sec * 1000 + time.usec / 1000);
        if used >= millis {
            break;
        }
    }
    println!("{}", show(word));
    0
}
