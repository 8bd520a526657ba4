//! What several programs of Silica share, and the larger programs in parts.

#![no_std]
#![warn(missing_docs)]
#![forbid(unsafe_code)]

extern crate alloc as rust_alloc;

pub mod accounts;
pub mod bench;
pub mod echo;
pub mod kill;
pub mod printf;
pub mod proc;
pub mod sh;
pub mod test;
pub mod tree;
pub mod usertests;

use rust_alloc::vec::Vec;
use ulib::bytes::show;
use ulib::options::Options;
use ulib::{Args, fs, io, sys, warn};

/// Turns an old-style first option `-5` into `-n5`, for head and tail.
pub fn numeric_option(args: &Args) -> Vec<&'static [u8]> {
    let mut args = args.to_vec();
    if let Some([b'-', digits @ ..]) = args.get(1).copied()
        && digits.first().is_some_and(u8::is_ascii_digit)
    {
        args[1] = b"-n";
        args.insert(2, digits);
    }
    args
}

/// Runs `body` on each operand, or standard input, with headings between several files (head, tail).
pub fn each_file(options: &Options, mut body: impl FnMut(sys::Fd) -> sys::Result<()>) -> i32 {
    let operands = match &options.operands[..] {
        [] => &[&b"-"[..]],
        operands => operands,
    };
    let headings = match options.last_of(b"qv") {
        Some(letter) => letter == b'v',
        None => operands.len() > 1,
    };
    let mut status = 0;
    let mut separator = "";
    for path in operands {
        let file = match *path {
            b"-" => None,
            path => match fs::File::open(path) {
                Ok(file) => Some(file),
                Err(errno) => {
                    warn!("cannot open '{}' for reading: {errno}", show(path));
                    status = 1;
                    continue;
                }
            },
        };
        if headings {
            let name: &[u8] = if file.is_none() {
                b"standard input"
            } else {
                path
            };
            ulib::println!("{separator}==> {} <==", show(name));
            separator = "\n";
        }
        if let Err(errno) = body(file.as_ref().map_or(io::STDIN, fs::File::fd)) {
            warn!("error reading '{}': {errno}", show(path));
            status = 1;
        }
    }
    status
}
