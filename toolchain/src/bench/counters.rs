//! The counters of one shell line in the guest, as `glassbox stat --json` prints them.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Subject;

/// What `stat --json` printed.
pub struct Counters(Value);

impl Counters {
    /// Runs `line` on one CPU; it has to succeed.
    pub fn of(subject: &Subject, line: &str) -> Result<Self> {
        let mut command = Command::new(&subject.glassbox);
        command.args(["stat", "--json", "--cpus", "1", "--memory", "128M"]);
        command
            .arg("--kernel")
            .arg(subject.images.join("kernel.elf"));
        command.arg("--disk").arg(subject.images.join("fs.img"));
        command.args(["--", line]).stdin(Stdio::null());
        let output = command.output().context("cannot start glassbox")?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!(
                "`{line}` ended with {} in the guest: {}",
                output.status,
                words.trim()
            );
        }
        // The line's own output may come before the counters, which begin with the last opening line.
        let text =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        let start = text.rfind("\n{").map_or(0, |at| at + 1);
        let value =
            serde_json::from_str(text[start..].trim()).context("stat --json did not print JSON")?;
        Ok(Self(value))
    }

    /// The number at `path`, keys joined by dots.
    pub fn number(&self, path: &str) -> Result<f64> {
        let value = path
            .split('.')
            .try_fold(&self.0, |value, key| value.get(key));
        value
            .and_then(Value::as_f64)
            .with_context(|| format!("stat --json has no number `{path}`"))
    }
}
