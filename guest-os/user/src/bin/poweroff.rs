//! poweroff: switches the machine off, with an exit status for whoever runs it.

#![no_std]
#![no_main]

use abi::boot::ExitWord;
use ulib::prelude::*;
use ulib::{number, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[STATUS]",
    short: "f",
    long: &[("force", b'f')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    options.expect_operands(0, 1);
    let status = match options.operands.first() {
        None => 0,
        Some(text) => match number::parse_u64(text).and_then(|n| u8::try_from(n).ok()) {
            Some(status) => status,
            None => die!(1, "invalid status '{}'", show(text)),
        },
    };
    sys::sync();
    match sys::reboot(abi::reboot::POWER_OFF, ExitWord::exited(status).0) {
        Ok(()) => 0,
        Err(errno) => die!(1, "{errno}"),
    }
}
