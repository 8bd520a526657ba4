//! Speed of the engine: millions of guest instructions a second of host time, for each of the
//! guest's bench programs and as their geometric mean.
//!
//! Taken with one CPU and without waiting, so idle time is not counted. One iteration of a REP
//! instruction retires one instruction, which flatters: where `stat` reports them, they are left out.

use anyhow::{Result, bail};

use super::Subject;
use super::counters::Counters;
use super::sample::{Samples, geometric_mean};

/// Programs whose names begin so are benches.
pub const PREFIX: &str = "bench_";

/// The bench.
pub fn run(subject: &Subject) -> Result<()> {
    let programs = subject.programs()?;
    let programs: Vec<_> = programs
        .iter()
        .filter(|name| name.starts_with(PREFIX))
        .collect();
    if programs.is_empty() {
        bail!("the image has no program whose name begins with {PREFIX}");
    }
    let mut medians = Vec::new();
    for program in programs {
        let mut speed = Samples::default();
        for _ in 0..subject.repeat {
            speed.push(mips(&Counters::of(subject, program)?)?);
        }
        println!("  {program:<28} {speed}   MIPS");
        medians.push(speed.median());
    }
    println!(
        "  {:<28} {:9.3}   MIPS",
        "geometric mean",
        geometric_mean(&medians)
    );
    Ok(())
}

fn mips(counters: &Counters) -> Result<f64> {
    let counted =
        counters.number("instructions")? - counters.number("rep_iterations").unwrap_or(0.0);
    Ok(counted / counters.number("host_ns")? * 1e3)
}
