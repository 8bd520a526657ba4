//! readlink: prints where symbolic links point.

#![no_std]
#![no_main]

use ulib::prelude::*;
use ulib::sys;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-n] FILE...",
    short: "n",
    long: &[],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    options.expect_operands(1, usize::MAX);
    let mut status = 0;
    for path in &options.operands {
        match sys::readlink(path) {
            Ok(target) => print!(
                "{}{}",
                show(&target),
                if options.has(b'n') { "" } else { "\n" }
            ),
            // GNU's is silent about what is not a link.
            Err(_) => status = 1,
        }
    }
    status
}
