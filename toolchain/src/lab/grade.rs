//! `cargo xtask grade`: one submission, from its patch to its verdict.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::build::{Builder, Built};
use super::definition::Lab;
use super::refusal::Refusal;
use super::starter::submitted;
use super::trusted::Trusted;
use super::verdict::{Verdict, grader};
use crate::boot::build_emulator;
use crate::image;
use crate::layout::{Layout, write_whole};
use crate::process::Reported;
use crate::sources::Tree;

/// Options of the subcommand.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The submission: a unified diff, or a folder of files laid out as in the repository
    #[arg(value_name = "PATCH")]
    patch: PathBuf,
    /// The lab: its name, or its folder
    #[arg(long, value_name = "LAB")]
    lab: String,
    /// Also write the verdict as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write the verdict as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Tests that run at the same time
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Keep what is judged (kernel, disk, programs) in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// The subcommand. A submission that is refused or does not compile is worth 0 points.
pub fn run(layout: &Layout, options: &Options) -> Result<()> {
    let lab = Lab::find(layout, &options.lab)?;
    let clean = Tree::clean(&layout.root)?;
    let sources = match submitted(&clean, &lab, &options.patch) {
        Ok(sources) => sources,
        Err(error) => {
            let Refusal(reason) = error.downcast::<Refusal>()?;
            return worthless(&lab, &reason, options, "");
        }
    };
    let bench = Bench::new(layout, &clean, std::slice::from_ref(&lab))?;
    let kernel = match bench.builder.build(&sources)? {
        Built::Kernel(kernel) => kernel,
        Built::Failed(reason, words) => {
            eprint!("{words}");
            return worthless(&lab, reason, options, &words);
        }
    };
    let folder = Images::new(layout, options.keep.as_deref())?;
    bench.place(&lab, kernel, folder.path())?;
    let mut extra: Vec<OsString> = Vec::new();
    let files = [("--json", &options.json), ("--junit", &options.junit)];
    for (name, file) in files {
        if let Some(file) = file {
            extra.extend([name.into(), file.into()]);
        }
    }
    if let Some(jobs) = options.jobs {
        extra.extend(["--jobs".into(), jobs.to_string().into()]);
    }
    let status = bench.grader(&lab, folder.path()).args(extra).status();
    match status.context("cannot start the grader")?.code() {
        Some(0) => Ok(()),
        // Its own words are on the terminal, and its status says what they mean.
        Some(code) => Err(Reported::with_status(code)),
        None => Err(Reported::with_status(1)),
    }
}

/// Says that a submission has 0 points, on the terminal and in the files that were asked for.
fn worthless(lab: &Lab, reason: &str, options: &Options, words: &str) -> Result<()> {
    println!("{}: 0 points: {reason}", lab.name);
    if let Some(file) = &options.json {
        let verdict = serde_json::json!({
            "lab": lab.name, "points": 0, "refused": reason, "compiler": words,
        });
        write_whole(file, format!("{verdict:#}\n").as_bytes())?;
    }
    if let Some(file) = &options.junit {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"1\" errors=\"1\">\n  <testsuite name=\"{}\" tests=\"1\" errors=\"1\">\n    <testcase name=\"build\"><error message=\"{}\"/></testcase>\n  </testsuite>\n</testsuites>\n",
            lab.name,
            escaped(reason)
        );
        write_whole(file, text.as_bytes())?;
    }
    Err(Reported::with_status(1))
}

/// Text as an attribute of XML.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// The folder that the grader gets: a temporary one, unless the user wants to keep it.
enum Images {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Images {
    fn new(layout: &Layout, keep: Option<&Path>) -> Result<Self> {
        let Some(folder) = keep else {
            return Ok(Self::Temporary(TempDir::new_in(layout.lab_target())?));
        };
        let created = std::fs::create_dir(folder);
        created.with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self::Kept(folder.to_path_buf()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}

/// All that grading needs besides the submission: a builder, trusted files, the grader.
pub struct Bench {
    trusted: Trusted,
    pub builder: Builder,
    emulator: PathBuf,
    scratch: PathBuf,
}

impl Bench {
    /// Builds what is missing for `labs`.
    pub fn new(layout: &Layout, clean: &Tree, labs: &[Lab]) -> Result<Self> {
        let trusted = Trusted::build(layout, clean, labs)?;
        let builder = Builder::new(layout, clean)?;
        build_emulator(layout)?;
        Ok(Self {
            trusted,
            builder,
            emulator: layout.emulator(),
            scratch: layout.lab_target(),
        })
    }

    /// Where temporary folders go, on the file system that has the trusted disk.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Puts everything that is judged into `folder`.
    pub fn place(&self, lab: &Lab, kernel: Vec<u8>, folder: &Path) -> Result<()> {
        let kernel = image::with_symbol_table(kernel)?;
        write_whole(&folder.join("kernel.elf"), &kernel)?;
        self.trusted.place(&lab.name, folder)
    }

    /// The command that judges what is in `folder`.
    fn grader(&self, lab: &Lab, folder: &Path) -> Command {
        grader(&self.emulator, lab, folder)
    }

    /// Lets it judge what is in `folder`.
    pub fn ask(&self, lab: &Lab, folder: &Path) -> Result<Verdict> {
        Verdict::ask(&self.emulator, lab, folder)
    }
}
