//! kill: sends signals.

#![no_std]
#![no_main]

ulib::main!(main);

fn main(args: &ulib::Args) -> i32 {
    user::kill::run(&args[1..])
}
