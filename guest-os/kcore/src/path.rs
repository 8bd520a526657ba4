//! Paths: byte strings cut at slashes. Lexical work only; links and `..` are the VFS's business.

use abi::Errno;
use abi::limits::NAME_MAX;
use alloc::vec::Vec;

/// Does the path start at the root?
pub fn is_absolute(path: &[u8]) -> bool {
    path.first() == Some(&b'/')
}

/// Must the path name a directory, because it ends in `/`, `/.` or `/..`?
pub fn wants_directory(path: &[u8]) -> bool {
    matches!(path.rsplit(|b| *b == b'/').next(), Some(b"" | b"." | b"..")) && !path.is_empty()
}

/// The names in a path, without empty ones and `.`; `..` is a name.
pub fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
    path.split(|b| *b == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
}

/// Splits off the last name: `a/b/c/` gives (`a/b/`, `c`). `None` if there is no name at all.
pub fn split_last(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = path.iter().rposition(|b| *b != b'/')? + 1;
    let start = path[..end]
        .iter()
        .rposition(|b| *b == b'/')
        .map_or(0, |slash| slash + 1);
    Some((&path[..start], &path[start..end]))
}

/// Refuses what no file system can hold: an empty name, one with a slash or NUL, one too long.
pub fn check_name(name: &[u8]) -> Result<(), Errno> {
    if name.is_empty() {
        return Err(Errno::ENOENT);
    }
    if name.contains(&b'/') || name.contains(&0) {
        return Err(Errno::EINVAL);
    }
    if name.len() > NAME_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    Ok(())
}

/// The path without `.`, `..`, double and trailing slashes, taken from the root. Right only where
/// no part is a symbolic link, as in the string that getcwd(2) keeps.
pub fn normalise(base: &[u8], path: &[u8]) -> Vec<u8> {
    let base = if is_absolute(path) { b"" } else { base };
    let mut names: Vec<&[u8]> = Vec::new();
    for name in components(base).chain(components(path)) {
        if name == b".." {
            names.pop();
        } else {
            names.push(name);
        }
    }
    if names.is_empty() {
        return b"/".to_vec();
    }
    names
        .iter()
        .flat_map(|name| [&b"/"[..], name])
        .flatten()
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_skip_what_names_nothing() {
        let check = |path: &[u8], expected: &[&[u8]]| {
            assert_eq!(components(path).collect::<Vec<_>>(), expected);
        };
        check(b"", &[]);
        check(b"/", &[]);
        check(b"//usr/./bin/../sh/", &[b"usr", b"bin", b"..", b"sh"]);
        check(b"...", &[b"..."]);
    }

    #[test]
    fn the_last_name_is_split_off_its_parent() {
        let check = |path: &'static [u8], expected: Option<(&[u8], &[u8])>| {
            assert_eq!(split_last(path), expected);
        };
        check(b"", None);
        check(b"//", None);
        check(b"a", Some((b"", b"a")));
        check(b"/a", Some((b"/", b"a")));
        check(b"a/b//c//", Some((b"a/b//", b"c")));
    }

    #[test]
    fn a_trailing_slash_or_dot_wants_a_directory() {
        for (path, wanted) in [
            ("", false),
            ("a", false),
            ("a/", true),
            ("a/.", true),
            ("..", true),
            ("a.", false),
        ] {
            assert_eq!(wants_directory(path.as_bytes()), wanted, "{path}");
        }
    }

    #[test]
    fn normalised_paths_start_at_the_root() {
        let check = |base: &str, path: &str, expected: &str| {
            assert_eq!(
                normalise(base.as_bytes(), path.as_bytes()),
                expected.as_bytes()
            );
        };
        check("/home", "x/../y/./z", "/home/y/z");
        check("/home", "/etc//passwd/", "/etc/passwd");
        check("/home", "../../..", "/");
        check("/", ".", "/");
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        assert_eq!(check_name(b"ok"), Ok(()));
        assert_eq!(check_name(b""), Err(Errno::ENOENT));
        assert_eq!(check_name(b"a/b"), Err(Errno::EINVAL));
        assert_eq!(check_name(&[b'x'; 255]), Ok(()));
        assert_eq!(check_name(&[b'x'; 256]), Err(Errno::ENAMETOOLONG));
    }
}
