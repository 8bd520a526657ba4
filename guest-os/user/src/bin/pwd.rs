//! pwd: prints the current directory.

#![no_std]
#![no_main]

use ulib::prelude::*;
use ulib::sys;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-LP]",
    short: "LP",
    long: &[],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    Options::parse(args, &SPEC);
    match sys::getcwd() {
        Ok(path) => {
            println!("{}", show(&path));
            0
        }
        Err(errno) => die!(1, "cannot get the current directory: {errno}"),
    }
}
