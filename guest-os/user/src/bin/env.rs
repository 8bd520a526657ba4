//! env: shows the environment, or runs a program in a changed one.

#![no_std]
#![no_main]

use ulib::bytes::split_once;
use ulib::prelude::*;
use ulib::{env, io, process};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-i] [-u NAME]... [NAME=VALUE]... [COMMAND [ARG]...]",
    short: "+iu:",
    long: &[("ignore-environment", b'i'), ("unset", b'u')],
    trouble: 125,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    if options.has(b'i') {
        env::clear();
    }
    for (_, name) in options.given.iter().filter(|(letter, _)| *letter == b'u') {
        env::unset(name);
    }
    let mut rest = &options.operands[..];
    while let Some((word, after)) = rest.split_first() {
        let Some((name, value)) = split_once(word, b'=') else {
            break;
        };
        env::set(name, value);
        rest = after;
    }
    if rest.is_empty() {
        for variable in env::all() {
            io::put(&variable);
            io::put(b"\n");
        }
        return 0;
    }
    let errno = process::exec(rest);
    die!(process::exec_status(errno), "'{}': {errno}", show(rest[0]))
}
