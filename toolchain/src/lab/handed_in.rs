//! What was handed in: the submissions that some paths stand for, and a name for each.
//!
//! A name is the path below what all have in common, without its end: `handed-in/ada.patch` is `ada`, and
//! of `handed-in/ada/final.diff` and `handed-in/alan/final.diff` the first is `ada-final`. Students choose the
//! names of their files, so anything but letters, digits, `.`, `-` and `_` becomes `_`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// One submission.
#[derive(Debug, PartialEq, Eq)]
pub struct HandedIn {
    /// Its name: a plain file name.
    pub name: String,
    /// The patch, or a folder of files.
    pub path: PathBuf,
}

/// The submissions that `paths` stand for, in that order.
///
/// # Errors
/// A path cannot be read, or two have the same name.
pub fn all(paths: &[PathBuf]) -> Result<Vec<HandedIn>> {
    let mut found = Vec::new();
    for path in paths {
        let facts = std::fs::metadata(path);
        let facts = facts.with_context(|| format!("cannot read {}", path.display()))?;
        let patches = if facts.is_dir() {
            patches(path)?
        } else {
            Vec::new()
        };
        if patches.is_empty() {
            found.push(path.clone());
        } else {
            found.extend(patches);
        }
    }
    named(found)
}

/// The patches in a folder, by name; none if it is laid out as the repository.
fn patches(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder);
    let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry?.path());
    }
    if paths.iter().any(|path| path.ends_with("guest-os")) {
        return Ok(Vec::new());
    }
    let is_patch = |path: &PathBuf| {
        path.extension()
            .is_some_and(|end| end == "patch" || end == "diff")
    };
    paths.retain(is_patch);
    paths.sort();
    Ok(paths)
}

fn named(paths: Vec<PathBuf>) -> Result<Vec<HandedIn>> {
    let parts: Vec<Vec<OsString>> = paths.iter().map(|path| parts(path)).collect();
    let shared = shared(&parts);
    let mut taken: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut named = Vec::new();
    for (path, parts) in paths.into_iter().zip(parts) {
        let parts: Vec<_> = parts[shared..]
            .iter()
            .map(|part| part.to_string_lossy())
            .collect();
        let name = plain(&parts.join("-"));
        if let Some(other) = taken.insert(name.clone(), path.clone()) {
            let (one, other) = (path.display(), other.display());
            bail!("{other} and {one} would both be called `{name}`: rename one");
        }
        named.push(HandedIn { name, path });
    }
    Ok(named)
}

/// The parts of a path, the last without its end.
fn parts(path: &Path) -> Vec<OsString> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let whole = path.with_extension("");
    whole.iter().map(OsString::from).collect()
}

/// How many parts all begin with; at least one is left of each.
fn shared(all: &[Vec<OsString>]) -> usize {
    let most = all.iter().map(|parts| parts.len().saturating_sub(1)).min();
    let agree = |at: &usize| all.iter().all(|parts| parts[*at] == all[0][*at]);
    (0..most.unwrap_or(0)).take_while(agree).count()
}

fn plain(name: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || "._-".contains(c);
    let plain = name.replace(|c| !fits(c), "_");
    // A spreadsheet takes a leading `-` for a formula, a shell for an option.
    match plain.strip_prefix(['-', '.']) {
        Some(rest) => format!("_{rest}"),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<String> {
        let named = named(paths.iter().map(PathBuf::from).collect()).unwrap();
        named.into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn a_name_is_what_tells_one_from_another() {
        assert_eq!(names(&["in/ada.patch"]), ["ada"]);
        assert_eq!(names(&["in/ada.patch", "in/alan.diff"]), ["ada", "alan"]);
        assert_eq!(
            names(&["in/ada/final.diff", "in/alan/final.diff"]),
            ["ada-final", "alan-final"]
        );
        assert_eq!(names(&["in/ada", "in/ada/deep.diff"]), ["ada", "ada-deep"]);
    }

    #[test]
    fn a_name_is_harmless() {
        let odd = "in/=cmd|' \u{1b}[2J,\".patch";
        assert_eq!(names(&[odd, "in/-rf.patch"]), ["_cmd_____2J__", "_rf"]);
        assert_eq!(names(&["in/..patch"]), ["_."]);
    }

    #[test]
    fn no_two_have_the_same_name() {
        let paths = ["in/ada.patch", "in/ada.diff"].map(PathBuf::from);
        let said = named(paths.to_vec()).unwrap_err().to_string();
        assert!(said.contains("both be called `ada`"), "{said}");
    }

    #[test]
    fn a_folder_of_patches_stands_for_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.diff", "a.patch", "notes.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = all(&[folder.path().to_path_buf()]).unwrap();
        let found: Vec<&str> = found.iter().map(|one| &one.name[..]).collect();
        assert_eq!(found, ["a", "b"]);
        std::fs::create_dir(folder.path().join("guest-os")).unwrap();
        assert_eq!(all(&[folder.path().to_path_buf()]).unwrap().len(), 1);
        let missing = all(&[PathBuf::from("/no/such.patch")]).unwrap_err();
        assert_eq!(missing.to_string(), "cannot read /no/such.patch");
    }
}
