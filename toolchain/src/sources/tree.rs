//! A set of source files in memory: what a patch is applied to and what a build is written from.
//!
//! Key type: [`Tree`]. Names are relative to the repository and use `/`. Symbolic links and modes
//! are no part of it, so that nothing in a tree can point out of the folder it is written to.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// What the build of the guest needs of the repository.
const PARTS: [&str; 2] = ["guest-os", "images"];

/// Files by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Tree {
    /// The guest's sources as they were last committed, or as they lie there if git does not give
    /// them.
    pub fn clean(root: &Path) -> Result<Self> {
        if !root.join(".git").exists() {
            return Self::lying(root);
        }
        let mut command = Command::new("git");
        command.current_dir(root);
        command
            .args(["ls-tree", "-r", "-z", "HEAD", "--"])
            .args(PARTS);
        // Git refuses a repository of somebody else, for one.
        let listing = match command.output() {
            Ok(listing) if listing.status.success() => listing,
            _ => return Self::lying(root),
        };
        // Each entry is `MODE blob HASH\tNAME`.
        let listing = String::from_utf8(listing.stdout).context("a file's name is not text")?;
        let mut names = Vec::new();
        for entry in listing.split_terminator('\0') {
            let (facts, name) = entry.split_once('\t').context("git ls-tree")?;
            let hash = facts.split(' ').nth(2).context("git ls-tree")?;
            if facts.starts_with("100") {
                names.push((name.to_string(), hash.to_string()));
            }
        }
        let hashes: Vec<&str> = names.iter().map(|(_, hash)| hash.as_str()).collect();
        let contents = blobs(root, &hashes)?;
        let names = names.into_iter().map(|(name, _)| name);
        Ok(Self {
            files: names.zip(contents).collect(),
        })
    }

    /// The guest's sources as they lie in the checkout, changes that are not committed among them.
    pub fn lying(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        for part in PARTS {
            // What a build has left there is no source.
            let built: &[&str] = match part {
                "images" => &["x86_64", "riscv64"],
                _ => &["target"],
            };
            let found = Self::of_folder(&root.join(part), &|name| built.contains(&name))?;
            for (name, bytes) in found.files {
                tree.files.insert(format!("{part}/{name}"), bytes);
            }
        }
        Ok(tree)
    }

    /// Every file below `folder`, except in subfolders that `skip` names. Whatever is neither file
    /// nor folder is an error: it has no place in a tree.
    pub fn of_folder(folder: &Path, skip: &dyn Fn(&str) -> bool) -> Result<Self> {
        let mut tree = Self::default();
        let mut waiting = vec![(folder.to_path_buf(), String::new())];
        while let Some((folder, prefix)) = waiting.pop() {
            let entries = std::fs::read_dir(&folder);
            for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
                let entry = entry?;
                let name = entry.file_name();
                let Some(name) = name.to_str() else {
                    bail!("{}{} is not a name", prefix, name.display());
                };
                let path = format!("{prefix}{name}");
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    if !skip(name) {
                        waiting.push((entry.path(), format!("{path}/")));
                    }
                } else if kind.is_file() {
                    let bytes = std::fs::read(entry.path());
                    let bytes = bytes.with_context(|| format!("cannot read {path}"))?;
                    tree.files.insert(path, bytes);
                } else {
                    bail!("{path} is a symbolic link or a special file");
                }
            }
        }
        Ok(tree)
    }

    /// Makes `folder` hold exactly these files. A file that is there already with the same bytes
    /// keeps its time, so that cargo builds again only what has changed.
    pub fn write_to(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            for name in Self::of_folder(folder, &|_| false)?.files.into_keys() {
                if !self.files.contains_key(&name) {
                    std::fs::remove_file(folder.join(name))?;
                }
            }
        }
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            if std::fs::read(&path).is_ok_and(|old| old == *bytes) {
                continue;
            }
            let parent = path.parent().context("a file needs a folder")?;
            let written =
                std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, bytes));
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// The contents of git's objects.
fn blobs(root: &Path, hashes: &[&str]) -> Result<Vec<Vec<u8>>> {
    let mut child = Command::new("git")
        .current_dir(root)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start git")?;
    let mut questions = child.stdin.take().context("git has no input")?;
    let text: String = hashes.iter().map(|hash| format!("{hash}\n")).collect();
    // Asked by a thread of its own: git answers before it has read everything.
    let asking = std::thread::spawn(move || questions.write_all(text.as_bytes()));
    let answers = child.wait_with_output()?.stdout;
    let _ = asking.join();

    // Each answer is `HASH blob SIZE\n`, the bytes, and `\n`.
    let mut rest = answers.as_slice();
    let mut contents = Vec::new();
    for hash in hashes {
        let cut = || format!("git does not give {hash}");
        let end = rest.iter().position(|&byte| byte == b'\n');
        let (head, body) = rest.split_at(end.with_context(cut)?);
        let size = str::from_utf8(head)?.rsplit(' ').next();
        let size: usize = size.and_then(|size| size.parse().ok()).with_context(cut)?;
        contents.push(body.get(1..1 + size).with_context(cut)?.to_vec());
        rest = body.get(size + 2..).with_context(cut)?;
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let files = files
            .iter()
            .map(|(name, text)| (name.to_string(), text.as_bytes().to_vec()));
        Tree {
            files: files.collect(),
        }
    }

    #[test]
    fn a_written_tree_is_read_back_and_strays_go() {
        let folder = tempfile::tempdir().unwrap();
        let first = tree(&[("a/b.rs", "one"), ("c.rs", "two")]);
        first.write_to(folder.path()).unwrap();
        let second = tree(&[("a/d.rs", "three"), ("c.rs", "two")]);
        second.write_to(folder.path()).unwrap();
        let read = Tree::of_folder(folder.path(), &|_| false).unwrap();
        assert_eq!(read, second);
    }

    #[test]
    fn an_unchanged_file_keeps_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let time = || {
            let facts = folder.path().join("a").metadata().unwrap();
            facts.modified().unwrap()
        };
        tree(&[("a", "one")]).write_to(folder.path()).unwrap();
        let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1000);
        let file = std::fs::File::options()
            .write(true)
            .open(folder.path().join("a"))
            .unwrap();
        file.set_modified(old).unwrap();
        tree(&[("a", "one")]).write_to(folder.path()).unwrap();
        assert_eq!(time(), old);
        tree(&[("a", "two")]).write_to(folder.path()).unwrap();
        assert!(time() > old);
    }

    #[test]
    fn a_symbolic_link_has_no_place_in_a_tree() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        let error = Tree::of_folder(folder.path(), &|_| false).unwrap_err();
        assert!(error.to_string().starts_with("link is"), "{error}");
    }

    #[test]
    fn the_clean_sources_of_this_repository_hold_the_kernel() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let tree = Tree::clean(&root).unwrap();
        assert!(tree.files.contains_key("guest-os/kernel/src/main.rs"));
        assert!(tree.files.keys().all(|name| !name.contains("target/")));
    }
}
