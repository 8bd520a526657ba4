//! The trial of kernels: built one after the other, judged several at a time.
//!
//! Key types: [`Subject`] and [`Court`].

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};

use super::judge::{Bench, Judge};
use super::mutant::Mutant;
use super::report::Verdict;
use super::workshop::Workshop;
use crate::layout::{Layout, write_whole};
use crate::process::progress;
use crate::sources::{Tree, patch};

/// A kernel to be judged.
pub struct Subject {
    /// The mutant's name, or that of the clean kernel.
    name: String,
    sources: Tree,
    /// Whether it is an error if a judge finds fault with it.
    is_clean: bool,
}

impl Subject {
    /// The kernel without a bug of ours.
    pub fn clean(clean: &Tree) -> Self {
        Self {
            name: "clean".into(),
            sources: clean.clone(),
            is_clean: true,
        }
    }

    /// `clean` with the mutant's bug in it.
    pub fn planted(mutant: &Mutant, clean: &Tree) -> Result<Self> {
        let sources = patch::apply(clean, &mutant.diff);
        Ok(Self {
            sources: sources.with_context(|| format!("mutant {}", mutant.name))?,
            name: mutant.name.clone(),
            is_clean: false,
        })
    }
}

/// Where kernels are judged.
pub struct Court<'a> {
    workshop: Mutex<Workshop>,
    bench: &'a Bench,
    judges: Vec<Judge<'a>>,
    /// Ask the other judges, too, once one has noticed.
    asks_all: bool,
    /// The built kernels, by the subject's name.
    kernels: PathBuf,
}

impl<'a> Court<'a> {
    /// A court with the judges of `bench`.
    pub fn new(layout: &Layout, bench: &'a Bench, asks_all: bool) -> Result<Self> {
        Ok(Self {
            workshop: Mutex::new(Workshop::new(layout)?),
            bench,
            judges: bench.judges(),
            asks_all,
            kernels: layout.target.join("mutants/kernels"),
        })
    }

    /// Judges `subjects`, `jobs` at a time; gives the verdicts in their order.
    pub fn try_all(&self, subjects: &[Subject], jobs: usize) -> Result<Vec<Verdict>> {
        let next = AtomicUsize::new(0);
        let judged = Mutex::new(vec![Verdict::default(); subjects.len()]);
        let work = || -> Result<()> {
            while let Some((index, subject)) = take(&next, subjects) {
                let verdict = self.try_one(subject).inspect_err(|_| {
                    // The other workers take no more.
                    next.store(subjects.len(), Ordering::Relaxed);
                });
                let verdict = verdict.with_context(|| format!("kernel {}", subject.name))?;
                judged.lock().map_err(|_| poisoned())?[index] = verdict;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            let mut ends = workers.into_iter().map(|worker| worker.join());
            ends.try_for_each(|end| end.map_err(|_| poisoned())?)
        })?;
        judged.into_inner().map_err(|_| poisoned())
    }

    /// Builds one kernel and asks the judges in turn.
    fn try_one(&self, subject: &Subject) -> Result<Verdict> {
        let workshop = self.workshop.lock().map_err(|_| poisoned())?;
        let kernel = workshop.build(&subject.sources)?;
        drop(workshop);
        let path = self.kernels.join(&subject.name);
        write_whole(&path, &kernel)?;
        let mut seen = Vec::new();
        for judge in &self.judges {
            let Some(what) = judge.ask(self.bench, &path)? else {
                continue;
            };
            if subject.is_clean {
                bail!("{} finds fault with it: {what}", judge.name());
            }
            seen.push((judge.name(), what));
            if !self.asks_all {
                break;
            }
        }
        let verdict = Verdict(seen);
        match subject.is_clean {
            true => progress("the clean kernel passes"),
            false => progress(format!("{}: {verdict}", subject.name)),
        }
        Ok(verdict)
    }
}

fn take<'a, T>(next: &AtomicUsize, items: &'a [T]) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

fn poisoned() -> anyhow::Error {
    anyhow!("another job has panicked")
}
