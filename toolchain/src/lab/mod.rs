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

mod bench;
mod build;
mod constructs;
mod definition;
pub mod grade;
pub mod grader;
mod handed_in;
mod new;
mod refusal;
pub mod sandbox;
mod scope;
mod starter;
mod submission;
mod trusted;
mod verify;

use anyhow::Result;
use clap::Subcommand;

use crate::layout::{Arch, Layout};
pub use definition::Lab;
pub use starter::submitted;
pub use trusted::Trusted;

/// What can be done with labs themselves.
#[derive(Subcommand, Debug)]
pub enum Task {
    /// List the labs
    List,
    /// Make a folder to begin a lab with
    New {
        /// Its name
        name: String,
    },
    /// Check that a lab's starter scores low and its reference full
    Verify {
        /// Its name; all labs without one
        name: Option<String>,
        /// What kernels are built for and judged on [default: what the lab says, or else x86_64]
        #[arg(long)]
        arch: Option<Arch>,
    },
}

/// The subcommand `lab`.
pub fn run(layout: &Layout, task: &Task) -> Result<()> {
    match task {
        Task::List => {
            for lab in Lab::all(layout)? {
                println!("{:<12} {}", lab.name, lab.title);
            }
            Ok(())
        }
        Task::New { name } => new::run(layout, name),
        Task::Verify { name, arch } => verify::run(layout, name.as_deref(), *arch),
    }
}
