//! The counters of one shell line in the guest, as `glassbox stat --json` prints them.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Subject;

/// What `stat --json` printed.
pub struct Counters(Value);

impl Counters {
    /// Runs `line` on one CPU; it has to succeed.
    pub fn of(subject: &Subject, line: &str) -> Result<Self> {
        let mut command = subject.line("stat", &["--json"], line);
        command.stdin(Stdio::null());
        let output = command.output().context("cannot start glassbox")?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!(
                "`{line}` ended with {} in the guest: {}",
                output.status,
                words.trim()
            );
        }
        // The line's own output comes before the counters, which begin with the last `{` of a line.
        let text = String::from_utf8_lossy(&output.stdout);
        let start = text.rfind("\n{").map_or(0, |at| at + 1);
        let value =
            serde_json::from_str(text[start..].trim()).context("stat --json did not print JSON")?;
        Ok(Self(value))
    }

    /// The counter of that name.
    pub fn number(&self, name: &str) -> Result<f64> {
        let value = self.0.get(name).and_then(Value::as_f64);
        value.with_context(|| format!("stat --json has no number `{name}`"))
    }
}
