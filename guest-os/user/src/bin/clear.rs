//! clear: clears the terminal.

#![no_std]
#![no_main]

ulib::main!(main);

fn main(_: &ulib::Args) -> i32 {
    ulib::io::put(b"\x1b[H\x1b[2J\x1b[3J");
    0
}
