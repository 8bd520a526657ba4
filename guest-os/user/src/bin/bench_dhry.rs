//! bench_dhry: integer work in the manner of Dhrystone: records, strings, calls, branches.

#![no_std]
#![no_main]

use core::hint::black_box;
use ulib::prelude::*;
use user::bench::mix;

ulib::main!(main);

#[derive(Clone)]
struct Record {
    kind: u8,
    number: i64,
    text: [u8; 32],
    next: Option<usize>,
}

fn main(args: &ulib::Args) -> i32 {
    user::bench::main(args, "dhry", 1_500_000, run)
}

fn run(rounds: u64) -> u64 {
    let empty = Record {
        kind: 0,
        number: 0,
        text: *b"DHRYSTONE PROGRAM, SOME STRING  ",
        next: Some(1),
    };
    let mut records = vec![empty.clone(), empty];
    records[1].next = None;
    let mut array = [[0i64; 20]; 20];
    let mut sum = 0;
    for round in 0..rounds {
        let n = round as i64;
        let mut other = *b"DHRYSTONE PROGRAM, 2'ND STRING  ";
        other[(round % 32) as usize] ^= 1;
        records[0].number = add(n, 3);
        change(&mut records, 0, n);
        fill(&mut array, (round % 17) as usize, n);
        let order = compare(&records[0].text, &other);
        let step = match records[1].kind {
            0 => order,
            1..=3 => order * 2 + 1,
            _ => -order,
        };
        let mut quotient = n * 7 + step;
        quotient = quotient / 5 - quotient % 3;
        if black_box(round & 3) == 0 {
            quotient -= array[(round % 17) as usize][(round % 19) as usize];
        }
        sum = mix(sum, (quotient + records[1].number) as u64);
    }
    sum
}

#[inline(never)]
fn add(a: i64, b: i64) -> i64 {
    black_box(a) + b + 2
}

/// Copies a record to the one it points to, and changes both.
#[inline(never)]
fn change(records: &mut [Record], at: usize, n: i64) {
    let Some(next) = records[at].next else { return };
    records[next] = records[at].clone();
    records[next].next = None;
    records[next].number = add(records[at].number, n);
    records[next].kind = (n & 7) as u8;
    records[at].text[(n & 31) as usize] = b'A' + (n & 15) as u8;
}

#[inline(never)]
fn fill(array: &mut [[i64; 20]; 20], row: usize, n: i64) {
    for column in 0..3 {
        array[row][column + row % 17] = n + column as i64;
    }
    array[(row + 1) % 20][row] += 1;
}

#[inline(never)]
fn compare(a: &[u8; 32], b: &[u8; 32]) -> i64 {
    let differs = a.iter().zip(b).position(|(x, y)| x != y);
    differs.map_or(0, |at| i64::from(a[at]) - i64::from(b[at]))
}
