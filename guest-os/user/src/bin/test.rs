//! test: evaluates an expression; under the name `[` it ends with `]`.

#![no_std]
#![no_main]

ulib::main!(main);

fn main(args: &ulib::Args) -> i32 {
    match ulib::env::program() {
        b"[" => user::test::run_bracket(&args[1..]),
        _ => user::test::run(&args[1..]),
    }
}
