//! Checking directories: their records, `.` and `..`, that every directory hangs once on the tree,
//! and that link counts are right.

use super::super::geometry::MountError;
use super::super::store::BlockStore;
use super::{Check, DIRECT};
use abi::Record;
use abi::dirent::{DT_DIR, type_of_mode};
use abi::layout::{BLOCK_SIZE, DirRecord, DiskInode, POINTERS, ROOT_INO};
use abi::stat::{S_IFDIR, S_IFMT};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// An entry of a directory, out of its block.
struct Entry {
    ino: u32,
    kind: u8,
    name: Vec<u8>,
}

/// What the walk over all directories learned.
#[derive(Default)]
struct Links {
    /// Names of each inode, `.` and `..` left out.
    names: BTreeMap<u32, u32>,
    /// Subdirectories of each directory.
    subdirs: BTreeMap<u32, u32>,
    /// The directory that each directory lies in.
    parents: BTreeMap<u32, u32>,
    /// The directory that each directory's `..` names.
    dotdots: BTreeMap<u32, u32>,
}

impl<S: BlockStore> Check<'_, S> {
    /// Checks all directories and the link counts.
    pub(super) fn names(&mut self) -> Result<(), MountError> {
        let mut links = Links::default();
        let dirs: Vec<(u32, DiskInode)> = self
            .inodes
            .iter()
            .filter(|(_, i)| is_dir(i))
            .map(|(ino, i)| (*ino, *i))
            .collect();
        for (ino, dir) in &dirs {
            let mut seen = BTreeSet::new();
            for entry in self.entries(*ino, dir)? {
                self.entry(*ino, &entry, &mut links);
                if !seen.insert(entry.name.clone()) {
                    self.report
                        .problem(format!("directory {ino}: {} twice", show(&entry.name)));
                }
            }
            if !seen.contains(&b"."[..]) || !seen.contains(&b".."[..]) {
                self.report
                    .problem(format!("directory {ino}: lacks `.` or `..`"));
            }
        }
        self.link_counts(&links);
        for (ino, dir) in &dirs {
            self.connection(*ino, dir, &links);
        }
        Ok(())
    }

    fn entry(&mut self, dir: u32, entry: &Entry, links: &mut Links) {
        let Entry { ino, kind, name } = entry;
        let Some(inode) = self.inodes.get(ino) else {
            let name = show(name);
            return self
                .report
                .problem(format!("directory {dir}: {name} names free inode {ino}"));
        };
        if *kind != type_of_mode(inode.mode) {
            self.report.problem(format!(
                "directory {dir}: {} has the wrong type",
                show(name)
            ));
        }
        match &name[..] {
            b"." if *ino != dir => {
                self.report
                    .problem(format!("directory {dir}: `.` names inode {ino}"));
            }
            b"." => {}
            b".." => {
                links.dotdots.insert(dir, *ino);
            }
            _ => {
                *links.names.entry(*ino).or_default() += 1;
                if is_dir(inode) {
                    *links.subdirs.entry(dir).or_default() += 1;
                    if links.parents.insert(*ino, dir).is_some() {
                        self.report
                            .problem(format!("directory {ino}: has two names"));
                    }
                }
            }
        }
    }

    fn link_counts(&mut self, links: &Links) {
        for (ino, inode) in &self.inodes {
            let names = links.names.get(ino).copied().unwrap_or(0);
            let named = names > 0 || *ino == ROOT_INO;
            let expected = match is_dir(inode) {
                true if named => 2 + links.subdirs.get(ino).copied().unwrap_or(0),
                true => 0,
                false => names,
            };
            if inode.nlink != expected {
                let counted = inode.nlink;
                self.report
                    .problem(format!("inode {ino}: {expected} links, counts {counted}"));
            }
            if !named && !self.orphans.contains(ino) {
                self.report
                    .problem(format!("inode {ino}: has no name and is no orphan"));
            }
        }
    }

    /// Does a named directory hang on the root, and does its `..` say where?
    fn connection(&mut self, ino: u32, dir: &DiskInode, links: &Links) {
        if dir.nlink == 0 {
            return;
        }
        let parent = if ino == ROOT_INO {
            Some(&ROOT_INO)
        } else {
            links.parents.get(&ino)
        };
        if links.dotdots.get(&ino) != parent {
            self.report
                .problem(format!("directory {ino}: `..` is not its parent"));
        }
        let mut at = ino;
        let mut visited = BTreeSet::new();
        while at != ROOT_INO {
            match links.parents.get(&at) {
                Some(parent) if visited.insert(at) => at = *parent,
                _ => {
                    return self
                        .report
                        .problem(format!("directory {ino}: not under the root"));
                }
            }
        }
    }

    /// The entries of a directory, free space left out.
    fn entries(&mut self, ino: u32, dir: &DiskInode) -> Result<Vec<Entry>, MountError> {
        let mut entries = Vec::new();
        if !dir.size.is_multiple_of(BLOCK_SIZE as u64) {
            self.report
                .problem(format!("directory {ino}: size {}", dir.size));
        }
        // Each block is looked at once on the whole disk, however often it is named.
        let mut seen = BTreeSet::new();
        for index in 0..dir.size / BLOCK_SIZE as u64 {
            let block = self.block_of(dir, index)?.filter(|block| {
                self.geometry.is_data(*block)
                    && self.owners[*block as usize] == ino
                    && seen.insert(*block)
            });
            let Some(block) = block else {
                self.report
                    .problem(format!("directory {ino}: block {index} is missing"));
                break;
            };
            let mut rest = &self.disk.block(block)?[..];
            while !rest.is_empty() {
                let Some((entry, len)) = record(rest) else {
                    self.report
                        .problem(format!("directory {ino}: bad record in block {index}"));
                    break;
                };
                rest = &rest[len..];
                entries.extend(entry);
            }
        }
        Ok(entries)
    }

    fn block_of(&mut self, inode: &DiskInode, index: u64) -> Result<Option<u32>, MountError> {
        if index < DIRECT as u64 {
            return Ok(Some(inode.direct[index as usize]));
        }
        let index = index as usize - DIRECT;
        if index < POINTERS {
            return self.pointer(inode.indirect, index);
        }
        match self.pointer(inode.double, (index - POINTERS) / POINTERS)? {
            Some(leaf) => self.pointer(leaf, (index - POINTERS) % POINTERS),
            None => Ok(None),
        }
    }

    fn pointer(&mut self, block: u32, slot: usize) -> Result<Option<u32>, MountError> {
        if !self.geometry.is_data(block) {
            return Ok(None);
        }
        Ok(self.disk.block(block)?[..]
            .chunks_exact(4)
            .nth(slot)
            .map(u32::get))
    }
}

/// The record at the start of `bytes` (nothing if it is free space) and its length.
fn record(bytes: &[u8]) -> Option<(Option<Entry>, usize)> {
    if bytes.len() < DirRecord::SIZE {
        return None;
    }
    let head = DirRecord::get(bytes);
    let len = usize::from(head.len);
    let name = bytes.get(DirRecord::SIZE..DirRecord::SIZE + usize::from(head.name_len))?;
    if len < DirRecord::SIZE + name.len() || !len.is_multiple_of(4) || len > bytes.len() {
        return None;
    }
    if head.ino == 0 {
        return Some((None, len));
    }
    if name.is_empty() || name.contains(&b'/') || name.contains(&0) {
        return None;
    }
    Some((
        Some(Entry {
            ino: head.ino,
            kind: head.kind,
            name: name.to_vec(),
        }),
        len,
    ))
}

fn is_dir(inode: &DiskInode) -> bool {
    inode.mode & S_IFMT == S_IFDIR
}

fn show(name: &[u8]) -> String {
    format!("`{}`", name.escape_ascii())
}

const _: () = assert!(DT_DIR == type_of_mode(S_IFDIR));
