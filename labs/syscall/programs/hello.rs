//! true: does nothing, with status 0.

#![no_std]
#![no_main]

ulib::main!(main);

fn main(_: &ulib::Args) -> i32 {
    0
}
