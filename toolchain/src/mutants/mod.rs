//! `cargo xtask mutants`: plants bugs in the kernel, one at a time, and shows who notices.
//!
//! A mutant is a patch under `tests/mutants` ([`mutant`]). It is applied to the guest's sources, built
//! ([`workshop`]) and put before the judges ([`judge`]) until one of them finds fault with it: it is
//! *killed* ([`court`]). One that survives shows that a test is missing. The clean kernel is judged as
//! well: a judge that complains about it says nothing about mutants.
//!
//! Kernel, disk and tests are built of the checkout as it lies there, so that a new test or a new
//! mutant can be tried before it is committed.

mod court;
mod judge;
mod mutant;
mod report;
mod run;
mod workshop;

use std::num::NonZero;

use anyhow::Result;

use crate::layout::Layout;
use crate::process::Reported;
use crate::sources::Tree;
use court::{Court, Subject};
use judge::Bench;
use mutant::Mutant;
use report::Report;

/// Options of the subcommand.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Mutants under tests/mutants, or files that end in .patch [default: all mutants]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Judge N of them, evenly spread
    #[arg(long, value_name = "N")]
    sample: Option<NonZero<usize>>,
    /// Judge N mutants at a time; they are built one after the other
    #[arg(long, value_name = "N", default_value = "1")]
    jobs: NonZero<usize>,
    /// Ask every judge about each mutant, not only until one has noticed
    #[arg(long)]
    all_judges: bool,
    /// Say what they are, and judge none
    #[arg(long)]
    list: bool,
}

/// The subcommand.
pub fn run(layout: &Layout, options: &Options) -> Result<()> {
    let known = Mutant::all(&layout.root.join("tests/mutants"))?;
    let sample = options.sample.map(NonZero::get);
    let mutants = mutant::choose(known, &options.names, sample)?;
    if options.list {
        for mutant in &mutants {
            println!("{:<28} {}", mutant.name, mutant.title);
        }
        return Ok(());
    }

    let clean = Tree::lying(&layout.root)?;
    let mut subjects = vec![Subject::clean(&clean)];
    for mutant in &mutants {
        subjects.push(Subject::planted(mutant, &clean)?);
    }
    let bench = Bench::new(layout, &clean)?;
    let court = Court::new(layout, &bench, options.all_judges)?;
    let verdicts = court.try_all(&subjects, options.jobs.get())?;
    let names = mutants.into_iter().map(|mutant| mutant.name);
    // The first verdict is on the clean kernel, which all have passed.
    let report = Report(names.zip(verdicts.into_iter().skip(1)).collect());
    print!("{report}");
    if report.is_good() {
        Ok(())
    } else {
        Err(Reported::default().into())
    }
}
