//! chain DEPTH WORD: each generation forks the next, writes its own number, and checks it after the
//! younger ones have written theirs.

#![no_std]
#![no_main]

use abi::wait::Ended;
use ulib::arch::wild;
use ulib::prelude::*;
use ulib::{number, sys};

ulib::main!(main);

const PAGE: u64 = 4096;
const PAGES: u64 = 16;

fn main(args: &ulib::Args) -> i32 {
    let [_, depth, word] = args else {
        die!(1, "usage: chain DEPTH WORD");
    };
    let depth = number::parse_u64(depth).unwrap_or(0) as u8;
    let start = sys::map_anonymous((PAGES * PAGE) as usize).unwrap_or(0) as u64;
    if !generation(start, 1, depth) {
        die!(1, "a generation has seen another's bytes");
    }
    println!("{}", show(word));
    0
}

/// Whether this generation and all younger ones see what they should.
fn generation(start: u64, number: u8, depth: u8) -> bool {
    let at = |page: u64| start + page * PAGE;
    (0..PAGES).for_each(|page| wild::store(at(page), number));
    if number == depth {
        return true;
    }
    let child = match sys::fork() {
        Ok(Some(child)) => child,
        Ok(None) => {
            let inherited = (0..PAGES).all(|page| wild::load(at(page)) == number);
            sys::exit(i32::from(!(inherited && generation(start, number + 1, depth))));
        }
        Err(_) => return false,
    };
    // Half of the pages are written while the child runs, half are left to it.
    (0..PAGES / 2).for_each(|page| wild::store(at(page), number));
    let status = sys::wait_for(child).map(|status| status.ended());
    status == Ok(Ended::Exited(0)) && (0..PAGES).all(|page| wild::load(at(page)) == number)
}
