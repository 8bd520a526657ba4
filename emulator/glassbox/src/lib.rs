//! The product as a library: what the `glassbox` command is made of.

pub mod cli;
pub mod disk;
pub mod fault;
pub mod sites;
pub mod symbols;
pub mod trace;
