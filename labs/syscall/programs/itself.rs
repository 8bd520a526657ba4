//! itself COUNT WORD: the vector lies in the range that is asked about, and has not been touched yet;
//! a child asks too. The kernel must not wait for itself.

#![no_std]
#![no_main]

use abi::linux;
use abi::wait::Ended;
use ulib::arch::wild;
use ulib::prelude::*;
use ulib::{number, sys};

ulib::main!(main);

/// mincore(2), which the trusted user library does not know.
const MINCORE: u64 = linux::number("mincore");
const PAGE: u64 = 4096;

fn main(args: &ulib::Args) -> i32 {
    let [_, count, word] = args else {
        die!(1, "usage: itself COUNT WORD");
    };
    let count = number::parse_u64(count).unwrap_or(0);
    let start = sys::map_anonymous((count * PAGE) as usize).unwrap_or(0) as u64;
    // The pages of the vector, in the middle of the range.
    let vector = start + count / 2 * PAGE;
    let ask = || wild::syscall(MINCORE, [start, count * PAGE, vector, 0, 0, 0]);
    if ask() != Ok(0) || ask() != Ok(0) {
        die!(1, "mincore fails");
    }
    // The second time the vector is in memory, and nothing else.
    let used = count.div_ceil(PAGE);
    let is_vector = |page: u64| (count / 2..count / 2 + used).contains(&page);
    let told = (0..count).all(|page| wild::load(vector + page) == u8::from(is_vector(page)));
    if !told {
        die!(1, "the vector's own pages are told wrong");
    }
    let child = match sys::fork() {
        Ok(Some(child)) => child,
        Ok(None) => {
            let right = ask() == Ok(0) && wild::load(vector) == 0;
            sys::exit(i32::from(!right));
        }
        Err(errno) => die!(1, "fork: {errno}"),
    };
    if sys::wait_for(child).map(|status| status.ended()) != Ok(Ended::Exited(0)) {
        die!(1, "a child is told something else");
    }
    println!("{}", show(word));
    0
}
