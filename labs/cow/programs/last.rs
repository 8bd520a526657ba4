//! last PAGES WORD: forks children that only read, and writes all pages after each of them: the last
//! user of a page needs no copy.

#![no_std]
#![no_main]

use abi::wait::Ended;
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
    let holds = |byte| (0..pages).all(|page| wild::load(start + page * PAGE) == byte);
    for round in 1..=CHILDREN {
        match sys::fork() {
            Ok(Some(child)) => {
                let status = sys::wait_for(child).map(|status| status.ended());
                if status != Ok(Ended::Exited(0)) {
                    die!(1, "the child: {status:?}");
                }
            }
            Ok(None) => sys::exit(i32::from(!holds(round - 1))),
            Err(errno) => die!(1, "fork: {errno}"),
        }
        fill(round);
    }
    if !holds(CHILDREN) {
        die!(1, "a write is lost");
    }
    println!("{}", show(word));
    0
}
