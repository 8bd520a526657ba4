//! Path walks: from a string to an inode (xv6's `namei`; path_resolution(7)).
//!
//! A walk starts at the root or at a directory and goes name by name. It crosses mounts in both directions,
//! and a symbolic link's target takes the place of the link's name in what is still to be walked.
//! The kernel runs all programs as root, so search permission is never refused.

use alloc::vec::Vec;

use abi::Errno;
use abi::limits::{PATH_MAX, SYMLOOP_MAX};
use abi::stat::{S_IFLNK, S_IFMT};
use kcore::path;

use super::inode::InodeRef;
use super::mount;

/// What to do with a symbolic link at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Last {
    /// Go where it points.
    Follow,
    /// Take the link itself.
    Keep,
}

/// A place for a name: the directory, and what is to be found or made there.
pub struct Parent {
    /// The directory.
    pub dir: InodeRef,
    /// The last name, which is neither `.` nor `..`.
    pub name: Vec<u8>,
    /// Whether the path ends in a slash, so that only a directory will do.
    pub wants_directory: bool,
}

/// The inode that `path` names, starting at `start` unless it starts with a slash.
pub fn find(start: &InodeRef, path: &[u8], last: Last) -> Result<InodeRef, Errno> {
    let mut budget = SYMLOOP_MAX;
    let follow = last == Last::Follow || path::wants_directory(path);
    let found = walk(start, path, follow, &mut budget)?;
    if path::wants_directory(path) && !found.is_dir() {
        return Err(Errno::ENOTDIR);
    }
    Ok(found)
}

/// The directory in which the last name of `path` is to be found or made. A path that ends in `.` or
/// `..`, or is the root, has no such name: `special` is the error then.
pub fn parent(start: &InodeRef, path: &[u8], special: Errno) -> Result<Parent, Errno> {
    check(path)?;
    let mut budget = SYMLOOP_MAX;
    let (before, name) = path::split_last(path).ok_or(special)?;
    if name == b"." || name == b".." {
        return Err(special);
    }
    path::check_name(name)?;
    let dir = if before.is_empty() {
        start.clone()
    } else {
        walk(start, before, true, &mut budget)?
    };
    if !dir.is_dir() {
        return Err(Errno::ENOTDIR);
    }
    Ok(Parent {
        dir,
        name: name.to_vec(),
        wants_directory: path.ends_with(b"/"),
    })
}

fn check(path: &[u8]) -> Result<(), Errno> {
    match path.len() {
        0 => Err(Errno::ENOENT),
        PATH_MAX.. => Err(Errno::ENAMETOOLONG),
        _ => Ok(()),
    }
}

fn walk(
    start: &InodeRef,
    path: &[u8],
    follow_last: bool,
    budget: &mut usize,
) -> Result<InodeRef, Errno> {
    check(path)?;
    let mut at = if path::is_absolute(path) {
        mount::root()
    } else {
        start.clone()
    };
    let mut names = path::components(path).peekable();
    while let Some(name) = names.next() {
        let next = step(&at, name)?;
        let is_last = names.peek().is_none();
        at = if next.mode() & S_IFMT == S_IFLNK && (follow_last || !is_last) {
            *budget = budget.checked_sub(1).ok_or(Errno::ELOOP)?;
            walk(&at, &next.read_link()?, true, budget)?
        } else {
            next
        };
    }
    Ok(at)
}

/// One name.
fn step(dir: &InodeRef, name: &[u8]) -> Result<InodeRef, Errno> {
    if !dir.is_dir() {
        return Err(Errno::ENOTDIR);
    }
    path::check_name(name)?;
    if name == b".." {
        if dir.id() == mount::root().id() {
            return Ok(dir.clone());
        }
        let outer = mount::leave(&**dir);
        return outer
            .as_ref()
            .unwrap_or(dir)
            .lookup(b"..")
            .map(mount::enter);
    }
    dir.lookup(name).map(mount::enter)
}

/// The path of a directory from the root, found by going up (getcwd). `ENOENT` if it was removed.
pub fn path_of(dir: &InodeRef) -> Result<Vec<u8>, Errno> {
    let root = mount::root().id();
    let mut names: Vec<Vec<u8>> = Vec::new();
    let mut at = dir.clone();
    while at.id() != root {
        let place = mount::leave(&*at).unwrap_or(at);
        if place.stat()?.nlink == 0 {
            return Err(Errno::ENOENT);
        }
        let above = mount::enter(place.lookup(b"..")?);
        names.push(name_of(&above, place.id().ino)?);
        at = above;
    }
    let mut path = Vec::new();
    for name in names.iter().rev() {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    Ok(if path.is_empty() { b"/".to_vec() } else { path })
}

/// The name under which a directory lists inode `ino`.
fn name_of(dir: &InodeRef, ino: u64) -> Result<Vec<u8>, Errno> {
    let mut found = None;
    dir.entries(0, &mut |entry| {
        if entry.ino == ino && entry.name != b"." && entry.name != b".." {
            found = Some(entry.name.to_vec());
        }
        found.is_none()
    })?;
    found.ok_or(Errno::ENOENT)
}
