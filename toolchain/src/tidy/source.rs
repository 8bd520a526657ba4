//! The checkout as the rules see it: [`Source`] files with their code apart from their words, and
//! the [`Manifest`] of each package.
//!
//! `code` is the text with comments, strings and character literals blanked and every line in its
//! place, so a rule may search it for words without being fooled by prose.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::blank::blank;
use crate::layout::Layout;
use crate::process::capture;

/// Folders whose Rust files are checked.
const FOLDERS: [&str; 4] = ["emulator", "guest-os", "tests", "toolchain"];

/// Everything the rules look at.
#[derive(Default)]
pub struct Tree {
    /// All Rust files, sorted by path.
    pub sources: Vec<Source>,
    /// All packages, sorted by folder.
    pub manifests: Vec<Manifest>,
    /// Name, version and licence expression of every package that comes from outside.
    pub foreign: Vec<Foreign>,
    /// `toolchain/licences.toml`.
    pub licences: String,
}

/// One Rust file.
pub struct Source {
    /// Path from the root of the checkout, with `/`.
    pub path: String,
    /// The file as it is.
    pub text: String,
    /// The file without comments and literals, line for line.
    pub code: String,
}

/// One package of ours.
pub struct Manifest {
    /// Path of its Cargo.toml.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Names of everything it depends on, in any way, and the line that says so.
    pub dependencies: BTreeMap<String, usize>,
}

/// One package of somebody else.
pub struct Foreign {
    pub name: String,
    pub version: String,
    pub licence: Option<String>,
}

/// Something to mend.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    /// `line` counts from 1.
    pub fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_string(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

impl Tree {
    /// Reads the checkout.
    pub fn read(layout: &Layout) -> Result<Self> {
        let mut tree = Self::default();
        for folder in FOLDERS {
            tree.walk(&layout.root, folder)?;
        }
        tree.sources.sort_by(|a, b| a.path.cmp(&b.path));
        tree.manifests.sort_by(|a, b| a.path.cmp(&b.path));
        for workspace in [layout.root.clone(), layout.guest_os()] {
            tree.foreign.extend(foreign_packages(&workspace)?);
        }
        tree.licences = std::fs::read_to_string(layout.root.join("toolchain/licences.toml"))
            .context("cannot read toolchain/licences.toml")?;
        Ok(tree)
    }

    fn walk(&mut self, root: &Path, folder: &str) -> Result<()> {
        let path = root.join(folder);
        let entries =
            std::fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{folder}/{name}");
            if entry.file_type()?.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    self.walk(root, &path)?;
                }
            } else if name.ends_with(".rs") {
                self.sources
                    .push(Source::new(&path, std::fs::read_to_string(entry.path())?));
            } else if name == "Cargo.toml" {
                self.manifests.extend(Manifest::parse(
                    &path,
                    &std::fs::read_to_string(entry.path())?,
                )?);
            }
        }
        Ok(())
    }

    /// A tree of one file, for the rules' tests.
    #[cfg(test)]
    pub fn of(path: &str, text: &str) -> Self {
        Self {
            sources: vec![Source::new(path, text.to_string())],
            ..Self::default()
        }
    }
}

impl Source {
    /// The file at `path` with that `text`.
    pub fn new(path: &str, text: String) -> Self {
        let code = blank(&text);
        Self {
            path: path.to_string(),
            text,
            code,
        }
    }

    /// The code, line for line, without the tests at the foot of the file.
    pub fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code_lines()
            .take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"))
    }

    /// The code, line for line; lines count from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }
}

impl Manifest {
    /// `None` for a manifest without a package, which only opens a workspace.
    fn parse(path: &str, text: &str) -> Result<Option<Self>> {
        let table: toml::Table = text.parse().with_context(|| path.to_string())?;
        let name = table
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(|name| name.as_str());
        let Some(name) = name else { return Ok(None) };
        let mut dependencies = BTreeMap::new();
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let named = table
                .get(kind)
                .and_then(|kind| kind.as_table())
                .into_iter()
                .flatten();
            for (name, _) in named {
                let line = text
                    .lines()
                    .position(|line| line.starts_with(name.as_str()));
                dependencies.insert(name.clone(), line.map_or(1, |line| line + 1));
            }
        }
        Ok(Some(Self {
            path: path.to_string(),
            name: name.to_string(),
            dependencies,
        }))
    }
}

fn foreign_packages(workspace: &Path) -> Result<Vec<Foreign>> {
    let mut command = Command::new("cargo");
    command
        .current_dir(workspace)
        .args(["metadata", "--format-version", "1"]);
    let text = capture(&mut command, "cargo metadata")?;
    let value: serde_json::Value =
        serde_json::from_str(&text).context("cargo metadata printed something unexpected")?;
    let packages = value["packages"].as_array().into_iter().flatten();
    let foreign = packages.filter(|package| package["source"].is_string());
    let text = |value: &serde_json::Value| value.as_str().map(str::to_string);
    Ok(foreign
        .map(|package| Foreign {
            name: text(&package["name"]).unwrap_or_default(),
            version: text(&package["version"]).unwrap_or_default(),
            licence: text(&package["license"]),
        })
        .collect())
}

/// The identifiers of a line of code.
pub fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
}

/// The names that follow `first::` anywhere in the code, those in braces included, each with its
/// line: `use first::{a::b, c};` gives `a` and `c`.
pub fn names_after(code: &str, first: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let pattern = format!("{first}::");
    for (at, _) in code.match_indices(&pattern) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let start = at + pattern.len();
        let mut depth = 0;
        let mut name = String::new();
        // A path's first name is wanted once: at the start, and after each comma of the outer braces.
        let mut wanted = true;
        for (offset, c) in code[start..].char_indices() {
            if wanted && (c.is_alphanumeric() || c == '_') {
                name.push(c);
                continue;
            }
            if !name.is_empty() {
                let line = code[..start + offset].matches('\n').count() + 1;
                found.push((line, std::mem::take(&mut name)));
                wanted = false;
            }
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => wanted = true,
                _ if c.is_whitespace() => {}
                _ if depth == 0 => break,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        if !name.is_empty() {
            found.push((code.matches('\n').count() + 1, name));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_names_of_paths_are_found_in_and_out_of_braces() {
        let code =
            "use crate::{trace::{x, y}, fault,\n cli};\nlet a = crate::disk::put();\nmycrate::no";
        let names = names_after(code, "crate");
        let names: Vec<(usize, &str)> = names
            .iter()
            .map(|(line, name)| (*line, name.as_str()))
            .collect();
        assert_eq!(names, [(1, "trace"), (1, "fault"), (2, "cli"), (3, "disk")]);
    }

    #[test]
    fn dependencies_of_every_kind_are_listed_with_their_lines() {
        let text = "[package]\nname = \"p\"\n[dependencies]\na = \"1\"\n[dev-dependencies]\nb.workspace = true\n";
        let manifest = Manifest::parse("p/Cargo.toml", text).unwrap().unwrap();
        assert_eq!(
            manifest.dependencies,
            BTreeMap::from([("a".to_string(), 4), ("b".to_string(), 6)])
        );
        assert!(
            Manifest::parse("Cargo.toml", "[workspace]\n")
                .unwrap()
                .is_none()
        );
    }
}
