//! big PAGES WORD: forks with more than half of the machine's memory in use, which only works if
//! nothing is copied.

#![no_std]
#![no_main]

use abi::wait::Ended;
use ulib::arch::wild;
use ulib::prelude::*;
use ulib::{number, sys};

ulib::main!(main);

const PAGE: u64 = 4096;

fn main(args: &ulib::Args) -> i32 {
    let [_, pages, word] = args else {
        die!(1, "usage: big PAGES WORD");
    };
    let pages: u64 = number::parse_u64(pages).unwrap_or(0);
    let start = sys::map_anonymous((pages * PAGE) as usize).unwrap_or(0) as u64;
    (0..pages).for_each(|page| wild::store(start + page * PAGE, page as u8));
    let child = match sys::fork() {
        Ok(Some(child)) => child,
        Ok(None) => {
            let right = (0..pages).all(|page| wild::load(start + page * PAGE) == page as u8);
            sys::exit(i32::from(!right));
        }
        Err(errno) => die!(1, "fork: {errno}"),
    };
    match sys::wait_for(child).map(|status| status.ended()) {
        Ok(Ended::Exited(0)) => println!("{}", show(word)),
        ended => die!(1, "the child: {ended:?}"),
    }
    0
}
