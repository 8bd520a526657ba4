//! `cargo xtask lab verify`: does a lab do what it is for? Its starter must score low, its reference full.

use anyhow::{Result, bail};

use super::bench::Bench;
use super::definition::Lab;
use super::grader::{Test, Verdict, Wishes};
use super::starter::{starter, submitted};
use crate::layout::{Arch, Layout};
use crate::process::{Reported, progress};

/// Percent of all points that a starter may have at most: some of what is judged works from the start.
const STARTER_AT_MOST: u64 = 30;

/// The subcommand: the lab called `name`, or all; on `arch`, if that is not to be the lab's.
pub fn run(layout: &Layout, name: Option<&str>, arch: Option<Arch>) -> Result<()> {
    let mut labs = match name {
        Some(name) => vec![Lab::find(layout, name)?],
        None => Lab::all(layout)?,
    };
    if labs.is_empty() {
        bail!("there is no lab in {}", layout.labs().display());
    }
    for lab in &mut labs {
        lab.arch = arch.unwrap_or(lab.arch);
    }
    let mut bench = Bench::new(layout, &labs)?;
    let mut faults = 0;
    for lab in &labs {
        progress(format!("{}: starter", lab.name));
        let begun = starter(&bench.clean, lab);
        let verdict = bench.judge(lab, begun, &Wishes::default(), None)?;
        let is_low = verdict.points * 100 <= verdict.of * STARTER_AT_MOST;
        faults += usize::from(!is_low || verdict.refused.is_some());
        let wanted = format!("at most {STARTER_AT_MOST} %");
        report(lab, "starter", &verdict, &wanted, |test| test.points > 0);

        if lab.patch("reference.patch")?.trim().is_empty() {
            println!("{}: reference: reference.patch is empty", lab.name);
            faults += 1;
            continue;
        }
        progress(format!("{}: reference", lab.name));
        let solved = submitted(&bench.clean, lab, &lab.folder.join("reference.patch"));
        let verdict = bench.judge(lab, solved, &Wishes::default(), None)?;
        faults += usize::from(verdict.points != verdict.of);
        report(lab, "reference", &verdict, "100 %", |test| {
            test.points < test.of
        });
    }
    if faults > 0 {
        println!("{faults} of these are not as they should be");
        return Err(Reported::default().into());
    }
    Ok(())
}

/// Says what was scored, and of the tests those that are `notable`.
fn report(
    lab: &Lab,
    what: &str,
    verdict: &Verdict,
    wanted: &str,
    notable: impl Fn(&&Test) -> bool,
) {
    let (name, points, of) = (&lab.name, verdict.points, verdict.of);
    println!("{name}: {what}: {points} of {of} points (wanted: {wanted})");
    if let Some(reason) = &verdict.refused {
        let words = verdict.compiler.as_deref().unwrap_or_default();
        println!("    {reason}\n{words}");
        return;
    }
    for test in verdict.tests.iter().filter(notable) {
        println!("    {}: {} of {}", test.name, test.points, test.of);
    }
}
