//! `cargo xtask sandbox`: runs one command that may be hostile, for the build of a submission.
//!
//! ```text
//! outer    new namespaces (user unless root; mounts, processes, network, IPC, names)
//!   |        puts the work folder into memory, so that it cannot grow beyond a size (disk.rs)
//!   |        watches the clock, and by ending `inner` ends everything in there
//!   +-- inner    process 1: in a mount namespace of its own, builds a root folder of read-only
//!         |        pieces, gives up privileges, sets limits (rooms.rs, limits.rs)
//!         +-- COMMAND
//! ```
//!
//! The command sees `/build` (the one folder it may write), an empty `/tmp`, `/usr` and what else it is
//! shown, read-only; no network, no other process, no variable of ours. It is no root, in no
//! namespace, and can make no namespace of its own. Each stage is this program again, because what a
//! process does to itself before `exec` needs no unsafe code, unlike the moment between fork and exec.
//!
//! Exit status: the command's own, 128 + n after signal n, [`TIME_IS_UP`], or [`NO_SANDBOX`].

mod disk;
mod limits;
mod outer;
mod rooms;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::Result;

pub use limits::Limits;

/// The status when the clock, or another limit on everything together, ended the command.
pub const TIME_IS_UP: u8 = 124;
/// What the last line begins with then; the limit follows.
pub const ENDED: &str = "xtask: the sandbox was ended: ";
/// The status when this host does not let us build a sandbox.
pub const NO_SANDBOX: u8 = 125;

/// This program, even if its file has been replaced by a newer one since it was started.
const ITSELF: &str = "/proc/self/exe";

/// Where the folder that may be written is inside.
pub const WORK: &str = "/build";

/// Options of the subcommand.
#[derive(clap::Args, Debug, Clone)]
pub struct Options {
    /// The folder that the command may write, seen inside as /build
    #[arg(long, value_name = "DIR")]
    work: PathBuf,
    /// A file or folder that the command may read, at the same path inside
    #[arg(long, value_name = "PATH")]
    see: Vec<PathBuf>,
    /// A variable for the command, which inherits none
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// The command's current folder inside
    #[arg(long, value_name = "DIR", default_value = WORK)]
    directory: PathBuf,
    #[command(flatten)]
    limits: Limits,
    /// Second stage: process 1 of the new namespaces
    #[arg(long, hide = true)]
    inner: bool,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// The subcommand. Does not return: the process ends with the command's status.
pub fn run(options: &Options) -> Result<u8> {
    match options.inner {
        false => outer::run(options),
        true => rooms::run(options),
    }
}

/// The command line that runs `command` in a sandbox; its folder and its variables are those
/// that were set on it, as they are inside.
pub fn wrap(
    command: &Command,
    work: &std::path::Path,
    see: &[PathBuf],
    limits: &Limits,
) -> Command {
    let mut wrapped = Command::new(ITSELF);
    wrapped.arg("sandbox").arg("--work").arg(work);
    for path in see {
        wrapped.arg("--see").arg(path);
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            let mut pair = name.to_os_string();
            pair.push("=");
            pair.push(value);
            wrapped.arg("--env").arg(pair);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        wrapped.arg("--directory").arg(folder);
    }
    limits.to_arguments(&mut wrapped);
    wrapped.arg("--").arg(command.get_program());
    wrapped.args(command.get_args());
    wrapped
}

/// A finished command's status as a shell would give it.
fn shell_status(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
