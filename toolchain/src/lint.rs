//! `cargo xtask lint`: formatting and clippy, with warnings denied, on both workspaces.
//!
//! The guest's packages are checked for the targets they are built for, the kernel by the clippy
//! that belongs to its compiler. A check that fails does not stop the next.

use std::process::Command;

use anyhow::{Result, bail};

use crate::guest;
use crate::layout::{Arch, Layout};
use crate::process::{progress, run as run_command};
use crate::setup::{self, Target};

/// One run of cargo.
struct Check {
    name: &'static str,
    /// In the guest's workspace instead of the host's.
    guest: bool,
    /// `fmt --check` or `clippy`, with arguments.
    arguments: &'static [&'static str],
}

/// Everything but the kernel, which needs a compiler of its own.
const CHECKS: [Check; 5] = [
    Check {
        name: "format of the host's workspace",
        guest: false,
        arguments: &["fmt", "--all", "--check"],
    },
    Check {
        name: "format of the guest's workspace",
        guest: true,
        arguments: &["fmt", "--all", "--check"],
    },
    Check {
        name: "clippy on the host's workspace",
        guest: false,
        arguments: &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    },
    Check {
        name: "clippy on the guest's shared code",
        guest: true,
        arguments: &["clippy", "--all-targets", "--", "-D", "warnings"],
    },
    Check {
        name: "clippy on the guest's programs",
        guest: true,
        arguments: &[
            "clippy", "-p", "ulib", "-p", "user", "--lib", "--bins", "--", "-D", "warnings",
        ],
    },
];

/// The subcommand.
pub fn run(layout: &Layout) -> Result<()> {
    let mut failed = Vec::new();
    let mut note = |name: &'static str, outcome: Result<()>| {
        if let Err(error) = outcome {
            progress(format!("{error:#}"));
            failed.push(name);
        }
    };
    for check in &CHECKS {
        progress(check.name);
        let mut command = Command::new("cargo");
        command.args(check.arguments);
        if check.guest {
            command
                .current_dir(layout.guest_os())
                .env("CARGO_TARGET_DIR", layout.guest_target("host"));
        } else {
            command
                .current_dir(&layout.root)
                .env("CARGO_TARGET_DIR", &layout.target);
        }
        note(check.name, run_command(&mut command, check.name));
    }
    for arch in Arch::ALL {
        progress(format!("clippy on the kernel for {}", arch.name()));
        note("clippy on the kernel", kernel(layout, arch));
    }
    if !failed.is_empty() {
        bail!("to mend: {}", failed.join(", "));
    }
    Ok(())
}

fn kernel(layout: &Layout, arch: Arch) -> Result<()> {
    let target = Target::Kernel(arch);
    let compiler = setup::ensure(layout, target)?;
    setup::ensure_clippy(layout, &compiler)?;
    let mut command = compiler.cargo("clippy", target);
    let options = guest::Options::release(arch);
    guest::configure(&mut command, layout, target, "kernel", &options);
    run_command(
        command.args(["--", "-D", "warnings"]),
        "clippy on the kernel",
    )
}
