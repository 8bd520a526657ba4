//! The guest's sources in memory, and patches on them: what labs and mutants have in common.

pub mod patch;
mod tree;

pub use tree::Tree;
