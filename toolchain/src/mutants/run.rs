//! Judges that are one run of the emulator each: power cuts during a workload, or the guest's own tests.
//!
//! Limits are guest instructions, so a verdict does not depend on the host.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A run that a sound kernel passes with status 0.
pub struct Run {
    /// Its name in the report.
    pub name: &'static str,
    /// The emulator's subcommand and its options.
    options: &'static [&'static str],
    /// Instructions that a run of the guest gets: at least twice what a sound kernel needs.
    budget: &'static str,
    /// The guest's line.
    line: &'static str,
    /// How a line of output begins that is enough to know that the run will fail.
    failure: &'static str,
}

/// Power cuts.
pub const CRASHES: [Run; 3] = [
    Run {
        name: "crash, promise",
        options: &["crash", "--subsets", "8", "--oracle", KEPT],
        budget: "200M",
        line: "cp README a; sync; echo safe; echo more >>a; mv a b",
        failure: "bad: ",
    },
    Run {
        name: "crash, names",
        options: &["crash", "--subsets", "2", "--cpus", "2"],
        budget: "200M",
        line: "mkdir d; cp README d/a; ln d/a d/b; sync; rm d/a; mv d e; sync; cp README f",
        failure: "bad: ",
    },
    Run {
        name: "crash, reuse",
        options: &["crash", "--oracle", UNTOUCHED],
        budget: "200M",
        line: "head -n 1 README; rm README; echo other >other",
        failure: "bad: ",
    },
];

/// The guest's own tests.
pub const USERTESTS: [Run; 2] = [
    Run {
        name: "usertests, 1 CPU",
        options: &["run", "--cpus", "1"],
        budget: "2G",
        line: "usertests",
        failure: "FAILED ",
    },
    Run {
        name: "usertests, 2 CPUs",
        options: &["run", "--cpus", "2"],
        budget: "2G",
        line: "usertests",
        failure: "FAILED ",
    },
];

/// Whatever a file holds is what was written, from its start; and once `safe` was said, all of README
/// is there, under the old name or the new one.
const KEPT: &str = "read x; for f in a b; do if test -s $f; then \
    test \"$(cat $f)\" = \"$({ cat README; echo more; } | head -c $(wc -c <$f))\" || exit 1; \
    test $(wc -c <$f) -lt $(wc -c <README) || x=; fi; done; test -z \"$x\"";

/// README is gone, or it begins as it began before.
const UNTOUCHED: &str = "read x; test ! -e README || test \"$(head -n 1 README)\" = \"$x\"";

impl Run {
    /// What the run finds wrong with `kernel`, in one line; nothing if it passes.
    pub fn ask(&self, emulator: &Path, kernel: &Path, disk: &Path) -> Result<Option<String>> {
        let (subcommand, options) = self.options.split_first().context("no subcommand")?;
        let mut command = Command::new(emulator);
        command.arg(subcommand).arg("--kernel").arg(kernel);
        command.arg("--disk").arg(disk).args(options);
        command.args(["--max-instructions", self.budget, "--", self.line]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", emulator.display()))?;
        let mut output = BufReader::new(child.stdout.take().context("the child has no output")?);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line)? > 0 {
            let text = String::from_utf8_lossy(&line);
            if let Some(what) = text.trim_end().strip_prefix(self.failure) {
                child.kill()?;
                child.wait()?;
                return Ok(Some(shortened(what)));
            }
            line.clear();
        }
        let status = child.wait()?;
        match status.code() {
            Some(0) => Ok(None),
            Some(122) => Ok(Some("hang".into())),
            Some(123) => Ok(Some("budget spent".into())),
            Some(124) => Ok(Some("kernel panic".into())),
            // Not our own mistake: the clean kernel passed with the same words.
            Some(code) => Ok(Some(format!("status {code}"))),
            None => bail!("{}: the emulator ended with {status}", self.name),
        }
    }
}

/// The first words of what a run prints, which name the case or the power cut, without the case's
/// number and the command that shows the cut again.
fn shortened(what: &str) -> String {
    const LONGEST: usize = 80;
    let what = what.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    let what = what.split(": glassbox ").next().unwrap_or(what);
    match what.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &what[..end]),
        None => what.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_or_a_cut_is_named_in_few_words() {
        assert_eq!(shortened("12 brk_moves: why"), "brk_moves: why");
        assert_eq!(shortened("cut@end: why: glassbox run"), "cut@end: why");
        assert_eq!(shortened(&"x".repeat(99)).chars().count(), 82);
    }
}
