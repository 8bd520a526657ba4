//! The facts that Silica shares with the world: one source for the kernel, the user library, mkfs,
//! the tracer and the grader.
//!
//! At the border between programs and kernel Silica speaks Linux, so numbers, names and structures
//! here are Linux's; where instruction sets differ, [`isa`] has both. What is Silica's own is in four modules: [`layout`] (the disk),
//! [`probe`] (what the kernel tells an observer), [`boot`] (the command line and the end of the
//! machine) and the [`mod@record`] format that turns a structure into bytes without unsafe code.

#![no_std]
#![warn(missing_docs)]
#![forbid(unsafe_code)]

#[macro_use]
pub mod record;
#[macro_use]
pub mod names;
#[macro_use]
pub mod nr;

pub mod auxv;
pub mod boot;
pub mod clone;
pub mod dirent;
pub mod errno;
pub mod fcntl;
pub mod inject;
pub mod isa;
pub mod layout;
pub mod limits;
pub mod linux;
pub mod mman;
pub mod poll;
pub mod probe;
pub mod reboot;
pub mod resource;
pub mod sigframe;
pub mod signal;
pub mod stat;
pub mod system;
pub mod termios;
pub mod time;
pub mod wait;

pub use errno::Errno;
pub use record::Record;
