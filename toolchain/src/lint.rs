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

/// Everything that the host's own compiler checks.
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

/// What needs a compiler of its own: name, target, package.
const BARE: [(&str, Target, &str); 3] = [
    (
        "clippy on the kernel",
        Target::Kernel(Arch::X86_64),
        "kernel",
    ),
    (
        "clippy on the kernel for RISC-V",
        Target::Kernel(Arch::Riscv64),
        "kernel",
    ),
    (
        "clippy on the guest's programs for RISC-V",
        Target::User(Arch::Riscv64),
        "user",
    ),
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
    for (name, target, package) in BARE {
        progress(name);
        note(name, bare(layout, name, target, package));
    }
    if !failed.is_empty() {
        bail!("to mend: {}", failed.join(", "));
    }
    Ok(())
}

fn bare(layout: &Layout, name: &str, target: Target, package: &str) -> Result<()> {
    let (Target::Kernel(arch) | Target::User(arch)) = target;
    let compiler = setup::ensure(layout, target)?;
    setup::ensure_clippy(layout, &compiler)?;
    let mut command = compiler.cargo("clippy", target);
    let options = guest::Options::release(arch);
    guest::configure(&mut command, layout, target, package, &options);
    if package == "user" {
        command.args(["--package", "ulib", "--lib", "--bins"]);
    }
    run_command(command.args(["--", "-D", "warnings"]), name)
}
