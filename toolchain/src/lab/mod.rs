//! `cargo xtask grade` and `cargo xtask lab`: from a student's patch to images that can be judged.
//!
//! This side knows compilers and no machine; `glassbox grade` judges and knows no compiler. What passes
//! between them is a folder: the submitted kernel, the trusted disk, the trusted test programs.
//!
//! ```text
//! git HEAD -> tree -> starter.patch -> submission (scope, constructs) -> build (sandbox) -> kernel.elf
//!         \-> trusted: fs.img, programs                                                     |
//!                                               glassbox grade lab.toml --images DIR  <-----+
//! ```

mod build;
mod constructs;
mod definition;
pub mod grade;
mod refusal;
pub mod sandbox;
mod scope;
mod submission;
mod tree;
mod trusted;
