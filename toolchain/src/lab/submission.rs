//! What a student hands in: a unified diff (git's or plain), or a folder of files laid out as in the
//! repository.
//!
//! Key type: [`Submission`]. Everything in it is hostile until [`Submission::apply`] has let it pass:
//! its paths are checked by [`Scope`], its text by [`constructs`].

use std::path::Path;

use anyhow::{Context, Result};

use super::constructs;
use super::refusal::Refusal;
use super::scope::Scope;
use crate::sources::{Tree, patch};

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
            Self::Diff(text) => patch::changes(text, sources, &|name| scope.check(name))
                .map_err(|error| Refusal::error(format!("{error:#}")))?,
            Self::Files(tree) => {
                let files = tree.files.iter();
                let files = files.filter(|(name, bytes)| sources.files.get(*name) != Some(*bytes));
                let open = files.map(|(name, bytes)| {
                    scope.check(name)?;
                    Ok((name.clone(), Some(bytes.clone())))
                });
                open.collect::<Result<patch::Changes>>()?
            }
        };
        if changes.is_empty() {
            return Err(Refusal::error("the submission changes nothing"));
        }
        let mut tree = sources.clone();
        for (name, bytes) in changes {
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

    #[test]
    fn what_does_not_fit_or_is_closed_is_refused_in_one_line() {
        let names = |path: &str| format!("--- a/{path}\n+++ b/{path}\n");
        let unfit = names("guest-os/kcore/src/a.rs") + "@@ -1 +1 @@\n-nine\n+2\n";
        let closed = names("guest-os/kernel/src/closed.rs") + "@@ -1 +1 @@\n-closed\n+2\n";
        let new = |path: &str| format!("--- /dev/null\n+++ {path}\n@@ -0,0 +1 @@\n+x\n");
        for (diff, reason) in [
            (unfit, "does not apply"),
            (closed, "is not open"),
            (new("b/../../etc/cron.rs"), "inside the repository"),
            (new("/etc/cron.rs"), "inside the repository"),
            (new("b/guest-os/kcore/build.rs"), "is closed"),
            (new("b/guest-os/kcore/Cargo.toml"), "is closed"),
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
