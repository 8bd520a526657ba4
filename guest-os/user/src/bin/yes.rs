//! yes: prints a line until it is stopped.

#![no_std]
#![no_main]

use ulib::io::{STDOUT, write_all};
use ulib::prelude::*;

ulib::main!(main);

fn main(args: &ulib::Args) -> i32 {
    let words = if args.len() > 1 {
        args[1..].join(&b' ')
    } else {
        b"y".to_vec()
    };
    let line = [&words[..], b"\n"].concat();
    let block = line.repeat((4096 / line.len()).max(1));
    loop {
        if let Err(errno) = write_all(STDOUT, &block) {
            die!(1, "standard output: {errno}");
        }
    }
}
