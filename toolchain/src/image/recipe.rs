//! What goes onto a disk: `images/disk.toml`, read and checked.
//!
//! Key type: [`Recipe`]. The disk's maker ([`super::disk`]) works through it from top to bottom.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// A whole recipe.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    pub disk: Disk,
    pub programs: Programs,
    #[serde(default)]
    pub directory: Vec<Directory>,
    #[serde(default)]
    pub file: Vec<File>,
    #[serde(default)]
    pub symlink: Vec<Symlink>,
}

/// The empty file system.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    pub size_mib: u64,
    pub inodes: u32,
    /// Seconds since 1970, for every timestamp.
    pub time: i64,
}

/// Where the guest's programs go.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programs {
    pub into: String,
    pub mode: u32,
}

/// A folder; its parent has to come before it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    pub path: String,
    pub mode: u32,
}

/// A file copied from the checkout.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub path: String,
    /// The host's file, relative to the recipe.
    pub from: String,
    pub mode: u32,
}

/// A symbolic link.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Symlink {
    pub path: String,
    pub target: String,
}

impl Recipe {
    /// Reads the recipe at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Self> {
        let recipe: Self = toml::from_str(text)?;
        let directories = recipe.directory.iter().map(|entry| &entry.path);
        let files = recipe.file.iter().map(|entry| &entry.path);
        let links = recipe.symlink.iter().map(|entry| &entry.path);
        for path in directories
            .chain(files)
            .chain(links)
            .chain([&recipe.programs.into])
        {
            let sound = path.starts_with('/') && path.len() > 1;
            if !sound
                || path[1..]
                    .split('/')
                    .any(|name| matches!(name, "" | "." | ".."))
            {
                bail!("`{path}` is not an absolute path without `.` and `..`");
            }
        }
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "[disk]\nsize_mib = 8\ninodes = 64\ntime = 0\n[programs]\ninto = \"/bin\"\nmode = 0o755\n";

    #[test]
    fn the_recipe_in_the_checkout_is_sound() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images/disk.toml");
        let recipe = Recipe::read(&path).unwrap();
        for file in &recipe.file {
            assert!(
                path.with_file_name(&file.from).is_file(),
                "{} is missing",
                file.from
            );
        }
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let text = format!("{HEAD}[[file]]\npath = \"/a\"\nfrom = \"a\"\nmod = 0o644\n");
        assert!(Recipe::parse(&text).is_err());
    }

    #[test]
    fn a_path_that_leaves_the_disk_is_refused() {
        for path in ["bin", "/", "/../etc", "/a//b"] {
            let text = format!("{HEAD}[[directory]]\npath = \"{path}\"\nmode = 0o755\n");
            assert!(Recipe::parse(&text).is_err(), "{path}");
        }
    }
}
