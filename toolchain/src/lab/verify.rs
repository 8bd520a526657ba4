//! `cargo xtask lab verify`: does a lab do what it is for? Its starter must score low, its reference full.

use anyhow::{Context, Result, bail};

use super::build::Built;
use super::definition::Lab;
use super::grade::Bench;
use super::starter::{starter, submitted};
use super::verdict::Verdict;
use crate::layout::Layout;
use crate::process::{Reported, progress};
use crate::sources::Tree;

/// Percent of all points that a starter may have at most: some of what is judged works from the start.
const STARTER_AT_MOST: u64 = 30;

/// The subcommand: the lab called `name`, or all.
pub fn run(layout: &Layout, name: Option<&str>) -> Result<()> {
    let labs = match name {
        Some(name) => vec![Lab::find(layout, name)?],
        None => Lab::all(layout)?,
    };
    if labs.is_empty() {
        bail!("there is no lab in {}", layout.labs().display());
    }
    let clean = Tree::clean(&layout.root)?;
    let bench = Bench::new(layout, &clean, &labs)?;
    let mut faults = 0;
    for lab in &labs {
        let begun = starter(&clean, lab)?;
        let verdict = judge(&bench, lab, "starter", &begun)?;
        faults += usize::from(verdict.points * 100 > verdict.of * STARTER_AT_MOST);
        report(
            lab,
            "starter",
            &verdict,
            &format!("at most {STARTER_AT_MOST} %"),
        );
        for test in verdict.tests.iter().filter(|test| test.points != 0) {
            println!("    {}: {} of {}", test.name, test.points, test.of);
        }

        let patch = lab.folder.join("reference.patch");
        let solved = submitted(&clean, lab, &patch);
        let solved = solved.with_context(|| format!("{}: reference.patch", lab.name))?;
        let verdict = judge(&bench, lab, "reference", &solved)?;
        faults += usize::from(verdict.points != verdict.of);
        report(lab, "reference", &verdict, "100 %");
        for test in verdict.tests.iter().filter(|test| test.points != test.of) {
            println!("    {}: {} of {}", test.name, test.points, test.of);
        }
    }
    if faults > 0 {
        println!("{faults} of these are not as they should be");
        return Err(Reported::default().into());
    }
    Ok(())
}

fn report(lab: &Lab, what: &str, verdict: &Verdict, wanted: &str) {
    let (name, points, of) = (&lab.name, verdict.points, verdict.of);
    println!("{name}: {what}: {points} of {of} points (wanted: {wanted})");
}

/// Builds and judges `sources`.
fn judge(bench: &Bench, lab: &Lab, what: &str, sources: &Tree) -> Result<Verdict> {
    progress(format!("{}: {what}", lab.name));
    let kernel = match bench.builder.build(sources)? {
        Built::Kernel(kernel) => kernel,
        Built::Failed(reason, words) => bail!("{}: {what}: {reason}:\n{words}", lab.name),
    };
    let folder = tempfile::TempDir::new_in(bench.scratch())?;
    bench.place(lab, kernel, folder.path())?;
    bench.ask(lab, folder.path())
}
