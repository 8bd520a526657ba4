//! The same boot and command watched on QEMU, as text, which is all that it offers (`-d int,mmu,exec`): time and bytes.
//!
//! QEMU reports a translated block when it looks for it. Blocks that it has chained pass unseen unless chaining is
//! forbidden (`nochain`), so there are two rows; the second one and our `instructions` tell all of the control flow.

use std::process::Command;

use anyhow::Result;

use super::{ALL, INSTRUCTIONS, LINE, Scratch};
use crate::bench::Subject;
use crate::bench::cost::Cost;
use crate::bench::peer;
use crate::bench::sample::Samples;

/// The bench.
pub fn run(subject: &Subject) -> Result<()> {
    peer::is_there(subject.arch)?;
    let file = Scratch::new(subject, "bench.trace")?;
    let name = file.argument();
    let ours = |events: &str| match events {
        "" => subject.line("run", &[], LINE),
        _ => subject.line(
            "trace",
            &["-e", events, "--format", "gbt", "-o", &name],
            LINE,
        ),
    };
    let peer = |events: &str| {
        let mut command = peer::line(subject, LINE);
        if !events.is_empty() {
            command.args(["-d", events, "-D", &name]);
        }
        command
    };
    println!("  a boot and `{LINE}`");
    compare(subject, &file, "glassbox", 0, &ours, &[ALL, INSTRUCTIONS])?;
    compare(
        subject,
        &file,
        &peer::name(subject.arch),
        peer::done(subject.arch),
        &peer,
        &["int,mmu,exec", "int,mmu,exec,nochain"],
    )
}

/// Runs a machine in turn unwatched and watched; prints times, ratios and bytes.
fn compare(
    subject: &Subject,
    file: &Scratch,
    name: &str,
    status: i32,
    machine: &dyn Fn(&str) -> Command,
    sets: &[&str],
) -> Result<()> {
    let mut unwatched = Samples::default();
    let mut watched = vec![(Samples::default(), 0.0); sets.len()];
    for _ in 0..subject.repeat {
        unwatched.push(Cost::of(&mut machine(""), status)?.cpu);
        for ((samples, size), events) in watched.iter_mut().zip(sets) {
            samples.push(Cost::of(&mut machine(events), status)?.cpu);
            *size = file.megabytes()?;
        }
    }
    println!("  {name:<28} {unwatched}   s unwatched");
    for ((samples, size), events) in watched.iter().zip(sets) {
        let ratio = samples.over(&unwatched);
        println!("    {events:<26} {ratio}   times, {size:.3} MB");
    }
    Ok(())
}
