//! What a lab is: the folder `labs/NAME`, and of its `lab.toml` the part that the build needs. The
//! tests in that file are the grader's to read.
//!
//! Key type: [`Lab`].

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use serde::Deserialize;

use super::scope::Scope;
use crate::layout::{Arch, Layout};

/// One lab.
#[derive(Debug)]
pub struct Lab {
    pub folder: PathBuf,
    pub name: String,
    pub title: String,
    pub scope: Scope,
    /// What kernels and programs are built for.
    pub arch: Arch,
}

#[derive(Deserialize)]
struct File {
    lab: Head,
    #[serde(default)]
    machine: Machine,
}

#[derive(Deserialize)]
struct Head {
    name: String,
    title: String,
    open: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Machine {
    arch: Option<String>,
}

impl Lab {
    /// The lab called `name`, or the one in the folder of that path.
    pub fn find(layout: &Layout, name: &str) -> Result<Self> {
        let named = layout.labs().join(name);
        let is_name = !name.is_empty() && !name.contains('/');
        if is_name && named.join("lab.toml").is_file() {
            return Self::read(&named);
        }
        if Path::new(name).join("lab.toml").is_file() {
            return Self::read(Path::new(name));
        }
        let names: Vec<String> = Self::all(layout)?.into_iter().map(|lab| lab.name).collect();
        bail!("there is no lab `{name}`; there are: {}", names.join(", "))
    }

    /// All labs of the checkout, by name.
    pub fn all(layout: &Layout) -> Result<Vec<Self>> {
        let Ok(entries) = std::fs::read_dir(layout.labs()) else {
            return Ok(Vec::new());
        };
        let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        folders.retain(|folder| folder.join("lab.toml").is_file());
        folders.sort();
        folders.iter().map(|folder| Self::read(folder)).collect()
    }

    fn read(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder)?;
        let path = folder.join("lab.toml");
        let parse = || -> Result<Self> {
            let file: File = toml::from_str(&std::fs::read_to_string(&path)?)?;
            let head = file.lab;
            if !is_plain_name(&head.name) {
                bail!("`{}` is no name for a lab", head.name);
            }
            let arch = file.machine.arch.as_deref();
            let arch = arch.map_or(Ok(Arch::default()), |name| {
                Arch::from_str(name, false)
                    .map_err(|_| anyhow!("there is no architecture `{name}`"))
            });
            Ok(Self {
                arch: arch?,
                scope: Scope::new(&head.open)?,
                folder: folder.clone(),
                name: head.name,
                title: head.title,
            })
        };
        parse().with_context(|| path.display().to_string())
    }

    /// The trusted test programs: name and source.
    pub fn programs(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let folder = self.folder.join("programs");
        let mut programs = Vec::new();
        let entries = std::fs::read_dir(&folder);
        for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if path.extension().is_some_and(|end| end == "rs")
                && let Some(name) = name
            {
                programs.push((name.to_string(), std::fs::read(&path)?));
            }
        }
        programs.sort();
        Ok(programs)
    }

    /// The text of one of the lab's patches; a lab without a starter changes nothing.
    pub fn patch(&self, file: &str) -> Result<String> {
        let path = self.folder.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// Whether `name` can be a folder, a program and a word on the command line alike.
pub fn is_plain_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(fits)
}
