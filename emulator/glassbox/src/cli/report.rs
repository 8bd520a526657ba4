//! The report file: how a run ended, for programs.

use super::Failure;
use serde::Serialize;
use std::path::Path;

/// What `--report` writes.
#[derive(Debug, Serialize)]
pub struct Report {
    /// exit, signal, panic, triple-fault, hang, budget, power-cut, poweroff, not-implemented or stopped.
    pub outcome: &'static str,
    /// The exit status of the emulator.
    pub status: u8,
    /// The signal that ended the guest's command, or 0.
    pub signal: u8,
    /// Guest instructions retired, over all CPUs.
    pub instructions: u64,
    /// Virtual time, in nanoseconds.
    pub virtual_ns: u64,
    /// The hash of the final state.
    pub hash: String,
    /// The token by which `--replay` runs it again, if it ended badly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
}

impl Report {
    /// Writes the report to `path`.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|e| Failure::file(path, e))?;
        std::fs::write(path, text + "\n").map_err(|e| Failure::file(path, e))
    }
}
