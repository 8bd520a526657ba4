//! repeat TIMES WORD: forks again and again, both sides writing; nothing may get lost.

#![no_std]
#![no_main]

use abi::wait::Ended;
use ulib::arch::wild;
use ulib::prelude::*;
use ulib::{number, sys};

ulib::main!(main);

const PAGE: u64 = 4096;
const PAGES: u64 = 40;

fn main(args: &ulib::Args) -> i32 {
    let [_, times, word] = args else {
        die!(1, "usage: repeat TIMES WORD");
    };
    let times: u64 = number::parse_u64(times).unwrap_or(0);
    let start = sys::map_anonymous((PAGES * PAGE) as usize).unwrap_or(0) as u64;
    let fill = |from, byte| (from..PAGES).for_each(|page| wild::store(start + page * PAGE, byte));
    fill(0, 1);
    for round in 0..times {
        match sys::fork() {
            Ok(Some(child)) => {
                fill(PAGES / 2, round as u8);
                let status = sys::wait_for(child).map(|status| status.ended());
                if status != Ok(Ended::Exited(0)) {
                    die!(1, "the child: {status:?}");
                }
            }
            Ok(None) => {
                let inherited = (0..PAGES / 4).all(|page| wild::load(start + page * PAGE) == 1);
                fill(PAGES / 4, 7);
                sys::exit(i32::from(!inherited));
            }
            Err(errno) => die!(1, "fork: {errno}"),
        }
    }
    println!("{}", show(word));
    0
}
