//! share PAGES WORD: forks with PAGES written pages; the child writes every eighth of them and ends.

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
        die!(1, "usage: share PAGES WORD");
    };
    let pages: u64 = number::parse_u64(pages).unwrap_or(0);
    let start = sys::map_anonymous((pages * PAGE) as usize).unwrap_or(0) as u64;
    let at = |page: u64| start + page * PAGE;
    (0..pages).for_each(|page| wild::store(at(page), page as u8));
    let child = match sys::fork() {
        Ok(Some(child)) => child,
        Ok(None) => {
            for page in (0..pages).step_by(8) {
                wild::store(at(page), !page as u8);
            }
            let seen = |page: u64| if page % 8 == 0 { !page as u8 } else { page as u8 };
            let right = (0..pages).all(|page| wild::load(at(page)) == seen(page));
            sys::exit(i32::from(!right));
        }
        Err(errno) => die!(1, "fork: {errno}"),
    };
    let status = sys::wait_for(child).map(|status| status.ended());
    let kept = (0..pages).all(|page| wild::load(at(page)) == page as u8);
    if status != Ok(Ended::Exited(0)) || !kept {
        die!(1, "the two sides mix");
    }
    println!("{}", show(word));
    0
}
