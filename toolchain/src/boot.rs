//! `cargo xtask boot`, `run` and `stat`: build everything, then become the emulator.
//!
//! Becoming it (exec) rather than starting it means that the emulator has the terminal and its
//! signals to itself, and that its exit status is ours.

use std::process::Command;

use anyhow::Result;

use crate::layout::Layout;
use crate::process::{become_command, progress, run as run_command};
use crate::{guest, image};

/// Options of the subcommands.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Options and arguments for the emulator (`glassbox boot --help` lists them)
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "OPTIONS"
    )]
    emulator: Vec<String>,
}

/// Builds what has changed, then becomes `glassbox COMMAND OPTIONS`.
pub fn run(layout: &Layout, command: &str, options: &Options) -> Result<()> {
    let guest = guest::build(layout, &guest::Options::default())?;
    image::build(layout, &guest, &layout.images())?;
    build_emulator(layout)?;
    let mut glassbox = Command::new(layout.emulator());
    // Where the images are is no secret between the two; an own choice of the user stands.
    if std::env::var_os("GLASSBOX_IMAGES").is_none() {
        glassbox.env("GLASSBOX_IMAGES", layout.images());
    }
    glassbox.arg(command);
    // `run` and `stat` take the guest's line after `--`, which clap has eaten.
    if command != "boot" && !options.emulator.iter().any(|word| word == "--") {
        glassbox.arg("--");
    }
    Err(become_command(glassbox.args(&options.emulator)))
}

/// Builds the emulator for speed.
pub fn build_emulator(layout: &Layout) -> Result<()> {
    progress("emulator");
    let mut command = Command::new("cargo");
    command
        .current_dir(&layout.root)
        .args(["build", "--release", "--package", "glassbox"]);
    run_command(&mut command, "building the emulator")
}
