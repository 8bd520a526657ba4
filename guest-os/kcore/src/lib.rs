//! The algorithms of a Unix kernel that need no hardware: everything in Silica that can be tested
//! on the host by plain `cargo test`.
//!
//! Nothing here knows an address space, a lock or a device. The kernel wraps these types in its
//! locks and feeds them; mkfs and the emulator's `--put` and `--get` run the same file system.

#![no_std]
#![warn(missing_docs)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod args;
pub mod buddy;
pub mod cmdline;
pub mod elf;
pub mod fdt;
pub mod fs;
pub mod ksyms;
pub mod line;
pub mod path;
pub mod ring;
pub mod runqueue;
