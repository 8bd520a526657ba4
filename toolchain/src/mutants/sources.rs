//! The guest's sources in memory: what a patch is applied to and what a build is written from.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use diffy::patch_set::{FileOperation, ParseOptions, PatchKind, PatchSet};

use crate::process::capture;

/// Files by name, relative to the repository.
pub type Sources = BTreeMap<String, Vec<u8>>;

/// The guest's sources as they lie in the checkout at `root`, without what git does not know.
pub fn clean(root: &Path) -> Result<Sources> {
    let mut command = Command::new("git");
    command
        .current_dir(root)
        .args(["ls-files", "-z", "--", "guest-os"]);
    let names = capture(&mut command, "listing the guest's sources")?;
    let names = names.split_terminator('\0');
    names
        .map(|name| {
            let bytes = std::fs::read(root.join(name));
            let bytes = bytes.with_context(|| format!("cannot read {name}"))?;
            Ok((name.to_string(), bytes))
        })
        .collect()
}

/// `sources` with a unified diff applied, which may only change files.
pub fn apply(sources: &Sources, diff: &str) -> Result<Sources> {
    let mut changed = sources.clone();
    for patch in PatchSet::parse(diff, ParseOptions::unidiff()) {
        let patch = patch.context("the patch is not a unified diff")?;
        let (FileOperation::Modify { modified, .. }, PatchKind::Text(hunks)) =
            (patch.operation(), patch.patch())
        else {
            bail!("the patch does more than change text");
        };
        let name = modified.strip_prefix("b/").unwrap_or(modified);
        let old = changed
            .get(name)
            .with_context(|| format!("there is no {name}"))?;
        let new = diffy::apply(str::from_utf8(old)?, hunks)
            .with_context(|| format!("the patch does not apply to {name}"))?;
        changed.insert(name.to_string(), new.into_bytes());
    }
    if changed == *sources {
        bail!("the patch changes nothing");
    }
    Ok(changed)
}

/// Writes `sources` below `folder`. A file with the same bytes keeps its time, so that cargo builds
/// again only what has changed.
pub fn write_to(sources: &Sources, folder: &Path) -> Result<()> {
    for (name, bytes) in sources {
        let path = folder.join(name);
        if std::fs::read(&path).is_ok_and(|old| old == *bytes) {
            continue;
        }
        let parent = path.parent().context("a file needs a folder")?;
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, bytes));
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        let files = [("guest-os/a.rs", "one\ntwo\n"), ("guest-os/b.rs", "bee\n")];
        let files = files.map(|(name, text)| (name.to_string(), text.as_bytes().to_vec()));
        files.into()
    }

    const NAMES: &str = "--- a/guest-os/a.rs\n+++ b/guest-os/a.rs\n";

    #[test]
    fn a_patch_changes_the_file_it_names_and_no_other() {
        let diff = format!("{NAMES}@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
        let mut expected = sources();
        expected.insert("guest-os/a.rs".into(), b"one\n2\n".to_vec());
        assert_eq!(apply(&sources(), &diff).unwrap(), expected);
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused() {
        for diff in [
            format!("{NAMES}@@ -1,2 +1,2 @@\n one\n-three\n+2\n"),
            NAMES.replace("a.rs", "c.rs") + "@@ -1 +1 @@\n-one\n+1\n",
            "--- /dev/null\n+++ b/guest-os/c.rs\n@@ -0,0 +1 @@\n+new\n".into(),
            format!("{NAMES}@@ -1,2 +1,2 @@\n one\n-two\n+two\n"),
            String::new(),
        ] {
            assert!(apply(&sources(), &diff).is_err(), "{diff}");
        }
    }
}
