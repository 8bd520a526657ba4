//! The product as a library: what the `glassbox` command is made of.

pub mod cli;
pub mod disk;
pub mod guest;
pub mod symbols;
pub mod trace;
