//! The command line: the only place that knows of terminals, wall clocks, threads and exit statuses.
//!
//! [`options`] is the grammar, [`session`] builds a machine from it and settles its end; `boot`, `run` and `stat` drive
//! one, each in its own way.

// This is the one place where emulator/clippy.toml's bans end: here the machine meets its host.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

mod books;
mod boot;
mod crash;
mod diagnose;
mod explain;
mod fsck;
mod grade;
mod images;
mod keyboard;
mod keys;
mod line;
mod monitor;
mod options;
mod progress;
mod replay;
mod report;
mod run;
mod session;
mod stat;
mod status;
mod stdin;
mod terminal;
mod trace;

use clap::Parser;
use options::{Cli, Command};
use std::fmt;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// Why a command failed: one line for the user, and the exit status.
#[derive(Debug)]
pub struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    /// The user's mistake or the host's fault.
    pub fn input(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: status::ERROR,
        }
    }

    /// Options that do not go together.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: status::USAGE,
        }
    }

    /// A host operation on `path` failed.
    pub fn file(path: &std::path::Path, error: impl fmt::Display) -> Self {
        Self::input(format!("{}: {error}", path.display()))
    }
}

/// Says something on standard error. That nobody listens is no reason to fail.
fn tell(text: impl fmt::Display) {
    let _ = write!(std::io::stderr().lock(), "{text}");
}

/// Prints what was asked for.
fn print(text: impl fmt::Display) -> Result<(), Failure> {
    match write!(std::io::stdout().lock(), "{text}") {
        // The reader has seen enough.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|e| Failure::input(format!("standard output: {e}"))),
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Boot(options) => boot::boot(options),
        Command::Run(options) => run::run(options),
        Command::Stat(options) => stat::stat(options),
        Command::Trace(options) => trace::trace(options),
        Command::Crash(options) => crash::crash(options),
        Command::Grade(options) => grade::grade(options),
        Command::Fsck(options) => fsck::fsck(options),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            tell(format_args!("glassbox: {}\n", failure.message));
            ExitCode::from(failure.status)
        }
    }
}
