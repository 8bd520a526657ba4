//! What the benchmark programs share: each runs `work` N times (its own default without an operand)
//! and prints one line, `name N checksum`, which is the same on every machine.

use ulib::{Args, number, println};

/// Runs a benchmark as a program.
pub fn main(args: &Args, name: &str, default: u64, work: impl FnOnce(u64) -> u64) -> i32 {
    let count = match args {
        [_] => default,
        [_, text] => match number::parse_u64(text) {
            Some(count) => count,
            None => ulib::die!(2, "invalid count '{}'", ulib::bytes::show(text)),
        },
        _ => ulib::die!(2, "usage: bench_{name} [COUNT]"),
    };
    println!("{name} {count} {:016x}", work(count));
    0
}

/// Adds a value to a checksum (the step of FNV-1a).
pub fn mix(sum: u64, value: u64) -> u64 {
    (sum ^ value).wrapping_mul(0x0000_0100_0000_01b3)
}
