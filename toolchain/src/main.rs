//! `cargo xtask`: one command for everything around the code.
//!
//! Each subcommand is one module; [`layout`] knows where things lie and [`process`] how to start
//! other programs. The emulator never uses this package and this package never uses the emulator:
//! the files under `images/` are all they share.

mod guest;
mod layout;
mod process;
mod setup;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use layout::Layout;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Builds, boots, tests and measures Glassbox",
    disable_help_subcommand = true
)]
struct Arguments {
    /// Work on the checkout in this folder instead of the one around the current folder
    #[arg(long, global = true, value_name = "DIR", hide = true)]
    root: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Install what this host lacks for building the guest
    Setup,
    /// Build Silica's kernel and user programs
    Guest(guest::Options),
    /// Check the rules that the compiler does not: edges, unsafe rooms, headers, licences
    Tidy,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Some(task) = arguments.command else {
        // A bare `cargo xtask` is a question: what is there?
        let _ = Arguments::command().print_help();
        return ExitCode::SUCCESS;
    };
    match Layout::find(arguments.root).and_then(|layout| perform(task, &layout)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(process::exit_status(&error))
        }
    }
}

fn perform(task: Task, layout: &Layout) -> anyhow::Result<()> {
    match task {
        Task::Setup => setup::run(layout),
        Task::Guest(options) => guest::run(layout, &options),
        Task::Tidy => tidy::run(layout),
    }
}
