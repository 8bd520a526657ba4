//! `cargo xtask bench`: named measurements, each against a peer in the same run where there is one.
//!
//! Hosts differ and drift, so what counts is a ratio between two things measured in turn, not the
//! seconds themselves. A bench is one file; it prints the [`sample::Samples`] it took as minimum,
//! median and maximum.

mod counters;
mod memory;
mod mips;
mod prompt;
mod sample;
mod trace;
mod usertests;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::layout::{ARCH, Layout};
use crate::{boot, guest, image};

/// Options of the subcommand.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Which benches to run; all of them if none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// How often each is repeated
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
}

/// What a bench runs and how often.
pub struct Subject {
    /// The emulator.
    pub glassbox: PathBuf,
    /// The folder with kernel, disk and manifest.
    pub images: PathBuf,
    /// Repetitions.
    pub repeat: u32,
}

impl Subject {
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

const BENCHES: [(&str, Bench); 5] = [
    ("prompt", prompt::run),
    ("mips", mips::run),
    ("usertests", usertests::run),
    ("memory", memory::run),
    ("trace", trace::run),
];

/// The subcommand.
pub fn run(layout: &Layout, options: &Options) -> Result<()> {
    if let Some(unknown) = options
        .names
        .iter()
        .find(|name| BENCHES.iter().all(|(known, _)| known != name))
    {
        let known = BENCHES.map(|(name, _)| name).join(", ");
        bail!("there is no bench `{unknown}`; there are {known}");
    }
    let guest = guest::build(layout, &guest::Options::default())?;
    image::build(layout, &guest, &layout.images())?;
    boot::build_emulator(layout)?;
    let subject = Subject {
        glassbox: layout.emulator(),
        images: layout.images().join(ARCH),
        repeat: options.repeat,
    };
    for (name, bench) in BENCHES {
        if options.names.is_empty() || options.names.iter().any(|wanted| wanted == name) {
            println!("{name}");
            bench(&subject)?;
        }
    }
    Ok(())
}
