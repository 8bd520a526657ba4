//! last PAGES WORD: forks children that end at once, and writes all pages after each of them: the last
//! user of a page needs no copy.

#![no_std]
#![no_main]

use ulib::arch::wild;
use ulib::prelude::*;
use ulib::{number, sys};

ulib::main!(main);

const PAGE: u64 = 4096;
const CHILDREN: u8 = 4;

fn main(args: &ulib::Args) -> i32 {
    let [_, pages, word] = args else {
        die!(1, "usage: last PAGES WORD");
    };
    let pages: u64 = number::parse_u64(pages).unwrap_or(0);
    let start = sys::map_anonymous((pages * PAGE) as usize).unwrap_or(0) as u64;
    let fill = |byte| (0..pages).for_each(|page| wild::store(start + page * PAGE, byte));
    fill(0);
    for round in 1..=CHILDREN {
        match sys::fork() {
            Ok(Some(child)) => {
                let _ = sys::wait_for(child);
            }
            Ok(None) => sys::exit(0),
            Err(errno) => die!(1, "fork: {errno}"),
        }
        fill(round);
    }
    if !(0..pages).all(|page| wild::load(start + page * PAGE) == CHILDREN) {
        die!(1, "a write is lost");
    }
    println!("{}", show(word));
    0
}
