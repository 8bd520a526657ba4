//! dd: copies blocks.

#![no_std]
#![no_main]

use abi::fcntl::{O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY, SEEK_CUR, SEEK_SET};
use ulib::bytes::split_once;
use ulib::number::parse_size;
use ulib::prelude::*;
use ulib::{io, sys};

ulib::main!(main);

const USAGE: &str = "Usage: dd [if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [seek=N] [conv=notrunc,sync,fsync] [status=none]";

#[derive(Default)]
struct Job {
    input: Option<&'static [u8]>,
    output: Option<&'static [u8]>,
    block: Option<u64>,
    count: Option<u64>,
    skip: u64,
    seek: u64,
    keep: bool,
    pad: bool,
    fsync: bool,
    quiet: bool,
}

fn main(args: &ulib::Args) -> i32 {
    let mut job = Job::default();
    for arg in &args[1..] {
        if *arg == b"--help" {
            println!("{USAGE}");
            return 0;
        }
        let Some((key, value)) = split_once(arg, b'=') else {
            die!(1, "unrecognized operand '{}'", show(arg));
        };
        let number = || match parse_size(value) {
            Some(number) => number,
            None => die!(1, "invalid number: '{}'", show(value)),
        };
        match key {
            b"if" => job.input = Some(value),
            b"of" => job.output = Some(value),
            b"bs" | b"ibs" | b"obs" => job.block = Some(number()),
            b"count" => job.count = Some(number()),
            b"skip" | b"iseek" => job.skip = number(),
            b"seek" | b"oseek" => job.seek = number(),
            b"status" => job.quiet = value == b"none",
            b"conv" => {
                for word in value.split(|b| *b == b',') {
                    match word {
                        b"notrunc" => job.keep = true,
                        b"sync" => job.pad = true,
                        b"fsync" | b"fdatasync" => job.fsync = true,
                        _ => die!(1, "invalid conversion: '{}'", show(word)),
                    }
                }
            }
            _ => die!(1, "unrecognized operand '{}'", show(arg)),
        }
    }
    run(&job)
}

fn open(path: &[u8], flags: u32) -> sys::Fd {
    match sys::open(path, flags, 0o666) {
        Ok(fd) => fd,
        Err(errno) => die!(1, "failed to open '{}': {errno}", show(path)),
    }
}

fn run(job: &Job) -> i32 {
    let block = job.block.unwrap_or(512);
    if block == 0 || block > 1 << 30 {
        die!(1, "invalid number: '{block}'");
    }
    let input = job.input.map_or(io::STDIN, |path| open(path, O_RDONLY));
    let truncate = if job.keep || job.seek > 0 { 0 } else { O_TRUNC };
    let output = job
        .output
        .map_or(io::STDOUT, |path| open(path, O_WRONLY | O_CREAT | truncate));
    let mut buffer = vec![0; block as usize];
    skip(input, job.skip, &mut buffer);
    if job.seek > 0 {
        let at = job.seek.saturating_mul(block) as i64;
        if sys::lseek(output, at, SEEK_SET).is_err() {
            die!(1, "cannot seek output");
        }
        if !job.keep && sys::ftruncate(output, at).is_err() {
            die!(1, "failed to truncate output");
        }
    }
    let start = sys::monotonic();
    let (mut full, mut partial, mut bytes) = (0u64, 0u64, 0u64);
    let mut status = 0;
    while job.count.is_none_or(|count| full + partial < count) {
        let n = match sys::read(input, &mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(Errno::EINTR) => continue,
            Err(errno) => {
                warn!("error reading: {errno}");
                status = 1;
                break;
            }
        };
        if n == buffer.len() {
            full += 1
        } else {
            partial += 1
        }
        let len = if job.pad { buffer.len() } else { n };
        buffer[n..len].fill(0);
        if let Err(errno) = io::write_all(output, &buffer[..len]) {
            warn!("error writing: {errno}");
            status = 1;
            break;
        }
        bytes += len as u64;
    }
    if job.fsync
        && let Err(errno) = sys::fsync(output)
    {
        warn!("fsync failed: {errno}");
        status = 1;
    }
    if !job.quiet {
        let millis = ((sys::monotonic() - start) / 1_000_000).max(1);
        let rate = bytes.saturating_mul(1000) / millis;
        eprint!("{full}+{partial} records in\n{full}+{partial} records out\n");
        eprintln!(
            "{bytes} bytes copied, {}.{:03} s, {}B/s",
            millis / 1000,
            millis % 1000,
            ulib::number::human(rate)
        );
    }
    status
}

/// Passes over input blocks, by seeking where that is possible.
fn skip(input: sys::Fd, blocks: u64, buffer: &mut [u8]) {
    let distance = blocks.saturating_mul(buffer.len() as u64) as i64;
    if blocks == 0 || sys::lseek(input, distance, SEEK_CUR).is_ok() {
        return;
    }
    for _ in 0..blocks {
        match sys::read(input, buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(errno) => die!(1, "error reading: {errno}"),
        }
    }
}
