//! The paths that a lab opens: `*` and `?` stay within a folder, `**` does not.

/// Whether `path` is one of those that `pattern` means.
pub fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) =
        (pattern.split('/').collect(), path.split('/').collect());
    folders(&pattern, &path)
}

fn folders(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            let tails = (0..=path.len()).map(|from| &path[from..]);
            // At the end it means what is inside, not the folder itself.
            tails
                .into_iter()
                .any(|tail| folders(rest, tail) && !(rest.is_empty() && path.is_empty()))
        }
        (Some((first, rest)), Some((name, below))) => {
            crate::trace::kind::matches(first, name) && folders(rest, below)
        }
        _ => false,
    }
}

/// The path without `.`, `..` and empty parts; nothing if it leads out.
pub fn normal(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_a_folder_unless_there_are_two() {
        for (pattern, path, wanted) in [
            ("a/b.rs", "a/b.rs", true),
            ("a/*.rs", "a/b.rs", true),
            ("a/*.rs", "a/b/c.rs", false),
            ("a/**", "a/b/c.rs", true),
            ("a/**", "a", false),
            ("a/**/c.rs", "a/c.rs", true),
            ("a/**/c.rs", "a/b/d/c.rs", true),
            ("a/**/c.rs", "a/b/d/x.rs", false),
            ("a/b.rs", "a/b.rs/c", false),
        ] {
            assert_eq!(matches(pattern, path), wanted, "{pattern} {path}");
        }
    }

    #[test]
    fn detours_are_taken_out_of_a_path() {
        assert_eq!(normal("a/./b/../c//d.rs").as_deref(), Some("a/c/d.rs"));
        assert_eq!(normal("a/../../b"), None);
    }
}
