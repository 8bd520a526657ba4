//! Observing is compiled in and nobody looks: against a build that has none of it (the feature `base/unobserved`).
//!
//! Three comparisons, from the sharpest to the plainest: the code that is lifted during a boot, byte for byte; the host's
//! instructions for one of the guest's, counted; the time.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{LINE, mix, verdict};
use crate::bench::Subject;
use crate::bench::cost::Cost;
use crate::bench::counters::Counters;
use crate::bench::sample::{Samples, geometric_mean};
use crate::process::{HostLacks, capture, progress, run as run_command};
use crate::setup::apt::on_path;

/// Percent by which the host's instructions may differ.
const MOST_PERCENT: f64 = 0.5;

/// The bench.
pub fn run(subject: &Subject) -> Result<()> {
    let with = subject.layout.target.clone();
    let without = with.join("unobserved");
    build(subject, &with, &[])?;
    build(subject, &without, &["--features", "base/unobserved"])?;
    code(subject, &with, &without)?;
    instructions(subject, &without)?;
    time(subject, &without)
}

/// Builds the emulator and the example that prints lifted code.
fn build(subject: &Subject, target: &Path, options: &[&str]) -> Result<()> {
    progress(format_args!("emulator in {}", target.display()));
    let mut command = Command::new("cargo");
    command.current_dir(&subject.layout.root);
    command.args(["build", "--release", "--package", "glassbox"]);
    command.args(["--bin", "glassbox", "--example", "lifted", "--target-dir"]);
    command.arg(target).args(options);
    run_command(&mut command, "building the emulator")
}

/// The same emulator of the build in `target`.
fn emulator(target: &Path) -> PathBuf {
    let name = format!("glassbox{}", std::env::consts::EXE_SUFFIX);
    target.join("release").join(name)
}

/// Compares the code that is lifted during a boot and a command.
fn code(subject: &Subject, with: &Path, without: &Path) -> Result<()> {
    let lifted = |target: &Path, watched: &str| {
        let mut command = Command::new(target.join("release/examples/lifted"));
        command.current_dir(&subject.layout.root);
        capture(
            command.args([subject.arch.name(), LINE, watched]),
            "printing lifted code",
        )
    };
    let unwatched = lifted(with, "nothing")?;
    let equal = |other: &str, what: &str| match difference(&unwatched, other) {
        Some((line, ours, theirs)) => bail!(
            "lifted code with nobody looking and {what} differ in line {line}: `{ours}`, `{theirs}`"
        ),
        None => Ok(()),
    };
    equal(&lifted(without, "nothing")?, "without observing")?;
    println!(
        "  blocks lifted in a boot      {:9}       the same code as without observing",
        blocks(&unwatched)
    );
    let unwatched = without_reports(&unwatched);
    for watched in ["probes", "instructions"] {
        let code = lifted(with, watched)?;
        let plain = without_reports(&code);
        match difference(&unwatched, &plain) {
            Some((line, ..)) => bail!("with {watched} watched more than reports differ: {line}"),
            None => println!(
                "    {watched} watched{}{:9}       reports in them, nothing else",
                " ".repeat(18 - watched.len()),
                code.lines().count() - plain.lines().count()
            ),
        }
    }
    Ok(())
}

/// The number of the first line in which two texts differ, from 1, and both.
fn difference<'a>(one: &'a str, other: &'a str) -> Option<(usize, &'a str, &'a str)> {
    let (mut ones, mut others) = (one.lines(), other.lines());
    for number in 1.. {
        match (ones.next(), others.next()) {
            (None, None) => break,
            (a, b) if a == b => {}
            (a, b) => return Some((number, a.unwrap_or_default(), b.unwrap_or_default())),
        }
    }
    None
}

/// Printed code without the ops that tell a listener where control is.
fn without_reports(code: &str) -> String {
    let kept = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("Report "));
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// How many blocks are printed.
fn blocks(code: &str) -> usize {
    code.lines()
        .filter(|line| line.trim_start().starts_with("next "))
        .count()
}

/// Counts the host's instructions for one of the guest's.
fn instructions(subject: &Subject, without: &Path) -> Result<()> {
    if !on_path("valgrind") {
        return Err(HostLacks("valgrind is missing: apt-get install valgrind".into()).into());
    }
    let guest = Counters::of(subject, LINE)?.number("instructions")?;
    let of = |glassbox: &Path| -> Result<f64> {
        let line = subject.line_of(glassbox, "run", &[], LINE);
        let mut command = Command::new("valgrind");
        command.args(["--tool=cachegrind", "--cache-sim=no"]);
        command.arg("--cachegrind-out-file=/dev/null");
        command.arg(line.get_program()).args(line.get_args());
        let output = command.output().context("cannot start valgrind")?;
        let report = String::from_utf8_lossy(&output.stderr);
        let counted = references(&report)
            .with_context(|| format!("cachegrind did not count: {}", report.trim()))?;
        Ok(counted / guest)
    };
    let (ours, theirs) = (of(&subject.glassbox)?, of(&emulator(without))?);
    let percent = (ours / theirs - 1.0) * 100.0;
    println!("  host instructions for one of the guest's, in a boot and `{LINE}`");
    println!("    observing compiled in      {ours:9.3}");
    println!("    without                    {theirs:9.3}");
    println!(
        "    difference, %              {percent:9.3}   {}",
        verdict(percent, MOST_PERCENT)
    );
    Ok(())
}

/// The number of instructions in cachegrind's report.
fn references(report: &str) -> Option<f64> {
    let line = report.lines().find(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(&words[..], [_, "I", "refs:", _])
    })?;
    let digits = line.split_whitespace().next_back()?.replace(',', "");
    digits.parse().ok()
}

/// Takes the time of both builds in turn.
fn time(subject: &Subject, without: &Path) -> Result<()> {
    let bare = emulator(without);
    let builds = [subject.glassbox.as_path(), bare.as_path()];
    let mut medians = [Vec::new(), Vec::new()];
    println!("  time with observing compiled in, of that without; on the clock, and of the CPU");
    for program in mix(subject)? {
        let mut walls = [Samples::default(), Samples::default()];
        let mut cpus = [Samples::default(), Samples::default()];
        for turn in 0..subject.repeat as usize {
            // Neither build is always the first.
            for build in [turn % 2, 1 - turn % 2] {
                let mut command = subject.line_of(builds[build], "run", &[], &program);
                let cost = Cost::of(&mut command, 0)?;
                walls[build].push(cost.wall);
                cpus[build].push(cost.cpu);
            }
        }
        for ((times, what), medians) in [(walls, "clock"), (cpus, "cpu")].iter().zip(&mut medians) {
            let ratio = times[0].over(&times[1]);
            println!("    {:<26} {ratio}", format!("{program}, {what}"));
            medians.push(ratio.median());
        }
    }
    for (medians, what) in medians.iter().zip(["clock", "cpu"]) {
        let mean = geometric_mean(medians);
        println!("    {:<26} {mean:9.3}", format!("geometric mean, {what}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_left_out_and_blocks_counted() {
        let code = "0x1: 1 bytes\n    Report       probe 3\n    Nop\n    next 0x2, taken 0x0\n";
        assert_eq!(
            without_reports(code),
            "0x1: 1 bytes\n    Nop\n    next 0x2, taken 0x0\n"
        );
        assert_eq!(blocks(code), 1);
    }

    #[test]
    fn the_first_difference_is_found() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n"), Some((2, "b", "c")));
        assert_eq!(difference("a\n", "a\nc\n"), Some((2, "", "c")));
    }

    #[test]
    fn cachegrinds_count_is_read() {
        assert_eq!(
            references("==7== \n==7== I   refs:      161,585,350\n"),
            Some(161_585_350.0)
        );
        assert_eq!(references("==7== I refs: 12"), Some(12.0));
        assert_eq!(references("cannot execute"), None);
    }
}
