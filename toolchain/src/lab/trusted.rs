//! The trusted half of what is judged: the disk and the test programs of all labs, built from the
//! clean sources. They are the same for every submission, and cargo builds again only what changed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::definition::Lab;
use crate::layout::{Arch, Layout, write_whole};
use crate::process::progress;
use crate::sources::Tree;
use crate::{guest, image};

/// The trusted files.
pub struct Trusted {
    disk: PathBuf,
    /// Each lab's programs: lab, name, ELF file.
    programs: Vec<(String, String, PathBuf)>,
}

impl Trusted {
    /// Builds them for `arch` and those of `labs` that are judged on it.
    pub fn build(layout: &Layout, clean: &Tree, labs: &[Lab], arch: Arch) -> Result<Self> {
        let home = layout.lab_target().join("trusted").join(arch.name());
        std::fs::create_dir_all(&home)
            .with_context(|| format!("cannot create {}", home.display()))?;
        let lock = std::fs::File::create(home.join("lock"))?;
        lock.lock()?;

        // A program's name begins with its lab's, so that labs cannot take each other's.
        let mut sources = clean.clone();
        let mut programs = Vec::new();
        for lab in labs.iter().filter(|lab| lab.arch == arch) {
            for (name, text) in lab.programs()? {
                let full = format!("lab-{}-{name}", lab.name);
                let path = format!("guest-os/user/src/bin/{full}.rs");
                sources.files.insert(path, text);
                programs.push((lab.name.clone(), name, full));
            }
        }
        let inside = Layout {
            root: home.join("src"),
            target: home.join("target"),
        };
        sources.write_to(&inside.root)?;
        progress("the trusted disk and programs");
        let built = guest::build_programs(&inside, layout, arch)?;
        let (ours, guests): (Vec<_>, Vec<_>) = built
            .into_iter()
            .partition(|(name, _)| name.starts_with("lab-"));
        let disk = home.join("fs.img");
        image::write_disk(&inside, &guests, &disk)?;
        let mut trusted = Self {
            disk,
            programs: Vec::new(),
        };
        for (lab, name, full) in programs {
            let Some((_, elf)) = ours.iter().find(|(built, _)| *built == full) else {
                bail!("{lab}: the program {name} was not built");
            };
            trusted.programs.push((lab, name, elf.clone()));
        }
        Ok(trusted)
    }

    /// The disk, with the guest's own programs.
    pub fn disk(&self) -> &Path {
        &self.disk
    }

    /// Puts the disk and the programs of `lab` into `folder`, where the grader looks.
    pub fn place(&self, lab: &str, folder: &Path) -> Result<()> {
        let to = folder.join("fs.img");
        // The grader only reads it, so one file does for all; a new one gets another inode.
        std::fs::hard_link(&self.disk, &to)
            .or_else(|_| std::fs::copy(&self.disk, &to).map(drop))
            .with_context(|| format!("cannot write {}", to.display()))?;
        for (owner, name, elf) in &self.programs {
            if owner == lab {
                let bytes = image::stripped(elf)?;
                write_whole(&folder.join("programs").join(name), &bytes)?;
            }
        }
        Ok(())
    }
}
