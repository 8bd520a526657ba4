//! What a student hands in: a unified diff (git's or plain), or a folder of files laid out as in the
//! repository.
//!
//! Key type: [`Submission`]. Everything in it is hostile until [`Submission::apply`] has let it pass:
//! its paths are checked by [`Scope`], its text by [`constructs`].

use std::path::Path;

use anyhow::{Context, Result};
use diffy::patch_set::{FileOperation, ParseOptions, PatchKind, PatchSet};

use super::constructs;
use super::refusal::Refusal;
use super::scope::Scope;
use super::tree::Tree;

/// Bytes of the longest submission, and of the longest file that one may make.
const LONGEST: usize = 4 << 20;

/// A submission as it was read.
#[derive(Debug)]
pub enum Submission {
    /// A unified diff.
    Diff(String),
    /// Whole files.
    Files(Tree),
}

impl Submission {
    /// Reads the file or folder at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let facts = std::fs::metadata(path);
        let facts = facts.with_context(|| format!("cannot read {}", path.display()))?;
        if facts.is_dir() {
            let skip = |name: &str| matches!(name, ".git" | "target");
            let tree = Tree::of_folder(path, &skip);
            return tree
                .map(Self::Files)
                .map_err(|error| Refusal::error(format!("{error:#}")));
        }
        if facts.len() > LONGEST as u64 {
            return Err(Refusal::error("the patch is longer than 4 MiB"));
        }
        let bytes = std::fs::read(path);
        let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::Diff(text)),
            Err(_) => Err(Refusal::error("the patch is binary, not text")),
        }
    }

    /// The sources with the submission in them, or why it is refused. A file of a folder that is
    /// the same as the lab's counts as not handed in.
    pub fn apply(&self, sources: &Tree, scope: &Scope) -> Result<Tree> {
        let changes = match self {
            Self::Diff(text) => changes(text, sources)?,
            Self::Files(tree) => {
                let files = tree.files.iter();
                let files = files.filter(|(name, bytes)| sources.files.get(*name) != Some(*bytes));
                files
                    .map(|(name, bytes)| (name.clone(), Some(bytes.clone())))
                    .collect()
            }
        };
        if changes.is_empty() {
            return Err(Refusal::error("the submission changes nothing"));
        }
        let mut tree = sources.clone();
        for (name, bytes) in changes {
            scope.check(&name)?;
            let Some(bytes) = bytes else {
                tree.files.remove(&name);
                continue;
            };
            if bytes.len() > LONGEST {
                return Err(Refusal::error(format!("{name} is longer than 4 MiB")));
            }
            let Ok(text) = str::from_utf8(&bytes) else {
                return Err(Refusal::error(format!("{name} is binary, not text")));
            };
            let before = sources.files.get(&name).map_or(&[][..], Vec::as_slice);
            constructs::check(&name, &String::from_utf8_lossy(before), text)?;
            tree.files.insert(name, bytes);
        }
        Ok(tree)
    }
}

/// A lab's own patch applied: it is trusted, so nothing is closed to it.
pub fn apply_trusted(sources: &Tree, diff: &str) -> Result<Tree> {
    let mut tree = sources.clone();
    for (name, bytes) in changes(diff, sources)? {
        match bytes {
            Some(bytes) => tree.files.insert(name, bytes),
            None => tree.files.remove(&name),
        };
    }
    Ok(tree)
}

/// Path and new contents (`None`: deleted) of each file that `diff` changes, in its order.
type Changes = Vec<(String, Option<Vec<u8>>)>;

fn changes(diff: &str, sources: &Tree) -> Result<Changes> {
    let is_gits = diff.lines().any(|line| line.starts_with("diff --git "));
    let options = match is_gits {
        true => ParseOptions::gitdiff(),
        false => ParseOptions::unidiff(),
    };
    let mut changes: Changes = Vec::new();
    for patch in PatchSet::parse(diff, options) {
        let patch = patch
            .map_err(|error| Refusal::error(format!("the patch is not a unified diff: {error}")))?;
        let name = changed_path(patch.operation())?;
        if patch.old_mode().is_some() && patch.operation().is_modify()
            || patch.new_mode().is_some_and(|mode| !is_plain(mode))
        {
            return Err(Refusal::error(format!(
                "{name}: the patch changes a mode or makes a link"
            )));
        }
        let PatchKind::Text(hunks) = patch.patch() else {
            return Err(Refusal::error(format!("{name}: the patch is binary")));
        };
        if changes.iter().any(|(earlier, _)| *earlier == name) {
            return Err(Refusal::error(format!("{name} appears twice in the patch")));
        }
        let old = sources.files.get(&name);
        if patch.operation().is_create() && old.is_some() {
            return Err(Refusal::error(format!(
                "{name} cannot be created: it exists"
            )));
        }
        if !patch.operation().is_create() && old.is_none() {
            return Err(Refusal::error(format!(
                "{name} cannot be changed: there is no such file"
            )));
        }
        let old = old.map_or(&[][..], Vec::as_slice);
        let old = str::from_utf8(old).map_err(|_| Refusal::error(format!("{name} is not text")))?;
        let new = diffy::apply(old, hunks).map_err(|error| {
            Refusal::error(format!("{name}: the patch does not apply ({error})"))
        })?;
        let new = (!patch.operation().is_delete()).then(|| new.into_bytes());
        changes.push((name, new));
    }
    if changes.is_empty() {
        return Err(Refusal::error(
            "the patch holds no change: a unified diff is wanted",
        ));
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
            Err(Refusal::error(format!(
                "{old} is renamed to {new}: hand in changes only"
            )))
        }
        FileOperation::Rename { from, to } | FileOperation::Copy { from, to } => {
            let reason = format!("{from} is renamed or copied to {to}: hand in changes only");
            Err(Refusal::error(reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Tree {
        let files = [
            ("guest-os/kcore/src/a.rs", "one\ntwo\nthree\n"),
            ("guest-os/kcore/src/b.rs", "// bee\n"),
            ("guest-os/kernel/src/closed.rs", "closed\n"),
        ];
        let files = files.map(|(name, text)| (name.to_string(), text.as_bytes().to_vec()));
        Tree {
            files: files.into(),
        }
    }

    fn applied(diff: &str) -> Result<Tree> {
        let scope = Scope::new(&["guest-os/kcore/**".to_string()]).unwrap();
        Submission::Diff(diff.to_string()).apply(&sources(), &scope)
    }

    fn text(tree: &Tree, name: &str) -> String {
        String::from_utf8(tree.files[name].clone()).unwrap()
    }

    const HUNK: &str = "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";

    #[test]
    fn gits_diffs_and_plain_ones_apply() {
        let names = "--- a/guest-os/kcore/src/a.rs\n+++ b/guest-os/kcore/src/a.rs\n";
        let git = format!(
            "diff --git a/guest-os/kcore/src/a.rs b/guest-os/kcore/src/a.rs\nindex 1..2 100644\n{names}{HUNK}"
        );
        let bare = format!(
            "--- guest-os/kcore/src/a.rs\t2026-01-01\n+++ guest-os/kcore/src/a.rs\t2026-01-02\n{HUNK}"
        );
        for diff in [git, format!("{names}{HUNK}"), bare] {
            let tree = applied(&diff).unwrap();
            assert_eq!(
                text(&tree, "guest-os/kcore/src/a.rs"),
                "one\n2\nthree\n",
                "{diff}"
            );
        }
    }

    #[test]
    fn files_are_created_and_deleted() {
        let diff = "diff --git a/guest-os/kcore/src/c.rs b/guest-os/kcore/src/c.rs\nnew file mode 100644\n--- /dev/null\n+++ b/guest-os/kcore/src/c.rs\n@@ -0,0 +1 @@\n+// new\ndiff --git a/guest-os/kcore/src/b.rs b/guest-os/kcore/src/b.rs\ndeleted file mode 100644\n--- a/guest-os/kcore/src/b.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-// bee\n";
        let tree = applied(diff).unwrap();
        assert_eq!(text(&tree, "guest-os/kcore/src/c.rs"), "// new\n");
        assert!(!tree.files.contains_key("guest-os/kcore/src/b.rs"));
    }

    #[test]
    fn what_is_no_change_of_open_text_is_refused_in_one_line() {
        let header = |path: &str| format!("diff --git a/{path} b/{path}\n");
        let open = header("guest-os/kcore/src/a.rs");
        let names = |path: &str| format!("--- a/{path}\n+++ b/{path}\n");
        for (diff, reason) in [
            (String::new(), "not a unified diff"),
            ("rubbish\n".into(), "not a unified diff"),
            (
                format!(
                    "{}@@ -1 +1 @@\n-nine\n+2\n",
                    names("guest-os/kcore/src/a.rs")
                ),
                "does not apply",
            ),
            (
                format!(
                    "{}@@ -1,3 +1,3 @@\n one\n",
                    names("guest-os/kcore/src/a.rs")
                ),
                "not a unified diff",
            ),
            (
                format!(
                    "{}@@ -1 +1 @@\n-closed\n+2\n",
                    names("guest-os/kernel/src/closed.rs")
                ),
                "is not open",
            ),
            (
                format!("{}{HUNK}", names("guest-os/kcore/src/zzz.rs")),
                "no such file",
            ),
            (
                "--- /dev/null\n+++ b/../../etc/cron.rs\n@@ -0,0 +1 @@\n+x\n".into(),
                "inside the repository",
            ),
            (
                "--- /dev/null\n+++ /etc/cron.rs\n@@ -0,0 +1 @@\n+x\n".into(),
                "inside the repository",
            ),
            (
                "--- /dev/null\n+++ b/guest-os/kcore/build.rs\n@@ -0,0 +1 @@\n+x\n".into(),
                "is closed",
            ),
            (
                "--- /dev/null\n+++ b/guest-os/kcore/Cargo.toml\n@@ -0,0 +1 @@\n+x\n".into(),
                "is closed",
            ),
            (
                format!(
                    "{open}Binary files a/guest-os/kcore/src/a.rs and b/guest-os/kcore/src/a.rs differ\n"
                ),
                "binary",
            ),
            (
                format!(
                    "{open}similarity index 100%\nrename from guest-os/kcore/src/a.rs\nrename to guest-os/kcore/src/d.rs\n"
                ),
                "renamed",
            ),
            (format!("{open}old mode 100644\nnew mode 100755\n"), "mode"),
            (
                format!(
                    "{}new file mode 120000\n--- /dev/null\n+++ b/guest-os/kcore/src/l.rs\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n",
                    header("guest-os/kcore/src/l.rs")
                ),
                "makes a link",
            ),
        ] {
            let said = applied(&diff).unwrap_err();
            assert!(said.is::<Refusal>(), "{said:#}");
            let said = said.to_string();
            assert!(
                said.contains(reason) && !said.contains('\n'),
                "{said:?} is not about {reason}"
            );
        }
    }

    #[test]
    fn a_folder_counts_only_what_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = sources();
        let changed = "guest-os/kcore/src/b.rs".to_string();
        tree.files.insert(changed.clone(), b"// wasp\n".to_vec());
        tree.write_to(folder.path()).unwrap();
        let scope = Scope::new(&["guest-os/kcore/**".to_string()]).unwrap();
        let submission = Submission::read(folder.path()).unwrap();
        let applied = submission.apply(&sources(), &scope).unwrap();
        assert_eq!(text(&applied, &changed), "// wasp\n");

        tree.files
            .insert("guest-os/kernel/src/closed.rs".into(), b"open\n".to_vec());
        tree.write_to(folder.path()).unwrap();
        let submission = Submission::read(folder.path()).unwrap();
        let refused = submission.apply(&sources(), &scope).unwrap_err();
        assert!(refused.to_string().contains("is not open"), "{refused}");
    }

    #[test]
    fn a_folder_with_a_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("a.rs")).unwrap();
        assert!(Submission::read(folder.path()).unwrap_err().is::<Refusal>());
    }
}
