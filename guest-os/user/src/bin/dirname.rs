//! dirname: a path without its last part.

#![no_std]
#![no_main]

use ulib::path::dir_name;
use ulib::prelude::*;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "NAME...",
    short: "",
    long: &[],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    options.expect_operands(1, usize::MAX);
    for name in &options.operands {
        println!("{}", show(dir_name(name)));
    }
    0
}
