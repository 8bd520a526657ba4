//! `cargo xtask`: one command for everything around the code.
//!
//! Each subcommand is one module; [`layout`] knows where things lie and [`process`] how to start
//! other programs. The emulator never uses this package and this package never uses the emulator:
//! the files under `images/` are all they share.

mod bench;
mod boot;
mod guest;
mod image;
mod lab;
mod layout;
mod lint;
mod mutants;
mod process;
mod readme;
mod setup;
mod sources;
mod test;
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
    /// Build everything and boot to the guest's shell
    Boot(boot::Options),
    /// Build everything and run one shell line in the guest
    Run(boot::Options),
    /// Build everything and print the counters of one shell line
    Stat(boot::Options),
    /// Build everything and trace one shell line
    Trace(boot::Options),
    /// Build everything and run every test
    Test(test::Options),
    /// Measure speed and memory, against QEMU where the two can be compared
    Bench(bench::Options),
    /// Install what this host lacks for building the guest
    Setup,
    /// Build Silica's kernel and user programs
    Guest(guest::Options),
    /// Build the bootable images under images/
    Image(image::Options),
    /// Check the rules that the compiler does not: edges, unsafe rooms, headers, licences
    Tidy,
    /// Plant bugs in the kernel and see which tests notice them
    Mutants(mutants::Options),
    /// Check that the README's transcripts are what the commands print
    Readme(readme::Options),
    /// Check format and clippy's lints in both workspaces
    Lint,
    /// Build a student's patch in a sandbox and judge it
    Grade(lab::grade::Options),
    /// List, make and verify labs
    #[command(subcommand)]
    Lab(lab::Task),
    /// Run one command shut off from the host, as the build of a submission is
    #[command(hide = true)]
    Sandbox(lab::sandbox::Options),
}

fn main() -> ExitCode {
    process::leave_quietly_when_nobody_reads();
    let arguments = Arguments::parse();
    let Some(task) = arguments.command else {
        // A bare `cargo xtask` is a question: what is there?
        let _ = Arguments::command().print_help();
        return ExitCode::SUCCESS;
    };
    if let Task::Sandbox(options) = &task {
        // Its status is that of the command in there, and it needs no checkout.
        return match lab::sandbox::run(options) {
            Ok(status) => ExitCode::from(status),
            Err(error) => {
                eprintln!("xtask: {error:#}");
                ExitCode::from(lab::sandbox::NO_SANDBOX)
            }
        };
    }
    match Layout::find(arguments.root).and_then(|layout| perform(task, &layout)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is::<process::Reported>() {
                eprintln!("xtask: {error:#}");
            }
            ExitCode::from(process::exit_status(&error))
        }
    }
}

fn perform(task: Task, layout: &Layout) -> anyhow::Result<()> {
    match task {
        Task::Boot(options) => boot::run(layout, "boot", &options),
        Task::Run(options) => boot::run(layout, "run", &options),
        Task::Stat(options) => boot::run(layout, "stat", &options),
        Task::Trace(options) => boot::run(layout, "trace", &options),
        Task::Test(options) => test::run(layout, &options),
        Task::Bench(options) => bench::run(layout, &options),
        Task::Setup => setup::run(layout),
        Task::Guest(options) => guest::run(layout, &options),
        Task::Image(options) => image::run(layout, &options),
        Task::Tidy => tidy::run(layout),
        Task::Mutants(options) => mutants::run(layout, &options),
        Task::Readme(options) => readme::run(layout, &options),
        Task::Lint => lint::run(layout),
        Task::Grade(options) => lab::grade::run(layout, &options),
        Task::Lab(task) => lab::run(layout, &task),
        Task::Sandbox(_) => unreachable!("it has run without a checkout"),
    }
}
