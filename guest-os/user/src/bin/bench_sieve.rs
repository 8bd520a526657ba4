//! bench_sieve: primes by the sieve of Eratosthenes; bytes, strides, branches.

#![no_std]
#![no_main]

use ulib::prelude::*;
use user::bench::mix;

ulib::main!(main);

const SIZE: usize = 1 << 18;

fn main(args: &ulib::Args) -> i32 {
    user::bench::main(args, "sieve", 25, |rounds| {
        let mut composite = vec![false; SIZE];
        (0..rounds).fold(0, |sum, round| mix(sum, sieve(&mut composite) + round))
    })
}

/// Counts the primes below the size.
fn sieve(composite: &mut [bool]) -> u64 {
    composite.fill(false);
    let mut count = 0;
    for n in 2..composite.len() {
        if !composite[n] {
            count += 1;
            for multiple in (n * 2..composite.len()).step_by(n) {
                composite[multiple] = true;
            }
        }
    }
    core::hint::black_box(count)
}
