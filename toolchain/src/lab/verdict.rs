//! The grader asked, and the part of its answer that counts here.
//!
//! Key type: [`Verdict`].

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::definition::Lab;

/// What a kernel is worth in a lab: a part of the grader's JSON.
#[derive(Deserialize)]
pub struct Verdict {
    /// Points that it got, and points that there are.
    pub points: u64,
    pub of: u64,
    /// The same for each test.
    pub tests: Vec<Test>,
}

/// What a kernel is worth in a test.
#[derive(Deserialize)]
pub struct Test {
    pub name: String,
    pub points: u64,
    pub of: u64,
}

/// The command with which `emulator` judges what is in `folder`.
pub fn grader(emulator: &Path, lab: &Lab, folder: &Path) -> Command {
    let mut command = Command::new(emulator);
    command.arg("grade").arg(lab.folder.join("lab.toml"));
    command.arg("--images").arg(folder);
    command
}

impl Verdict {
    /// Runs the grader on what is in `folder`, where it leaves its answer, too.
    pub fn ask(emulator: &Path, lab: &Lab, folder: &Path) -> Result<Self> {
        let json = folder.join("verdict.json");
        let mut command = grader(emulator, lab, folder);
        let output = command.arg("--json").arg(&json).output();
        let output = output.context("cannot start the grader")?;
        let text = std::fs::read_to_string(&json).with_context(|| {
            let words = String::from_utf8_lossy(&output.stderr);
            format!("{}: the grader gave no verdict: {}", lab.name, words.trim())
        })?;
        serde_json::from_str(&text).context("the grader's verdict")
    }
}
