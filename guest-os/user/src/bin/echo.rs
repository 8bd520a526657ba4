//! echo: prints its operands.

#![no_std]
#![no_main]

ulib::main!(main);

fn main(args: &ulib::Args) -> i32 {
    user::echo::run(&args[1..])
}
