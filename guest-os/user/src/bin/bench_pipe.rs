//! bench_pipe: two processes pass a number back and forth.

#![no_std]
#![no_main]

use ulib::prelude::*;
use ulib::sys::{self, Fd};
use user::bench::mix;

ulib::main!(main);

fn main(args: &ulib::Args) -> i32 {
    user::bench::main(args, "pipe", 25_000, |rounds| match run(rounds) {
        Ok(sum) => sum,
        Err(errno) => die!(1, "{errno}"),
    })
}

fn run(rounds: u64) -> sys::Result<u64> {
    let (there, back) = (sys::pipe()?, sys::pipe()?);
    let Some(child) = sys::fork()? else {
        let done = answer(there.0, back.1, rounds);
        sys::exit(i32::from(done.is_err()));
    };
    let mut sum = 0;
    for round in 0..rounds {
        send(there.1, sum ^ round)?;
        sum = mix(sum, receive(back.0)?);
    }
    sys::wait_for(child)?;
    Ok(sum)
}

fn answer(input: Fd, output: Fd, rounds: u64) -> sys::Result<()> {
    (0..rounds).try_for_each(|_| send(output, receive(input)?.wrapping_add(1)))
}

fn send(fd: Fd, number: u64) -> sys::Result<()> {
    ulib::io::write_all(fd, &number.to_le_bytes())
}

fn receive(fd: Fd) -> sys::Result<u64> {
    let mut bytes = [0; 8];
    match sys::read(fd, &mut bytes)? {
        8 => Ok(u64::from_le_bytes(bytes)),
        _ => Err(Errno::EPIPE),
    }
}
