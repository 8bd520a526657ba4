//! What tracing costs: untraced runs against traced ones in turn, a build without observing, and QEMU's own log.
//!
//! Limits that the project has set itself, as ratios to the untraced run: 1.10 for what the kernel tells, 1.5 with
//! everything the machine tells, 4 with every instruction; half a per cent for a build in which nobody listens.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::Subject;
use super::prompt;
use super::sample::{Samples, geometric_mean};
use crate::setup::apt::on_path;

/// What is recorded, and its limit.
const EVENTS: [(&str, &str, f64); 3] = [
    ("kernel and traps", "event=kernel,trap", 1.10),
    ("everything", "event=all", 1.5),
    ("and each instruction", "event=all,instruction", 4.0),
];

/// The line whose recording is weighed.
const SHORT: &str = "ls /";

/// The bench.
pub fn run(subject: &Subject) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("trace.gbt");
    let programs = subject.programs()?;
    let programs: Vec<_> = programs
        .iter()
        .filter(|name| name.starts_with(super::mips::PREFIX))
        .collect();
    for (what, events, limit) in EVENTS {
        let mut medians = Vec::new();
        for program in &programs {
            let (mut plain, mut traced) = (Samples::default(), Samples::default());
            for _ in 0..subject.repeat {
                plain.push(seconds(&mut silent(&subject.glassbox, program))?);
                traced.push(seconds(&mut recording(
                    &subject.glassbox,
                    events,
                    &file,
                    program,
                ))?);
            }
            let ratio = traced.over(&plain);
            println!("  {what:<22} {program:<14} {ratio}");
            medians.push(ratio.median());
        }
        let mean = geometric_mean(&medians);
        println!(
            "  {what:<22} {:<14} {mean:22.3}   (limit {limit})",
            "geometric mean"
        );
    }
    seconds(&mut recording(&subject.glassbox, "event=all", &file, SHORT))?;
    let bytes = std::fs::metadata(&file)?.len();
    println!("  recording of a boot and `{SHORT}`: {bytes} bytes");
    unobserved(subject)?;
    qemu(subject, folder.path())
}

fn silent(glassbox: &Path, line: &str) -> Command {
    let mut command = Command::new(glassbox);
    command.args(["run", "--", line]);
    command
}

fn recording(glassbox: &Path, events: &str, file: &Path, line: &str) -> Command {
    let mut command = Command::new(glassbox);
    command.args(["trace", "-e", events, "-o"]).arg(file);
    command.args(["--", line]);
    command
}

/// Host seconds of a command that must succeed.
fn seconds(command: &mut Command) -> Result<f64> {
    let begin = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// Host instructions and seconds of a short run, against a build from which observing was taken out.
fn unobserved(subject: &Subject) -> Result<()> {
    let without = without_observing(subject)?;
    if on_path("valgrind") {
        let with = host_instructions(&subject.glassbox)?;
        let ratio = with / host_instructions(&without)?;
        println!(
            "  nobody listens, host instructions: {ratio:.5} of a build without observing (limit 1.005)"
        );
    } else {
        println!(
            "  nobody listens, host instructions: valgrind is missing (apt-get install valgrind)"
        );
    }
    let (mut with, mut plain) = (Samples::default(), Samples::default());
    for _ in 0..subject.repeat {
        with.push(seconds(&mut silent(&subject.glassbox, "bench_sieve"))?);
        plain.push(seconds(&mut silent(&without, "bench_sieve"))?);
    }
    println!("  nobody listens, seconds       {}", with.over(&plain));
    Ok(())
}

/// Builds the emulator without observing.
fn without_observing(subject: &Subject) -> Result<PathBuf> {
    let target = subject
        .glassbox
        .ancestors()
        .nth(2)
        .context("the emulator lies in target/release")?
        .join("unobserved");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--quiet", "-p", "glassbox"]);
    cargo
        .args(["--features", "base/unobserved", "--target-dir"])
        .arg(&target);
    let status = cargo.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("the emulator without observing does not build");
    }
    Ok(target.join("release/glassbox"))
}

/// Host instructions of a short run, as cachegrind counts them.
fn host_instructions(glassbox: &Path) -> Result<f64> {
    let output = Command::new("valgrind")
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
        ])
        .arg(glassbox)
        .args(["run", "--", SHORT])
        .output()
        .context("cannot start valgrind")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text
        .lines()
        .find(|line| line.contains("I   refs:") || line.contains("I refs:"));
    let digits: String = line
        .context("cachegrind counts no instructions")?
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    Ok(digits.parse()?)
}

/// A boot to the prompt with everything recorded, against the same boot with QEMU's log of interrupts, translations and
/// executed blocks: times the untraced boot, and bytes.
fn qemu(subject: &Subject, folder: &Path) -> Result<()> {
    if !on_path("qemu-system-x86_64") {
        bail!("qemu-system-x86_64 is missing: apt-get install qemu-system-x86");
    }
    let log = folder.join("qemu.log");
    let (mut plain, mut logged) = (Samples::default(), Samples::default());
    for _ in 0..subject.repeat {
        plain.push(prompt::boot(&mut prompt::qemu(subject))?.prompt);
        let mut command = prompt::qemu(subject);
        command.args(["-d", "int,mmu,exec", "-D"]).arg(&log);
        logged.push(prompt::boot(&mut command)?.prompt);
    }
    println!("  qemu -d int,mmu,exec, boot    {}", logged.over(&plain));
    println!(
        "  qemu's log of a boot: {} bytes",
        std::fs::metadata(&log)?.len()
    );
    Ok(())
}
