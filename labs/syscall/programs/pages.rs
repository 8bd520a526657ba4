//! pages COUNT STEP WORD: touches every STEP-th of COUNT pages; mincore(2) must tell exactly those,
//! and forget those that are given back.

#![no_std]
#![no_main]

use abi::{linux, nr};
use ulib::arch::wild;
use ulib::prelude::*;
use ulib::{number, sys};

ulib::main!(main);

/// mincore(2), which the trusted user library does not know.
const MINCORE: u64 = linux::number("mincore");
const PAGE: u64 = 4096;
/// What the vector holds before a call.
const UNWRITTEN: u8 = 0xaa;

fn main(args: &ulib::Args) -> i32 {
    let [_, count, step, word] = args else {
        die!(1, "usage: pages COUNT STEP WORD");
    };
    let count = number::parse_u64(count).unwrap_or(0);
    let step = number::parse_u64(step).unwrap_or(1).max(1);
    let start = sys::map_anonymous((count * PAGE) as usize).unwrap_or(0) as u64;
    for page in (0..count).step_by(step as usize) {
        wild::store(start + page * PAGE, 1);
    }
    check(start, count, |page| page % step == 0);
    // The first half goes, and the question must not have brought anything in.
    let half = count / 2;
    let dropped = [start, half * PAGE, abi::mman::MADV_DONTNEED.into(), 0, 0, 0];
    if let Err(errno) = wild::syscall(nr::MADVISE, dropped) {
        die!(1, "madvise: {errno}");
    }
    check(start, count, |page| page >= half && page % step == 0);
    println!("{}", show(word));
    0
}

/// Asks for `count` pages and compares.
fn check(start: u64, count: u64, expected: impl Fn(u64) -> bool) {
    // One more byte than pages, which must stay as it is.
    let vector = vec![UNWRITTEN; count as usize + 1];
    let at = core::hint::black_box(vector.as_ptr()) as u64;
    match wild::syscall(MINCORE, [start, count * PAGE, at, 0, 0, 0]) {
        Ok(0) => {}
        result => die!(1, "mincore: {result:?}"),
    }
    for page in 0..count {
        let found = wild::load(at + page);
        if found != u8::from(expected(page)) {
            die!(1, "page {page} of {count}: {found}");
        }
    }
    if wild::load(at + count) != UNWRITTEN {
        die!(1, "the vector was written beyond its end");
    }
    drop(vector);
}
