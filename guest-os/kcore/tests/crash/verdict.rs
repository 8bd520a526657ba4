//! Is what a crash left behind what was promised?
//!
//! There must be a state `k`, no older than the last that was promised, such that the tree is that
//! of state `k`: the same names, kinds, links, and file sizes. Data that overwrites older data in
//! place is not a part of a transaction; so each byte of a file may be that of state `k` or of a
//! later one. It is never older, and never something that was not written there.

use crate::crashes::CrashedDisk;
use crate::world::{Node, State};
use kcore::fs::{Fs, ROOT_INO, fsck};
use std::collections::BTreeMap;

/// What a name on the disk stands for.
#[derive(Debug)]
enum Found {
    File(u32),
    Directory,
    Symlink(String),
}

/// The tree of files on the disk.
#[derive(Debug, Default)]
struct Tree {
    names: BTreeMap<String, Found>,
    files: BTreeMap<u32, Vec<u8>>,
}

/// Checks a crashed disk, recovers it, and compares it with the allowed states, oldest first.
pub fn judge(mut disk: CrashedDisk, allowed: &[State]) -> Result<(), String> {
    sound(&mut disk, "before mounting")?;
    let mut fs = Fs::mount(disk).map_err(|error| format!("cannot be mounted: {error}"))?;
    let tree = read_tree(&mut fs).map_err(|error| format!("cannot be read: {error}"))?;
    let mut disk = fs
        .unmount()
        .map_err(|error| format!("cannot be unmounted: {error}"))?;
    let orphans = sound(&mut disk, "after mounting")?;
    if orphans > 0 {
        return Err(format!("{orphans} orphans are left after mounting"));
    }
    let mut problem = String::new();
    for k in 0..allowed.len() {
        match compare(&tree, &allowed[k], &allowed[k..]) {
            Ok(()) => return Ok(()),
            Err(why) => problem += &format!("\n  not state {k} of those allowed: {why}"),
        }
    }
    Err(problem)
}

fn sound(disk: &mut CrashedDisk, when: &str) -> Result<usize, String> {
    let report = fsck(disk).map_err(|error| format!("{when}: {error}"))?;
    if report.is_clean() {
        Ok(report.orphans)
    } else {
        Err(format!("{when}: {report:?}"))
    }
}

fn read_tree(fs: &mut Fs<CrashedDisk>) -> Result<Tree, abi::Errno> {
    let mut tree = Tree::default();
    let mut dirs = vec![(String::new(), ROOT_INO)];
    while let Some((prefix, dir)) = dirs.pop() {
        for (name, stat) in fs.list(dir)? {
            let path = format!("{prefix}{}", String::from_utf8_lossy(&name));
            let ino = stat.ino as u32;
            let found = if stat.is_dir() {
                dirs.push((format!("{path}/"), ino));
                Found::Directory
            } else if stat.is_symlink() {
                Found::Symlink(String::from_utf8_lossy(&fs.read_link(ino)?).into())
            } else {
                tree.files.insert(ino, fs.read_whole(ino)?);
                Found::File(ino)
            };
            tree.names.insert(path, found);
        }
    }
    Ok(tree)
}

/// Is the tree that of `state`, with no byte that none of the `later` states has?
fn compare(tree: &Tree, state: &State, later: &[State]) -> Result<(), String> {
    if !tree.names.keys().eq(state.names.keys()) {
        let (found, expected) = (tree.names.keys(), state.names.keys());
        return Err(format!("names {found:?} instead of {expected:?}"));
    }
    // Names that stood for one file still stand for one file.
    let mut numbers: BTreeMap<u32, usize> = BTreeMap::new();
    for ((path, found), expected) in tree.names.iter().zip(state.names.values()) {
        let same = match (found, expected) {
            (Found::File(ino), Node::File(number)) => {
                numbers.entry(*ino).or_insert(*number) == number
            }
            (Found::Directory, Node::Directory) => true,
            (Found::Symlink(found), Node::Symlink(expected)) => found == expected,
            _ => false,
        };
        if !same {
            return Err(format!("{path} is {found:?} instead of {expected:?}"));
        }
    }
    for (ino, number) in &numbers {
        let (found, expected) = (&tree.files[ino], &state.files[number]);
        if found.len() != expected.len() {
            let (found, expected) = (found.len(), expected.len());
            return Err(format!(
                "file {number} has {found} bytes instead of {expected}"
            ));
        }
        if found == &**expected {
            continue;
        }
        for (at, byte) in found.iter().enumerate() {
            let known = later
                .iter()
                .any(|s| s.files.get(number).and_then(|f| f.get(at)) == Some(byte));
            if !known {
                return Err(format!(
                    "file {number} has a byte at {at} that it never had"
                ));
            }
        }
    }
    Ok(())
}
