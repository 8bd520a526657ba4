//! yes: prints a line until it is stopped.

#![no_std]
#![no_main]

use ulib::io::{STDOUT, write_all};
use ulib::prelude::*;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[STRING]...",
    short: "+",
    long: &[],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let words = match &options.operands[..] {
        [] => b"y".to_vec(),
        words => words.join(&b' '),
    };
    let line = [&words[..], b"\n"].concat();
    let block = line.repeat((4096 / line.len()).max(1));
    loop {
        if let Err(errno) = write_all(STDOUT, &block) {
            die!(1, "standard output: {errno}");
        }
    }
}
