//! Completing a name at the cursor: commands for the first word of a command, files for the others.

use super::builtins;
use rust_alloc::vec::Vec;
use ulib::path::join;
use ulib::{fs, sys};

/// What a word could become.
pub struct Found {
    /// How much of each name has been typed.
    pub typed: usize,
    /// Names, sorted; those of directories end with a slash.
    pub names: Vec<Vec<u8>>,
}

/// The candidates for the last word of `line`.
pub fn candidates(line: &[u8], path: &[u8]) -> Found {
    let start = line
        .iter()
        .rposition(|b| b" |&;<>(".contains(b))
        .map_or(0, |at| at + 1);
    let word = &line[start..];
    let before = line[..start].trim_ascii_end();
    let is_command = before.last().is_none_or(|b| b"|&;(".contains(b)) && !word.contains(&b'/');
    let mut names = Vec::new();
    let typed = if is_command {
        for dir in path.split(|b| *b == b':') {
            add(&mut names, dir, word, false);
        }
        names.extend(
            builtins::names()
                .filter(|name| name.starts_with(word))
                .map(<[u8]>::to_vec),
        );
        word.len()
    } else {
        let slash = word.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
        let dir = if slash == 0 { b"." } else { &word[..slash] };
        add(&mut names, dir, &word[slash..], true);
        word.len() - slash
    };
    names.sort();
    names.dedup();
    Found { typed, names }
}

fn add(names: &mut Vec<Vec<u8>>, dir: &[u8], prefix: &[u8], mark_dirs: bool) {
    // What cannot be read offers nothing.
    for entry in fs::children(dir).unwrap_or_default() {
        if entry.name.starts_with(prefix) && (!entry.name.starts_with(b".") || !prefix.is_empty()) {
            let mut name = entry.name;
            if mark_dirs && sys::stat(&join(dir, &name)).is_ok_and(|stat| stat.is_dir()) {
                name.push(b'/');
            }
            names.push(name);
        }
    }
}

/// What all candidates go on with; a sole one that is complete also ends its word.
pub fn addition(found: &Found) -> Option<Vec<u8>> {
    let (first, others) = found.names.split_first()?;
    let common = others.iter().fold(first.len(), |common, name| {
        first
            .iter()
            .zip(name)
            .take(common)
            .take_while(|(a, b)| a == b)
            .count()
    });
    let mut addition = first[found.typed.min(common)..common].to_vec();
    if others.is_empty() && !first.ends_with(b"/") {
        addition.push(b' ');
    }
    (!addition.is_empty()).then_some(addition)
}
