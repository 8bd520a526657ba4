//! bench_matrix: multiplies matrices of double-precision numbers.

#![no_std]
#![no_main]

use ulib::prelude::*;
use user::bench::mix;

ulib::main!(main);

const N: usize = 64;

type Matrix = Vec<[f64; N]>;

fn main(args: &ulib::Args) -> i32 {
    user::bench::main(args, "matrix", 250, |rounds| {
        let mut a = matrix(3);
        let b = matrix(7);
        let mut sum = 0;
        for _ in 0..rounds {
            a = multiply(&a, &b);
            // Keeps the numbers in range: the products grow.
            let scale = 1.0 / (1.0 + a[1][2].abs());
            a.iter_mut().flatten().for_each(|x| *x *= scale);
            sum = mix(sum, a[5][9].to_bits());
        }
        sum
    })
}

fn matrix(seed: usize) -> Matrix {
    let entry = |row: usize, column: usize| ((row * seed + column * 5) % 17) as f64 / 8.0 - 1.0;
    (0..N)
        .map(|row| core::array::from_fn(|column| entry(row, column)))
        .collect()
}

fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    let mut product = vec![[0.0; N]; N];
    for (row, out) in a.iter().zip(&mut product) {
        for (factor, line) in row.iter().zip(b) {
            for (sum, x) in out.iter_mut().zip(line) {
                *sum += factor * x;
            }
        }
    }
    core::hint::black_box(product)
}
