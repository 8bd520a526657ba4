//! `cargo xtask boot`, `run`, `stat` and `trace`: build everything, then become the emulator.
//!
//! Becoming it (exec) rather than starting it means that the emulator has the terminal and its
//! signals to itself, and that its exit status is ours.

use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum as _;

use crate::layout::{Arch, Layout};
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
    let arch = arch(&options.emulator)?;
    let guest = guest::build(layout, &guest::Options::release(arch))?;
    image::build(layout, &guest, &layout.images())?;
    build_emulator(layout)?;
    let mut glassbox = Command::new(layout.emulator());
    // Where the images are is no secret between the two; an own choice of the user stands.
    if std::env::var_os("GLASSBOX_IMAGES").is_none() {
        glassbox.env("GLASSBOX_IMAGES", layout.images());
    }
    glassbox.arg(command);
    // All but `boot` take the guest's line after `--`, which clap has eaten if it came first.
    let begins_with_line =
        |words: &[String]| words.first().is_some_and(|word| !word.starts_with('-'));
    if command != "boot" && begins_with_line(&options.emulator) {
        glassbox.arg("--");
    }
    Err(become_command(glassbox.args(&options.emulator)))
}

/// The architecture that the emulator's `words` ask for, which is the one to build.
fn arch(words: &[String]) -> Result<Arch> {
    let mut words = words.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let name = match word.strip_prefix("--arch") {
            Some("") => words.next().map(String::as_str),
            Some(rest) => rest.strip_prefix('='),
            None => continue,
        };
        let found = name.map(|name| Arch::from_str(name, false));
        let Some(Ok(arch)) = found else {
            bail!("--arch {}: x86_64 or riscv64", name.unwrap_or_default());
        };
        return Ok(arch);
    }
    Ok(Arch::default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_that_is_built_is_the_one_that_is_run() {
        let of = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_string).collect();
            arch(&words).ok()
        };
        assert_eq!(of("ls"), Some(Arch::X86_64));
        assert_eq!(of("--cpus 2 --arch riscv64 -- ls"), Some(Arch::Riscv64));
        assert_eq!(of("--arch=riscv64"), Some(Arch::Riscv64));
        assert_eq!(of("-- echo --arch riscv64"), Some(Arch::X86_64));
        assert_eq!(of("--arch mips"), None);
        assert_eq!(of("--arch"), None);
    }
}
