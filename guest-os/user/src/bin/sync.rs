//! sync: writes everything to the disk.

#![no_std]
#![no_main]

ulib::main!(main);

fn main(_: &ulib::Args) -> i32 {
    ulib::sys::sync();
    0
}
