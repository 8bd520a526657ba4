//! Speed of the engine on each of the guest's bench programs: millions of guest instructions a second of host time, and
//! the time of the whole line as a ratio to QEMU's.
//!
//! Taken with one CPU and without waiting, so idle time is not counted. One iteration of a REP
//! instruction retires one instruction, which flatters: where `stat` reports them, they are left out.
//!
//! The time of a line is what the emulator takes for it from start to end, without what it takes for `true`: booting and
//! powering off.

use std::process::Command;

use anyhow::{Result, bail, ensure};

use super::cost::Cost;
use super::counters::Counters;
use super::sample::{Samples, geometric_mean};
use super::{Subject, peer};

/// Programs whose names begin so are benches.
pub const PREFIX: &str = "bench_";

/// The line that does nothing.
const NOTHING: &str = "true";

/// The bench.
pub fn run(subject: &Subject) -> Result<()> {
    peer::is_there(subject.arch)?;
    let programs = subject.programs()?;
    let programs: Vec<_> = programs
        .iter()
        .filter(|name| name.starts_with(PREFIX))
        .collect();
    if programs.is_empty() {
        bail!("the image has no program whose name begins with {PREFIX}");
    }
    let ours = |line: &str| subject.line("run", &[], line);
    let peers = |line: &str| peer::line(subject, line);
    let whose = format!("of {}'s time", peer::name(subject.arch));
    let (mut speeds, mut ratios) = (Vec::new(), Vec::new());
    for program in programs {
        let mut speed = Samples::default();
        let (mut own, mut others) = (Samples::default(), Samples::default());
        for _ in 0..subject.repeat {
            speed.push(mips(&Counters::of(subject, program)?)?);
            own.push(seconds(&ours, program, 0)?);
            others.push(seconds(&peers, program, peer::done(subject.arch))?);
        }
        let ratio = own.over(&others);
        println!("  {program:<28} {speed}   MIPS");
        println!("    {whose:<26} {ratio}   times");
        speeds.push(speed.median());
        ratios.push(ratio.median());
    }
    println!(
        "  geometric mean               {:9.3}   MIPS, {:.3} times {}'s time",
        geometric_mean(&speeds),
        geometric_mean(&ratios),
        peer::name(subject.arch)
    );
    Ok(())
}

fn mips(counters: &Counters) -> Result<f64> {
    let counted =
        counters.number("instructions")? - counters.number("rep_iterations").unwrap_or(0.0);
    Ok(counted / counters.number("host_ns")? * 1e3)
}

/// Seconds that `machine` takes for a line beyond booting and powering off; each run ends with `status`.
fn seconds(machine: &dyn Fn(&str) -> Command, line: &str, status: i32) -> Result<f64> {
    let nothing = Cost::of(&mut machine(NOTHING), status)?;
    let seconds = Cost::of(&mut machine(line), status)?.wall - nothing.wall;
    ensure!(seconds > 0.0, "`{line}` takes no longer than `{NOTHING}`");
    Ok(seconds)
}
