//! Unified diffs, git's or plain, applied to a [`Tree`].

use anyhow::{Context, Result, bail};
use diffy::patch_set::{FileOperation, ParseOptions, PatchKind, PatchSet};

use super::Tree;

/// `sources` with a patch of the house applied: nothing is closed to it.
pub fn apply(sources: &Tree, diff: &str) -> Result<Tree> {
    let mut tree = sources.clone();
    for (name, bytes) in changes(diff, sources, &|_| Ok(()))? {
        match bytes {
            Some(bytes) => tree.files.insert(name, bytes),
            None => tree.files.remove(&name),
        };
    }
    Ok(tree)
}

/// Path and new contents (`None`: deleted) of each file that a patch changes, in its order.
pub type Changes = Vec<(String, Option<Vec<u8>>)>;

/// What `diff` would change in `sources`, if `check` lets the paths pass; an error, in one line, if it does
/// not, or if the diff does not fit or does more than change, create and delete text files.
pub fn changes(diff: &str, sources: &Tree, check: &dyn Fn(&str) -> Result<()>) -> Result<Changes> {
    let is_gits = diff.lines().any(|line| line.starts_with("diff --git "));
    let options = match is_gits {
        true => ParseOptions::gitdiff(),
        false => ParseOptions::unidiff(),
    };
    let mut changes: Changes = Vec::new();
    for patch in PatchSet::parse(diff, options) {
        let patch = patch.context("the patch is not a unified diff")?;
        let name = changed_path(patch.operation())?;
        check(&name)?;
        if patch.old_mode().is_some() && patch.operation().is_modify()
            || patch.new_mode().is_some_and(|mode| !is_plain(mode))
        {
            bail!("{name}: the patch changes a mode or makes a link");
        }
        let PatchKind::Text(hunks) = patch.patch() else {
            bail!("{name}: the patch is binary");
        };
        if changes.iter().any(|(earlier, _)| *earlier == name) {
            bail!("{name} appears twice in the patch");
        }
        let old = sources.files.get(&name);
        if patch.operation().is_create() && old.is_some() {
            bail!("{name} cannot be created: it exists");
        }
        if !patch.operation().is_create() && old.is_none() {
            bail!("{name} cannot be changed: there is no such file");
        }
        let old = old.map_or(&[][..], Vec::as_slice);
        let Ok(old) = str::from_utf8(old) else {
            bail!("{name} is not text");
        };
        let new = diffy::apply(old, hunks);
        let new = new.with_context(|| format!("{name}: the patch does not apply"))?;
        let new = (!patch.operation().is_delete()).then(|| new.into_bytes());
        changes.push((name, new));
    }
    if changes.is_empty() {
        bail!("the patch holds no change: a unified diff is wanted");
    }
    Ok(changes)
}

fn is_plain(mode: &diffy::patch_set::FileMode) -> bool {
    *mode == diffy::patch_set::FileMode::Regular
}

/// The one path that a change is about, without the `a/` and `b/` of git and of habit.
fn changed_path(operation: &FileOperation<'_, str>) -> Result<String> {
    let plain = |path: &str| {
        let stripped = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/"));
        stripped.unwrap_or(path).to_string()
    };
    match operation {
        FileOperation::Create(path) | FileOperation::Delete(path) => Ok(plain(path)),
        FileOperation::Modify { original, modified } => {
            let (old, new) = (plain(original), plain(modified));
            // `diff -u x.rs.orig x.rs` is a habit too: the new name counts.
            if old == new || old.strip_suffix(".orig") == Some(&new) {
                return Ok(new);
            }
            bail!("{old} is renamed to {new}: a patch changes files only")
        }
        FileOperation::Rename { from, to } | FileOperation::Copy { from, to } => {
            bail!("{from} is renamed or copied to {to}: a patch changes files only")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Tree {
        let files = [("src/a.rs", "one\ntwo\nthree\n"), ("src/b.rs", "// bee\n")];
        let files = files.map(|(name, text)| (name.to_string(), text.as_bytes().to_vec()));
        Tree {
            files: files.into(),
        }
    }

    const PATHS: &str = "--- a/src/a.rs\n+++ b/src/a.rs\n";
    const HUNK: &str = "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";

    #[test]
    fn gits_diffs_and_plain_ones_apply() {
        let mut expected = sources();
        expected
            .files
            .insert("src/a.rs".into(), b"one\n2\nthree\n".to_vec());
        for diff in [
            format!("diff --git a/src/a.rs b/src/a.rs\nindex 1..2 100644\n{PATHS}{HUNK}"),
            format!("{PATHS}{HUNK}"),
            format!("--- src/a.rs\t2026-01-01\n+++ src/a.rs\t2026-01-02\n{HUNK}"),
            format!("--- src/a.rs.orig\n+++ src/a.rs\n{HUNK}"),
        ] {
            assert_eq!(apply(&sources(), &diff).unwrap(), expected, "{diff}");
        }
    }

    #[test]
    fn files_are_created_and_deleted() {
        let diff = "diff --git a/src/c.rs b/src/c.rs\nnew file mode 100644\n--- /dev/null\n+++ b/src/c.rs\n@@ -0,0 +1 @@\n+// new\ndiff --git a/src/b.rs b/src/b.rs\ndeleted file mode 100644\n--- a/src/b.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-// bee\n";
        let tree = apply(&sources(), diff).unwrap();
        assert_eq!(tree.files["src/c.rs"], b"// new\n");
        assert!(!tree.files.contains_key("src/b.rs"));
    }

    #[test]
    fn what_is_no_change_of_text_is_an_error_in_one_line() {
        let git = "diff --git a/src/a.rs b/src/a.rs\n";
        let link = "new file mode 120000\n--- /dev/null\n+++ b/src/l.rs\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n";
        for (diff, reason) in [
            (String::new(), "not a unified diff"),
            ("rubbish\n".into(), "not a unified diff"),
            (
                format!("{PATHS}@@ -1,3 +1,3 @@\n one\n"),
                "not a unified diff",
            ),
            (format!("{PATHS}@@ -1 +1 @@\n-nine\n+2\n"), "does not apply"),
            (format!("{PATHS}{HUNK}{PATHS}{HUNK}"), "appears twice"),
            (PATHS.replace("a.rs", "z.rs") + HUNK, "no such file"),
            (
                "--- /dev/null\n+++ b/src/a.rs\n@@ -0,0 +1 @@\n+x\n".into(),
                "it exists",
            ),
            (
                format!("{git}Binary files a/src/a.rs and b/src/a.rs differ\n"),
                "binary",
            ),
            (
                format!("{git}similarity index 100%\nrename from src/a.rs\nrename to src/d.rs\n"),
                "renamed",
            ),
            (format!("{git}old mode 100644\nnew mode 100755\n"), "mode"),
            (
                format!("diff --git a/src/l.rs b/src/l.rs\n{link}"),
                "makes a link",
            ),
        ] {
            let said = format!("{:#}", apply(&sources(), &diff).unwrap_err());
            assert!(
                said.contains(reason) && !said.contains('\n'),
                "{said:?} is not about {reason}"
            );
        }
    }
}
