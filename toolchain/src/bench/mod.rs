//! `cargo xtask bench`: named measurements, each against a peer in the same run where there is one.
//!
//! Hosts differ and drift, so what counts is a ratio between two things measured in turn, not the
//! seconds themselves. A bench is one file; it prints the [`sample::Samples`] it took as minimum,
//! median and maximum.

mod cost;
mod counters;
mod memory;
mod mips;
mod peer;
mod prompt;
mod sample;
mod start;
mod trace;
mod usertests;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::layout::{Arch, Layout};
use crate::{boot, guest, image};

/// Options of the subcommand.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Which benches to run; `trace` means trace-off, trace-record and trace-qemu; all of them if none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The architecture of the guest
    #[arg(long, value_enum, default_value_t)]
    arch: Arch,
    /// How often each is repeated
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
}

/// What a bench runs and how often.
pub struct Subject {
    /// The checkout.
    pub layout: Layout,
    /// The guest's architecture.
    pub arch: Arch,
    /// The emulator.
    pub glassbox: PathBuf,
    /// The folder with kernel, disk and manifest.
    pub images: PathBuf,
    /// Repetitions.
    pub repeat: u32,
}

impl Subject {
    /// `glassbox COMMAND OPTIONS` for a shell line, on one CPU.
    pub fn line(&self, command: &str, options: &[&str], line: &str) -> Command {
        self.line_of(&self.glassbox, command, options, line)
    }

    /// The same with another build of the emulator.
    pub fn line_of(&self, glassbox: &Path, command: &str, options: &[&str], line: &str) -> Command {
        let mut started = Command::new(glassbox);
        started.args([command, "--arch", self.arch.name()]);
        started.args(["--cpus", "1", "--memory", "128M"]);
        started.arg("--kernel").arg(self.images.join("kernel.elf"));
        started.arg("--disk").arg(self.images.join("fs.img"));
        started.args(options).args(["--", line]);
        started
    }

    /// The names of the programs on the disk.
    pub fn programs(&self) -> Result<Vec<String>> {
        let path = self.images.join("manifest.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let table: toml::Table = text.parse().with_context(|| path.display().to_string())?;
        let programs = table
            .get("program")
            .and_then(|programs| programs.as_array())
            .into_iter()
            .flatten();
        Ok(programs
            .filter_map(|program| Some(program.get("name")?.as_str()?.to_string()))
            .collect())
    }
}

/// A bench's function: it prints its own results.
type Bench = fn(&Subject) -> Result<()>;

const BENCHES: [(&str, Bench); 8] = [
    ("start", start::run),
    ("prompt", prompt::run),
    ("mips", mips::run),
    ("usertests", usertests::run),
    ("memory", memory::run),
    ("trace-off", trace::off::run),
    ("trace-record", trace::record::run),
    ("trace-qemu", trace::qemu::run),
];

/// The subcommand.
pub fn run(layout: &Layout, options: &Options) -> Result<()> {
    if let Some(unknown) = options
        .names
        .iter()
        .find(|name| BENCHES.iter().all(|(known, _)| !means(name, known)))
    {
        let known = BENCHES.map(|(name, _)| name).join(", ");
        bail!("there is no bench `{unknown}`; there are {known}");
    }
    let guest = guest::build(layout, &guest::Options::release(options.arch))?;
    image::build(layout, &guest, &layout.images())?;
    boot::build_emulator(layout)?;
    let subject = Subject {
        layout: layout.clone(),
        arch: options.arch,
        glassbox: layout.emulator(),
        images: layout.images().join(options.arch.name()),
        repeat: options.repeat,
    };
    for (name, bench) in BENCHES {
        if options.names.is_empty() || options.names.iter().any(|wanted| means(wanted, name)) {
            println!("{name}");
            bench(&subject)?;
        }
    }
    Ok(())
}

/// Whether the user's word means the bench `name`: it is its name, or that of the group before a hyphen.
fn means(word: &str, name: &str) -> bool {
    word == name || name.split_once('-').is_some_and(|(group, _)| word == group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_means_all_its_benches() {
        let meant = |word| BENCHES.iter().filter(|(name, _)| means(word, name)).count();
        assert_eq!(
            ["prompt", "trace", "trace-off", "tra", ""].map(meant),
            [1, 3, 1, 0, 0]
        );
    }
}
