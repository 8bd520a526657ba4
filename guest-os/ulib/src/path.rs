//! Paths as text.

use rust_alloc::vec::Vec;

/// `path` without slashes at its end; `/` stays.
pub fn trim(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b != b'/').map_or(1, |at| at + 1);
    &path[..end.min(path.len())]
}

/// The last part of a path, as basename(1) gives it.
pub fn base_name(path: &[u8]) -> &[u8] {
    let path = trim(path);
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) if path.len() > 1 => &path[at + 1..],
        _ => path,
    }
}

/// What comes before the last part, as dirname(1) gives it.
pub fn dir_name(path: &[u8]) -> &[u8] {
    let path = trim(path);
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => trim(&path[..at.max(1)]),
        None => b".",
    }
}

/// `dir/name`, with one slash between them.
pub fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if dir.ends_with(b"/") || dir.is_empty() {
        b""
    } else {
        b"/"
    };
    [dir, slash, name].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_split_as_basename_and_dirname_do() {
        let check = |path: &str, dir: &str, base: &str| {
            assert_eq!(dir_name(path.as_bytes()), dir.as_bytes(), "{path}");
            assert_eq!(base_name(path.as_bytes()), base.as_bytes(), "{path}");
        };
        check("/usr/bin", "/usr", "bin");
        check("/usr//bin//", "/usr", "bin");
        check("usr", ".", "usr");
        check("/", "/", "/");
        check("//", "/", "/");
        check("/a", "/", "a");
        check("a/b/", "a", "b");
    }

    #[test]
    fn joining_adds_one_slash() {
        assert_eq!(join(b"/", b"a"), b"/a");
        assert_eq!(join(b"a", b"b"), b"a/b");
        assert_eq!(join(b"a/", b"b"), b"a/b");
    }
}
