//! The product as a library: what the `glassbox` command is made of.

pub mod cli;
pub mod crash;
pub mod disk;
pub mod symbols;
pub mod trace;
