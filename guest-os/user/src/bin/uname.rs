//! uname: names the system.

#![no_std]
#![no_main]

use ulib::prelude::*;
use ulib::sys;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-amnrsv]",
    short: "amnrsv",
    long: &[
        ("all", b'a'),
        ("machine", b'm'),
        ("nodename", b'n'),
        ("kernel-release", b'r'),
    ],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    options.expect_operands(0, 0);
    let names = match sys::uname() {
        Ok(names) => names,
        Err(errno) => die!(1, "cannot get system name: {errno}"),
    };
    let fields = [
        (b's', names.sysname),
        (b'n', names.nodename),
        (b'r', names.release),
        (b'v', names.version),
        (b'm', names.machine),
    ];
    let wanted = |letter: u8| {
        options.has(letter) || options.has(b'a') || (options.given.is_empty() && letter == b's')
    };
    let shown: Vec<Vec<u8>> = fields
        .iter()
        .filter(|(letter, _)| wanted(*letter))
        .map(|(_, text)| text.iter().copied().take_while(|b| *b != 0).collect())
        .collect();
    println!("{}", show(&shown.join(&b' ')));
    0
}
