//! bench_copy: copies strings, with string instructions and byte by byte.

#![no_std]
#![no_main]

use core::hint::black_box;
use ulib::prelude::*;
use user::bench::mix;

ulib::main!(main);

const SIZE: usize = 16 * 1024;

fn main(args: &ulib::Args) -> i32 {
    user::bench::main(args, "copy", 2000, run)
}

fn run(rounds: u64) -> u64 {
    let from: Vec<u8> = (0..SIZE).map(|i| (i * 7 + i / 256) as u8 | 1).collect();
    let mut to = vec![0u8; SIZE];
    let mut sum = 0;
    for round in 0..rounds {
        // memcpy: string instructions.
        to.copy_from_slice(black_box(&from));
        let len = bytewise(&from[(round % 64) as usize..], &mut to);
        to.fill(round as u8);
        sum = mix(sum, len as u64 + u64::from(to[SIZE / 2]));
    }
    sum
}

/// Copies byte by byte, as C's strcpy does, and gives the sum of a few.
fn bytewise(from: &[u8], to: &mut [u8]) -> usize {
    let mut len = 0;
    for (byte, place) in from.iter().zip(to) {
        if black_box(*byte) == 0 {
            break;
        }
        *place = *byte;
        len += usize::from(*byte & 1);
    }
    len
}
