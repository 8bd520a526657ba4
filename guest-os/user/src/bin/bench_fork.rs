//! bench_fork: forks, executes a program and waits for it.

#![no_std]
#![no_main]

use ulib::prelude::*;
use ulib::{env, process, sys};
use user::bench::mix;

ulib::main!(main);

fn main(args: &ulib::Args) -> i32 {
    user::bench::main(args, "fork", 2_000, |rounds| match run(rounds) {
        Ok(sum) => sum,
        Err(errno) => die!(1, "{errno}"),
    })
}

fn run(rounds: u64) -> sys::Result<u64> {
    let path = process::find_program(b"true").ok_or(Errno::ENOENT)?;
    let environment = env::all();
    let mut sum = 0;
    for round in 0..rounds {
        let Some(child) = sys::fork()? else {
            // Every other child only exits.
            if round % 2 == 0 {
                sys::execve(&path, &["true"], &environment);
                sys::exit(1);
            }
            sys::exit((round & 0x7f) as i32);
        };
        sum = mix(sum, sys::wait_for(child)?.shell_status().into());
    }
    Ok(sum)
}
