//! apart PAGES WORD: after a fork parent and child write the same pages, one after the other in both
//! orders, by instructions and by a system call, and each must see its own bytes only.

#![no_std]
#![no_main]

use abi::nr;
use abi::wait::Ended;
use ulib::arch::wild;
use ulib::prelude::*;
use ulib::{number, sys};

ulib::main!(main);

const PAGE: u64 = 4096;
/// First byte of each page, by who has written it last.
const BEFORE: u8 = 0x11;
const PARENT: u8 = 0x22;
const CHILD: u8 = 0x33;

fn main(args: &ulib::Args) -> i32 {
    let [_, pages, word] = args else {
        die!(1, "usage: apart PAGES WORD");
    };
    let pages: u64 = number::parse_u64(pages).unwrap_or(0);
    let start = sys::map_anonymous((pages * PAGE) as usize).unwrap_or(0) as u64;
    for parent_first in [true, false] {
        for by_kernel in [false, true] {
            round(start, pages, parent_first, by_kernel);
        }
    }
    println!("{}", show(word));
    0
}

/// Writes `byte` to the start of each page: itself, or by having the kernel read it from a pipe.
fn fill(start: u64, pages: u64, byte: u8, by_kernel: bool) {
    let Ok((reader, writer)) = sys::pipe() else {
        die!(1, "no pipe");
    };
    for page in 0..pages {
        let at = start + page * PAGE;
        if by_kernel {
            let _ = sys::write(writer, &[byte]);
            let _ = wild::syscall(nr::READ, [reader as u64, at, 1, 0, 0, 0]);
        } else {
            wild::store(at, byte);
        }
    }
    let _ = (sys::close(reader), sys::close(writer));
}

fn holds(start: u64, pages: u64, byte: u8) -> bool {
    (0..pages).all(|page| wild::load(start + page * PAGE) == byte)
}

fn round(start: u64, pages: u64, parent_first: bool, by_kernel: bool) {
    // Written right before the fork, so that the TLB still knows the pages as writable.
    fill(start, pages, BEFORE, by_kernel);
    let (Ok(go), Ok(done)) = (sys::pipe(), sys::pipe()) else {
        die!(1, "no pipe");
    };
    let child = match sys::fork() {
        Ok(Some(child)) => child,
        Ok(None) => {
            let mut byte = [0];
            if parent_first {
                let _ = sys::read(go.0, &mut byte);
            }
            let untouched = holds(start, pages, BEFORE);
            fill(start, pages, CHILD, by_kernel);
            let _ = sys::write(done.1, &byte);
            if !parent_first {
                let _ = sys::read(go.0, &mut byte);
            }
            sys::exit(i32::from(!(untouched && holds(start, pages, CHILD))));
        }
        Err(errno) => die!(1, "fork: {errno}"),
    };
    let mut byte = [0];
    if !parent_first {
        let _ = sys::read(done.0, &mut byte);
    }
    let untouched = holds(start, pages, BEFORE);
    fill(start, pages, PARENT, by_kernel);
    let _ = sys::write(go.1, &byte);
    let status = sys::wait_for(child).map(|status| status.ended());
    if !untouched || !holds(start, pages, PARENT) || status != Ok(Ended::Exited(0)) {
        die!(1, "writes of parent and child meet");
    }
    for fd in [go.0, go.1, done.0, done.1] {
        let _ = sys::close(fd);
    }
}
