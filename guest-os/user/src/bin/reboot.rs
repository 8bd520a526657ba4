//! reboot: resets the machine.

#![no_std]
#![no_main]

use ulib::prelude::*;
use ulib::sys;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "",
    short: "",
    long: &[],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    Options::parse(args, &SPEC).expect_operands(0, 0);
    sys::sync();
    match sys::reboot(abi::reboot::RESTART, 0) {
        Ok(()) => 0,
        Err(errno) => die!(1, "{errno}"),
    }
}
