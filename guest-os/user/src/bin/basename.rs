//! basename: the last part of a path.

#![no_std]
#![no_main]

use ulib::path::base_name;
use ulib::prelude::*;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "NAME [SUFFIX] | -a [-s SUFFIX] NAME...",
    short: "+as:",
    long: &[("multiple", b'a'), ("suffix", b's')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let many = options.has(b'a') || options.has(b's');
    options.expect_operands(1, if many { usize::MAX } else { 2 });
    let (names, suffix) = match (&options.operands[..], many) {
        ([name, suffix], false) => (core::slice::from_ref(name), *suffix),
        (names, _) => (names, options.value(b's').unwrap_or(b"")),
    };
    for name in names {
        let base = base_name(name);
        let cut = base.strip_suffix(suffix).filter(|rest| !rest.is_empty());
        println!("{}", show(cut.unwrap_or(base)));
    }
    0
}
