//! errors WORD: mincore(2) with arguments that it must refuse, each with the right error.

#![no_std]
#![no_main]

use abi::linux;
use abi::mman::{PROT_NONE, PROT_READ};
use ulib::arch::wild;
use ulib::prelude::*;
use ulib::sys;

ulib::main!(main);

/// mincore(2), which the trusted user library does not know.
const MINCORE: u64 = linux::number("mincore");
const PAGE: u64 = 4096;

fn mincore(start: u64, len: u64, vector: u64) -> Result<u64, Errno> {
    wild::syscall(MINCORE, [start, len, vector, 0, 0, 0])
}

fn expect(what: &str, found: Result<u64, Errno>, expected: Result<u64, Errno>) {
    if found != expected {
        die!(1, "{what}: {found:?} instead of {expected:?}");
    }
}

fn main(args: &ulib::Args) -> i32 {
    let [_, word] = args else {
        die!(1, "usage: errors WORD");
    };
    let map = |pages: u64| sys::map_anonymous((pages * PAGE) as usize).unwrap_or(0) as u64;
    let (area, vector) = (map(8), map(1));
    let refused = |errno| Err(errno);

    expect("a start inside a page", mincore(area + 1, PAGE, vector), refused(Errno::EINVAL));
    expect("that comes first", mincore(area + 1, 1 << 60, 0), refused(Errno::EINVAL));
    expect("nothing at all", mincore(area, 0, vector), Ok(0));
    expect("part of a page", mincore(area, 1, vector), Ok(0));
    expect("all pages", mincore(area, 8 * PAGE, vector), Ok(0));
    expect("a bad vector", mincore(area, PAGE, 0), refused(Errno::EFAULT));
    let kernel = 0xffff_8000_0000_0000;
    expect("the kernel's vector", mincore(area, PAGE, kernel), refused(Errno::EFAULT));
    let _ = sys::mprotect(vector as usize, PAGE as usize, PROT_READ);
    expect("a vector to read", mincore(area, PAGE, vector), refused(Errno::EFAULT));
    let vector = map(1);

    // A hole in the middle, no rights at the end.
    let _ = sys::munmap((area + 3 * PAGE) as usize, PAGE as usize);
    let _ = sys::mprotect((area + 7 * PAGE) as usize, PAGE as usize, PROT_NONE);
    expect("a hole", mincore(area, 8 * PAGE, vector), refused(Errno::ENOMEM));
    expect("the hole alone", mincore(area + 3 * PAGE, 1, vector), refused(Errno::ENOMEM));
    expect("a hole comes before the vector", mincore(area, 8 * PAGE, 0), refused(Errno::ENOMEM));
    expect("beside the hole", mincore(area, 3 * PAGE, vector), Ok(0));
    expect("two regions", mincore(area + 4 * PAGE, 4 * PAGE, vector), Ok(0));

    for (start, len) in [
        (area, u64::MAX),
        (area, 1 << 47),
        (area, 1 << 63),
        (kernel, PAGE),
        (u64::MAX - PAGE + 1, PAGE),
        (u64::MAX - PAGE + 1, u64::MAX),
        (0, PAGE),
    ] {
        let what = format!("{start:#x} and {len:#x} bytes");
        expect(&what, mincore(start, len, vector), refused(Errno::ENOMEM));
    }
    println!("{}", show(word));
    0
}
