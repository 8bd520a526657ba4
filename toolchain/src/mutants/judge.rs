//! Who judges a mutant: power cuts, the guest's own tests, the labs' tests. A sound kernel passes all.
//!
//! Key types: [`Judge`], and [`Bench`], which has what they need besides a kernel.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::run::{CRASHES, Run, USERTESTS};
use crate::boot::build_emulator;
use crate::lab::grader::{self, Subject, Verdict, Wishes};
use crate::lab::{Lab, Trusted, submitted};
use crate::layout::{Arch, Layout};
use crate::sources::Tree;

/// One judge.
pub enum Judge<'a> {
    /// A run of the emulator.
    Run(&'static Run),
    /// A lab's tests.
    Lab(&'a Lab),
}

/// What judges need besides a kernel.
pub struct Bench {
    emulator: PathBuf,
    /// The labs in which the clean kernel is worth all points.
    labs: Vec<Lab>,
    trusted: Trusted,
    /// Where temporary folders go, on the file system that has the trusted disk.
    scratch: PathBuf,
}

impl Bench {
    /// Builds what is missing, the disk and the labs' programs of the sources `clean`.
    pub fn new(layout: &Layout, clean: &Tree) -> Result<Self> {
        let mut labs = Vec::new();
        for lab in Lab::all(layout)? {
            // The reference puts back exactly what the starter took away, or adds what the clean
            // kernel has not.
            let solved = submitted(clean, &lab, &lab.folder.join("reference.patch"));
            if solved.with_context(|| format!("{}: reference.patch", lab.name))? == *clean {
                labs.push(lab);
            }
        }
        let trusted = Trusted::build(layout, clean, &labs, Arch::default())?;
        build_emulator(layout)?;
        Ok(Self {
            emulator: layout.emulator(),
            labs,
            trusted,
            scratch: layout.lab_target(),
        })
    }

    /// The judges, in the order in which they are asked: the quick ones first.
    pub fn judges(&self) -> Vec<Judge<'_>> {
        let crashes = CRASHES.iter().map(Judge::Run);
        let usertests = USERTESTS.iter().map(Judge::Run);
        let labs = self.labs.iter().map(Judge::Lab);
        crashes.chain(usertests).chain(labs).collect()
    }

    fn grade(&self, lab: &Lab, kernel: &Path) -> Result<Verdict> {
        let folder = TempDir::new_in(&self.scratch)?;
        std::fs::copy(kernel, folder.path().join("kernel.elf"))?;
        self.trusted.place(&lab.name, folder.path())?;
        let images = Subject::Images(folder.path());
        grader::verdict(&self.emulator, lab, &images, &Wishes::default())
    }
}

impl Judge<'_> {
    /// Its name in the report.
    pub fn name(&self) -> String {
        match self {
            Self::Run(run) => run.name.to_string(),
            Self::Lab(lab) => format!("lab, {}", lab.name),
        }
    }

    /// What the judge finds wrong with `kernel`, in one line; nothing if it passes.
    pub fn ask(&self, bench: &Bench, kernel: &Path) -> Result<Option<String>> {
        match self {
            Self::Run(run) => run.ask(&bench.emulator, kernel, bench.trusted.disk()),
            Self::Lab(lab) => {
                let tests = bench.grade(lab, kernel)?.tests;
                let failed = tests.iter().find(|test| test.points < test.of);
                Ok(failed.map(|test| format!("{}: {} of {}", test.name, test.points, test.of)))
            }
        }
    }
}
