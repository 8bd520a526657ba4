//! `cargo xtask lint`: formatting and clippy, with warnings denied, on both workspaces.
//!
//! The guest's packages are checked for the targets they are built for, the kernel by the clippy
//! that belongs to its compiler.

use std::process::Command;

use anyhow::Result;

use crate::guest;
use crate::layout::Layout;
use crate::process::{progress, run as run_command};
use crate::setup::{self, Target};

/// The subcommand.
pub fn run(layout: &Layout) -> Result<()> {
    let cargo = |folder: &std::path::Path, arguments: &[&str], what: &str| {
        progress(what);
        let mut command = Command::new("cargo");
        run_command(command.current_dir(folder).args(arguments), what)
    };
    let (root, guest_os) = (&layout.root, &layout.guest_os());
    cargo(
        root,
        &["fmt", "--all", "--check"],
        "format of the host's workspace",
    )?;
    cargo(
        guest_os,
        &["fmt", "--all", "--check"],
        "format of the guest's workspace",
    )?;
    let host = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    cargo(root, &host, "clippy on the host's workspace")?;

    let shared = layout.guest_target("host");
    let target = ["--target-dir", &shared.to_string_lossy()];
    let tested = [
        &["clippy", "--all-targets"],
        &target[..],
        &["--", "-D", "warnings"],
    ]
    .concat();
    cargo(guest_os, &tested, "clippy on the guest's shared code")?;
    let programs = [
        "clippy",
        "--package",
        "ulib",
        "--package",
        "user",
        "--lib",
        "--bins",
    ];
    let programs = [&programs, &target[..], &["--", "-D", "warnings"]].concat();
    cargo(guest_os, &programs, "clippy on the guest's programs")?;
    kernel(layout)
}

fn kernel(layout: &Layout) -> Result<()> {
    progress("clippy on the kernel");
    let compiler = setup::ensure(layout, Target::Kernel)?;
    setup::ensure_clippy(layout, &compiler)?;
    let mut command = compiler.cargo("clippy", Target::Kernel);
    guest::configure(
        &mut command,
        layout,
        Target::Kernel,
        "kernel",
        &guest::Options::default(),
    );
    run_command(
        command.args(["--", "-D", "warnings"]),
        "clippy on the kernel",
    )
}
