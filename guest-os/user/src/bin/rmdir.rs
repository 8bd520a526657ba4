//! rmdir: removes empty directories.

#![no_std]
#![no_main]

use ulib::path::dir_name;
use ulib::prelude::*;
use ulib::sys;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-p] DIRECTORY...",
    short: "p",
    long: &[("parents", b'p')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    options.expect_operands(1, usize::MAX);
    let mut status = 0;
    for path in &options.operands {
        let mut path = *path;
        loop {
            if let Err(errno) = sys::rmdir(path) {
                warn!("failed to remove '{}': {errno}", show(path));
                status = 1;
                break;
            }
            path = dir_name(path);
            if !options.has(b'p') || matches!(path, b"." | b"/") {
                break;
            }
        }
    }
    status
}
