//! What several programs of Silica share, and the larger programs in parts.

#![no_std]
#![warn(missing_docs)]
#![forbid(unsafe_code)]

extern crate alloc as rust_alloc;

pub mod echo;
pub mod kill;
pub mod printf;
pub mod sh;
pub mod test;
