//! The library under every Silica program: start-up, system calls, buffered output, files, processes,
//! and the small languages that several tools share (options, patterns, regular expressions, dates).
//!
//! Programs are `no_std` Linux programs, so one that runs in Silica also runs on the host. Text is
//! bytes throughout: file names and file contents need not be UTF-8.
//!
//! | layer | modules |
//! |---|---|
//! | machine | [`arch`] (system-call instruction, entry, signal return, memory routines) |
//! | kernel  | [`sys`] one function a system call |
//! | process | [`env`], [`process`], [`alloc`](mod@alloc), [`single`] |
//! | files   | [`io`], [`fs`], [`path`], [`term`] |
//! | text    | [`bytes`], [`report`], [`options`], [`number`], [`pattern`], [`glob`], [`regex`], [`calendar`], [`mode`] |

#![no_std]
#![warn(missing_docs)]

extern crate alloc as rust_alloc;

#[macro_use]
pub mod report;
#[macro_use]
pub mod io;

pub mod alloc;
pub mod arch;
pub mod bytes;
pub mod calendar;
pub mod env;
pub mod fs;
pub mod glob;
pub mod mode;
pub mod number;
pub mod options;
pub mod path;
pub mod pattern;
pub mod process;
pub mod regex;
pub mod single;
#[cfg(not(test))]
mod start;
pub mod sys;
pub mod term;

/// What nearly every program uses.
pub mod prelude {
    pub use crate::bytes::show;
    pub use crate::options::{Options, Spec};
    pub use crate::{die, eprint, eprintln, print, println, warn};
    pub use abi::Errno;
    pub use rust_alloc::borrow::ToOwned;
    pub use rust_alloc::boxed::Box;
    pub use rust_alloc::format;
    pub use rust_alloc::string::String;
    pub use rust_alloc::vec;
    pub use rust_alloc::vec::Vec;
}

/// Arguments as a program gets them; the first is its name.
pub type Args = [&'static [u8]];

/// Names the function that runs the program: `fn(&Args) -> i32`, whose result is the exit status.
#[macro_export]
macro_rules! main {
    ($function:path) => {
        #[unsafe(no_mangle)]
        fn ulib_main(args: &$crate::Args) -> i32 {
            $function(args)
        }
    };
}
