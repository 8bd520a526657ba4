//! `cargo xtask image`: makes `images/<arch>/` of the built guest: `kernel.elf`, `fs.img`,
//! `manifest.toml`, and under `symbols/` the programs with their symbols.
//!
//! The emulator finds the images there; nothing else passes between the two. The same input gives
//! the same bytes in any folder on any host: no clock, no host paths, no order of a hash map.

mod disk;
mod manifest;
mod recipe;
mod strip;

pub use disk::with_symbol_table;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::guest::{self, Guest};
use crate::layout::{ARCH, Layout, write_whole};
use crate::process::progress;
use manifest::{Manifest, sha256};
use recipe::Recipe;

/// Options of the subcommand.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Where the images go instead of images/
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Files in the folder of an architecture's images.
const KERNEL: &str = "kernel.elf";
const DISK: &str = "fs.img";
const MANIFEST: &str = "manifest.toml";
const SYMBOLS: &str = "symbols";
/// Hash of everything that the images were made of, to see when they have to be made again.
const INPUTS: &str = ".inputs";

/// The subcommand.
pub fn run(layout: &Layout, options: &Options) -> Result<()> {
    let guest = guest::build(layout, &guest::Options::default())?;
    let out = options.out.clone().unwrap_or_else(|| layout.images());
    build(layout, &guest, &out)?;
    progress(format!("images are in {}", out.join(ARCH).display()));
    Ok(())
}

/// What the images are made of.
struct Inputs {
    recipe: Recipe,
    /// Contents of the recipe's files, in its order.
    files: Vec<Vec<u8>>,
    kernel: Vec<u8>,
    /// Name and ELF file of each program, with symbols.
    programs: Vec<(String, Vec<u8>)>,
}

/// Makes the images of `guest` under `out` unless they are there already.
pub fn build(layout: &Layout, guest: &Guest, out: &Path) -> Result<()> {
    let inputs = Inputs::read(layout, guest)?;
    let folder = out.join(ARCH);
    let stamp = inputs.stamp(guest)?;
    let made = [KERNEL, DISK, MANIFEST]
        .iter()
        .all(|name| folder.join(name).is_file());
    if made && std::fs::read_to_string(folder.join(INPUTS)).is_ok_and(|old| old == stamp) {
        return Ok(());
    }
    progress("images");
    let kernel = disk::with_symbol_table(inputs.kernel)?;
    let mut stripped = Vec::new();
    for (name, elf) in &inputs.programs {
        stripped.push((
            name.clone(),
            strip::strip(elf).with_context(|| format!("program {name}"))?,
        ));
    }
    let image = disk::make(&inputs.recipe, &inputs.files, &stripped)?;

    let mut manifest = Manifest::new(ARCH, &guest.compilers);
    manifest.file("[kernel]", KERNEL, &kernel);
    manifest.file("[disk]", DISK, &image);
    stripped
        .iter()
        .for_each(|(name, bytes)| manifest.file("[[program]]", name, bytes));

    // The stamp goes first and comes last: a build that is broken off is made again.
    let _ = std::fs::remove_file(folder.join(INPUTS));
    write_whole(&folder.join(KERNEL), &kernel)?;
    write_sparse(&folder.join(DISK), &image)?;
    write_symbols(&folder.join(SYMBOLS), &inputs.programs)?;
    write_whole(&folder.join(MANIFEST), manifest.text().as_bytes())?;
    write_whole(&folder.join(INPUTS), stamp.as_bytes())
}

impl Inputs {
    fn read(layout: &Layout, guest: &Guest) -> Result<Self> {
        let path = layout.images().join(format!("{ARCH}.toml"));
        let recipe = Recipe::read(&path)?;
        let mut files = Vec::new();
        for file in &recipe.file {
            files.push(read(&path.with_file_name(&file.from))?);
        }
        let mut programs = Vec::new();
        for (name, path) in &guest.programs {
            programs.push((name.clone(), read(path)?));
        }
        Ok(Self {
            recipe,
            files,
            kernel: read(&guest.kernel)?,
            programs,
        })
    }

    /// A hash that changes when the images would: of the input, and of this program's age, because
    /// it holds the file system that writes the disk.
    fn stamp(&self, guest: &Guest) -> Result<String> {
        let own = std::env::current_exe()?.metadata()?;
        let mut text = format!(
            "{:?} {} {:?} {:?}",
            own.modified()?,
            own.len(),
            self.recipe,
            guest.compilers
        );
        for bytes in self.files.iter().chain([&self.kernel]) {
            text += &sha256(bytes);
        }
        for (name, bytes) in &self.programs {
            text += &format!("{name} {}", sha256(bytes));
        }
        Ok(sha256(text.as_bytes()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Makes the disk at `path` alone, by the recipe in the checkout `layout`, with `programs` on it.
pub fn write_disk(layout: &Layout, programs: &[(String, PathBuf)], path: &Path) -> Result<()> {
    let recipe_path = layout.images().join(format!("{ARCH}.toml"));
    let recipe = Recipe::read(&recipe_path)?;
    let files = recipe.file.iter();
    let files = files.map(|file| read(&recipe_path.with_file_name(&file.from)));
    let files: Vec<Vec<u8>> = files.collect::<Result<_>>()?;
    let programs = programs.iter();
    let programs = programs.map(|(name, elf)| Ok((name.clone(), stripped(elf)?)));
    let programs: Vec<(String, Vec<u8>)> = programs.collect::<Result<_>>()?;
    write_sparse(path, &disk::make(&recipe, &files, &programs)?)
}

/// The program at `path` without its symbols.
pub fn stripped(path: &Path) -> Result<Vec<u8>> {
    strip::strip(&read(path)?).with_context(|| path.display().to_string())
}

/// Writes `bytes` whole like [`write_whole`], leaving holes where they are zero.
fn write_sparse(path: &Path, bytes: &[u8]) -> Result<()> {
    const BLOCK: usize = 4096;
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&part)?;
        file.set_len(bytes.len() as u64)?;
        for (index, block) in bytes.chunks(BLOCK).enumerate() {
            if block.iter().any(|&byte| byte != 0) {
                file.seek(SeekFrom::Start((index * BLOCK) as u64))?;
                file.write_all(block)?;
            }
        }
        std::fs::rename(&part, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Replaces the folder of unstripped programs; those that are no longer built go.
fn write_symbols(folder: &Path, programs: &[(String, Vec<u8>)]) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    for (name, bytes) in programs {
        write_whole(&folder.join(name), bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparse_file_reads_like_what_was_written() {
        let path = std::env::temp_dir().join(format!("xtask-sparse-{}", std::process::id()));
        let mut bytes = vec![0; 1 << 20];
        bytes[5000] = 1;
        bytes[(1 << 20) - 1] = 2;
        write_sparse(&path, &bytes).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        std::fs::remove_file(&path).unwrap();
    }
}
