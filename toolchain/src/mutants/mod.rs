//! `cargo xtask mutants`: plants bugs in the kernel, one at a time, and shows who notices.
//!
//! A mutant is a patch under `tests/mutants` ([`mutant`]). It is applied to a copy of the guest's
//! sources ([`sources`]), built ([`workshop`]) and put before the judges ([`judge`]) until one of them
//! finds fault with it: it is *killed*. One that survives shows that a test is missing. The clean
//! kernel is judged first: a judge that complains about it says nothing about mutants.

mod judge;
mod mutant;
mod sources;
mod workshop;

use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};

use crate::layout::{ARCH, Layout};
use crate::process::{Reported, progress};
use crate::{boot, guest, image};
use judge::JUDGES;
use mutant::Mutant;
use workshop::Workshop;

/// Share of the mutants that must be killed, in percent.
const REQUIRED: usize = 95;

/// Options of the subcommand.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Mutants under tests/mutants [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Judge N of them, evenly spread
    #[arg(long, value_name = "N")]
    sample: Option<NonZero<usize>>,
    /// Judge N mutants at a time; they are built one after the other
    #[arg(long, value_name = "N", default_value = "1")]
    jobs: NonZero<usize>,
}

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// The judge that noticed, and what it saw.
    Killed(&'static str, String),
    Survived,
}

/// The subcommand.
pub fn run(layout: &Layout, options: &Options) -> Result<()> {
    let mutants = Mutant::all(&layout.root.join("tests/mutants"))?;
    let sample = options.sample.map(NonZero::get);
    let mutants = mutant::choose(mutants, &options.names, sample)?;

    let guest = guest::build(layout, &guest::Options::default())?;
    image::build(layout, &guest, &layout.images())?;
    boot::build_emulator(layout)?;
    let court = Court {
        workshop: Mutex::new(Workshop::new(layout)?),
        emulator: layout.emulator(),
        disk: layout.images().join(ARCH).join("fs.img"),
        kernels: layout.target.join("mutants/kernels"),
    };
    std::fs::create_dir_all(&court.kernels)
        .with_context(|| format!("cannot create {}", court.kernels.display()))?;
    progress("the clean kernel");
    if let Verdict::Killed(judge, what) = court.try_one("clean", None)? {
        bail!("{judge} finds fault with the clean kernel: {what}");
    }
    let report = Report(court.try_all(&mutants, options.jobs.get())?);
    print!("{report}");
    if report.is_good() {
        Ok(())
    } else {
        Err(Reported.into())
    }
}

/// Where mutants are judged.
struct Court {
    workshop: Mutex<Workshop>,
    emulator: PathBuf,
    disk: PathBuf,
    /// The built kernels, by the mutant's name.
    kernels: PathBuf,
}

impl Court {
    /// Judges `mutants`, so many at a time; gives names and verdicts in their order.
    fn try_all(&self, mutants: &[Mutant], jobs: usize) -> Result<Vec<(String, Verdict)>> {
        let next = AtomicUsize::new(0);
        let judged = Mutex::new(vec![None; mutants.len()]);
        let work = || -> Result<()> {
            while let Some((index, mutant)) = take(&next, mutants) {
                let verdict = self.try_one(&mutant.name, Some(&mutant.diff));
                let verdict = verdict.with_context(|| format!("mutant {}", mutant.name))?;
                progress(format!("{}: {verdict}", mutant.name));
                judged.lock().map_err(|_| poisoned())?[index] = Some(verdict);
            }
            Ok(())
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            let mut ends = workers.into_iter().map(|worker| worker.join());
            ends.try_for_each(|end| end.map_err(|_| poisoned())?)
        })?;
        let verdicts = judged.into_inner().map_err(|_| poisoned())?;
        let names = mutants.iter().map(|mutant| mutant.name.clone());
        Ok(names.zip(verdicts.into_iter().flatten()).collect())
    }

    /// Builds one kernel and asks the judges in turn.
    fn try_one(&self, name: &str, diff: Option<&str>) -> Result<Verdict> {
        let kernel = self.kernels.join(name);
        let workshop = self.workshop.lock().map_err(|_| poisoned())?;
        workshop.build(diff, &kernel)?;
        drop(workshop);
        for judge in &JUDGES {
            if let Some(what) = judge.ask(&self.emulator, &kernel, &self.disk)? {
                return Ok(Verdict::Killed(judge.name, what));
            }
        }
        Ok(Verdict::Survived)
    }
}

fn take<'a, T>(next: &AtomicUsize, items: &'a [T]) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

fn poisoned() -> anyhow::Error {
    anyhow!("another job has panicked")
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(judge, what) => write!(f, "{judge:<18} {what}"),
            Self::Survived => f.write_str("SURVIVED"),
        }
    }
}

/// Names and verdicts.
struct Report(Vec<(String, Verdict)>);

impl Report {
    /// How many were killed.
    fn killed(&self) -> usize {
        let verdicts = self.0.iter().map(|(_, verdict)| verdict);
        verdicts
            .filter(|verdict| **verdict != Verdict::Survived)
            .count()
    }

    /// Whether enough were killed.
    fn is_good(&self) -> bool {
        self.killed() * 100 >= self.0.len() * REQUIRED
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in &self.0 {
            writeln!(f, "{name:<28} {verdict}")?;
        }
        let (killed, all) = (self.killed(), self.0.len());
        let tenths = killed * 1000 / all.max(1);
        let percent = format!("{}.{} %", tenths / 10, tenths % 10);
        writeln!(f, "{killed} of {all} mutants killed ({percent})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_sums_up_and_nineteen_of_twenty_are_enough() {
        let verdicts = |killed: usize, survived: usize| {
            let seen = Verdict::Killed("usertests, 1 CPU", "brk_moves".into());
            let mut verdicts = vec![("mutant".to_string(), seen); killed];
            verdicts.extend(vec![("other".to_string(), Verdict::Survived); survived]);
            Report(verdicts)
        };
        let report = verdicts(19, 1);
        assert!(report.is_good());
        let text = report.to_string();
        assert!(
            text.ends_with("\n19 of 20 mutants killed (95.0 %)\n"),
            "{text}"
        );
        assert!(
            text.contains("\nother                        SURVIVED\n"),
            "{text}"
        );
        assert!(!verdicts(18, 1).is_good());
    }
}
