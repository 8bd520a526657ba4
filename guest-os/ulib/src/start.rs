//! From the entry point to the program's `main!`, and what happens when it panics.

use crate::{Args, env, io, sys};
use core::panic::PanicInfo;
use rust_alloc::vec::Vec;

/// Exit status of a program that panicked, as for every Rust program.
const PANICKED: i32 = 101;

unsafe extern "Rust" {
    safe fn ulib_main(args: &Args) -> i32;
}

/// Runs the program and exits with its status.
pub(crate) fn start(
    args: impl Iterator<Item = &'static [u8]>,
    variables: impl Iterator<Item = &'static [u8]>,
) -> ! {
    let args: Vec<&'static [u8]> = args.collect();
    env::initialise(args.first().copied().unwrap_or(b"?"), variables);
    let status = ulib_main(&args);
    io::exit(status)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    io::eprint_fmt(format_args!("{info}\n"));
    sys::exit(PANICKED)
}
