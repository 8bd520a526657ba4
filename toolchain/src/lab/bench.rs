//! Where submissions are judged: the sources they change, the trusted files, the builder, the grader.
//!
//! Key type: [`Bench`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::build::{Builder, Built};
use super::definition::Lab;
use super::grader::{self, Subject, Verdict, Wishes};
use super::refusal::Refusal;
use super::trusted::Trusted;
use crate::boot::build_emulator;
use crate::image;
use crate::layout::{Arch, Layout, write_whole};
use crate::sources::Tree;

/// Judges submissions to some labs.
pub struct Bench<'a> {
    layout: &'a Layout,
    labs: &'a [Lab],
    /// The sources that every lab's starter changes.
    pub clean: Tree,
    grader: PathBuf,
    /// For each architecture, made when the first kernel has to be built: a refusal needs none of it.
    workshops: BTreeMap<Arch, Workshop>,
}

struct Workshop {
    trusted: Trusted,
    builder: Builder,
}

impl<'a> Bench<'a> {
    /// A bench for `labs`. Builds the grader if need be.
    pub fn new(layout: &'a Layout, labs: &'a [Lab]) -> Result<Self> {
        let scratch = layout.lab_target();
        std::fs::create_dir_all(&scratch)
            .with_context(|| format!("cannot create {}", scratch.display()))?;
        let clean = Tree::clean(&layout.root)?;
        build_emulator(layout)?;
        Ok(Self {
            layout,
            labs,
            clean,
            grader: layout.emulator(),
            workshops: BTreeMap::new(),
        })
    }

    /// The verdict on a submission: on the kernel that its sources give, or 0 points if they have been
    /// refused or do not compile. The images stay in `keep`, a folder that is not there yet.
    pub fn judge(
        &mut self,
        lab: &Lab,
        sources: Result<Tree>,
        wishes: &Wishes,
        keep: Option<&Path>,
    ) -> Result<Verdict> {
        let sources = match sources {
            Ok(sources) => sources,
            Err(error) => {
                let Refusal(reason) = error.downcast::<Refusal>()?;
                return self.refuse(lab, &reason, None, wishes);
            }
        };
        let workshop = self.workshop(lab.arch)?;
        let kernel = match workshop.builder.build(&sources)? {
            Built::Kernel(kernel) => image::with_symbol_table(kernel)?,
            Built::Failed(reason, words) => return self.refuse(lab, &reason, Some(&words), wishes),
        };
        let temporary;
        let folder = if let Some(folder) = keep {
            let created = std::fs::create_dir(folder);
            created.with_context(|| format!("cannot create {}", folder.display()))?;
            folder
        } else {
            // On the file system that has the trusted disk, which is linked to.
            temporary = TempDir::new_in(self.layout.lab_target())?;
            temporary.path()
        };
        let workshop = self.workshop(lab.arch)?;
        write_whole(&folder.join("kernel.elf"), &kernel)?;
        workshop.trusted.place(&lab.name, folder)?;
        grader::verdict(&self.grader, lab, &Subject::Images(folder), wishes)
    }

    fn refuse(
        &self,
        lab: &Lab,
        reason: &str,
        words: Option<&str>,
        wishes: &Wishes,
    ) -> Result<Verdict> {
        let subject = Subject::Refused(reason, words);
        grader::verdict(&self.grader, lab, &subject, wishes)
    }

    fn workshop(&mut self, arch: Arch) -> Result<&Workshop> {
        Ok(match self.workshops.entry(arch) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(place) => place.insert(Workshop {
                trusted: Trusted::build(self.layout, &self.clean, self.labs, arch)?,
                builder: Builder::new(self.layout, &self.clean, arch)?,
            }),
        })
    }
}
