//! The grader, `glassbox grade`, as another program: what it is asked, and the verdict that it gives.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::definition::Lab;
use crate::process::Reported;

/// What is judged.
pub enum Subject<'a> {
    /// What is in this folder: kernel, disk, programs.
    Images(&'a Path),
    /// Nothing: the submission is refused for this reason, perhaps with the compiler's words.
    Refused(&'a str, Option<&'a str>),
}

/// Where a verdict goes, besides to the caller, and how it is come by.
#[derive(Debug, Default, Clone)]
pub struct Wishes {
    /// A file for the verdict as JSON.
    pub json: Option<PathBuf>,
    /// A file for the verdict as JUnit's XML.
    pub junit: Option<PathBuf>,
    /// Tests that run at the same time.
    pub jobs: Option<usize>,
    /// The seed of names and data, if it is not to be the lab's.
    pub seed: Option<u64>,
}

/// A verdict, as far as it is understood here.
#[derive(Deserialize, Debug)]
pub struct Verdict {
    /// Points, and how many there were.
    pub points: u64,
    pub of: u64,
    /// Why nothing was tried.
    pub refused: Option<String>,
    /// What the compiler said, if that was the reason.
    pub compiler: Option<String>,
    /// The tests in the lab's order.
    pub tests: Vec<Test>,
    /// The whole report, for people.
    #[serde(skip)]
    pub report: String,
}

/// One test's points.
#[derive(Deserialize, Debug)]
pub struct Test {
    pub name: String,
    pub points: u64,
    pub of: u64,
}

/// Asks `grader`, the emulator's program, for its verdict; its progress goes to our terminal.
///
/// # Errors
/// There is none; the grader's own words are above, and its status is the error's.
pub fn verdict(
    grader: &Path,
    lab: &Lab,
    subject: &Subject<'_>,
    wishes: &Wishes,
) -> Result<Verdict> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let ours = folder.path().join("verdict.json");
    let mut command = Command::new(grader);
    command.arg("grade").arg(lab.folder.join("lab.toml"));
    command.arg("--arch").arg(lab.arch.name());
    match subject {
        Subject::Images(images) => {
            command.arg("--images").arg(images);
        }
        Subject::Refused(reason, words) => {
            command.arg("--refused").arg(reason);
            if let Some(words) = words {
                let file = folder.path().join("compiler");
                std::fs::write(&file, words)?;
                command.arg("--compiler").arg(file);
            }
        }
    }
    let json = wishes.json.as_deref().unwrap_or(&ours);
    command.arg("--json").arg(json);
    if let Some(file) = &wishes.junit {
        command.arg("--junit").arg(file);
    }
    if let Some(seed) = wishes.seed {
        command.arg("--seed").arg(seed.to_string());
    }
    if let Some(jobs) = wishes.jobs {
        command.arg("--jobs").arg(jobs.to_string());
    }
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.context("cannot start the grader")?;
    match output.status.code() {
        // All points, or some lost: it is a verdict.
        Some(0 | 1) => {}
        other => return Err(Reported::with_status(other.unwrap_or(1))),
    }
    let text = std::fs::read_to_string(json).context("the grader's verdict")?;
    let mut verdict: Verdict = serde_json::from_str(&text).context("the grader's verdict")?;
    verdict.report = String::from_utf8(output.stdout).context("the grader's report")?;
    Ok(verdict)
}
