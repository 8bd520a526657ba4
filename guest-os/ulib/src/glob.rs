//! Path names that match a pattern (glob(7)).

use crate::pattern;
use crate::{fs, sys};
use rust_alloc::vec;
use rust_alloc::vec::Vec;

/// Does a text contain anything that a pattern interprets?
pub fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|b| b"*?[".contains(b))
}

/// The existing paths that match, sorted; empty if there are none. Backslashes quote.
pub fn expand(pattern: &[u8]) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = vec![Vec::new()];
    let mut rest = pattern;
    while !rest.is_empty() {
        let slashes = rest.iter().take_while(|b| **b == b'/').count();
        for path in &mut found {
            path.extend_from_slice(&rest[..slashes]);
        }
        rest = &rest[slashes..];
        let end = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        if !part.is_empty() {
            let last = rest.is_empty();
            found = found
                .iter()
                .flat_map(|base| extend(base, part, last))
                .collect();
        }
    }
    found.sort();
    found
}

/// The paths below `base` whose next part matches `part`.
fn extend(base: &[u8], part: &[u8], last: bool) -> Vec<Vec<u8>> {
    if !is_pattern(part) {
        let path = [base, &unquote(part)].concat();
        let exists = !last || sys::lstat(&path).is_ok();
        return if exists { vec![path] } else { Vec::new() };
    }
    let dir = if base.is_empty() { b"." } else { base };
    // What cannot be read matches nothing.
    let entries = fs::read_dir(dir).unwrap_or_default();
    let shown = |name: &[u8]| !name.starts_with(b".") || part.starts_with(b".");
    entries
        .iter()
        .filter(|entry| shown(&entry.name) && pattern::matches(part, &entry.name))
        .map(|entry| [base, &entry.name].concat())
        .collect()
}

/// Takes the quoting backslashes away.
pub fn unquote(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.len()) {
            (b'\\', 1..) => out.extend(bytes.next()),
            _ => out.push(*byte),
        }
    }
    out
}
