//! printf: prints formatted text.

#![no_std]
#![no_main]

ulib::main!(main);

fn main(args: &ulib::Args) -> i32 {
    user::printf::run(&args[1..])
}
