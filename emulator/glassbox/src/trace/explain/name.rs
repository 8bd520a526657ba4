//! Names of functions and files as a reader of the sources has them in mind: `DiskInode::fill`, `fs/diskfs/inode.rs:88`.

use crate::symbols::Frame;

/// A function's name in two words: its type or module, and itself.
pub fn short(frame: &Frame) -> String {
    let words = path_words(&frame.name);
    match &words[..] {
        [] => String::new(),
        // An inlined function's debug information has no path: its file stands in.
        [name] => match module(&frame.file) {
            Some(module) if frame.inlined => format!("{module}::{name}"),
            _ => name.clone(),
        },
        [.., parent, name] => format!("{parent}::{name}"),
    }
}

/// Whether the function is somebody else's business: the language's own library, or a closure, which is part of what it
/// is written in.
pub fn is_plumbing(frame: &Frame) -> bool {
    let file = frame.file.as_str();
    let name = frame.name.as_str();
    file.starts_with("/rustc/")
        || file.contains("/library/")
        || file.contains("/registry/src/")
        || file.contains("/rustlib/")
        || name.contains("{closure")
        || name.starts_with("__rust_")
        || name.starts_with("core::")
        || name.starts_with("alloc::")
        || name.starts_with("<core::")
        || name.starts_with("<alloc::")
        || name.starts_with("compiler_builtins::")
}

/// Whether the file is not the function's own, but a macro's that is used everywhere.
pub fn is_macros(frame: &Frame) -> bool {
    frame.file.ends_with("/probe.rs")
}

/// Where a function is, as its file's path below the sources of its package: `fs/inode.rs:88`, `kcore: fs/log.rs:7`.
pub fn place(frame: &Frame) -> String {
    if frame.file.is_empty() {
        return String::new();
    }
    let (package, path) = match frame.file.rsplit_once("/src/") {
        Some((before, path)) => (before.rsplit('/').next().unwrap_or_default(), path),
        None => ("", frame.file.rsplit('/').next().unwrap_or_default()),
    };
    let line = match frame.line {
        0 => String::new(),
        line => format!(":{line}"),
    };
    match package {
        "" | "kernel" => format!("{path}{line}"),
        package => format!("{package}: {path}{line}"),
    }
}

/// The module that a source file is.
fn module(file: &str) -> Option<&str> {
    let mut parts = file.rsplit('/');
    let name = parts.next()?.strip_suffix(".rs")?;
    match name {
        "mod" | "lib" | "main" => parts.next().filter(|dir| *dir != "src" && !dir.is_empty()),
        name => Some(name),
    }
}

/// The words of a path without what is generic: `<a::B<C> as d::E>::f::<G>` has B and f.
fn path_words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        rest = rest.trim_start_matches("::");
        if let Some(inner) = rest.strip_prefix('<') {
            let end = closing(inner);
            // A type: its own last word. Generic arguments at the end of a path have no place in the name.
            if words.is_empty() {
                let ty = inner[..end].split(" as ").next().unwrap_or_default();
                let ty = ty.trim_start_matches(['&', '*', '[', '(']);
                let ty = ty.trim_start_matches("mut ").trim_start_matches("dyn ");
                words.extend(path_words(ty).pop());
            }
            rest = inner.get(end + 1..).unwrap_or_default();
            continue;
        }
        let end = rest.find([':', '<']).unwrap_or(rest.len());
        let word: String = rest[..end]
            .chars()
            .filter(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if !word.is_empty() {
            words.push(word);
        }
        rest = &rest[end..];
        if let Some(more) = rest.strip_prefix(':') {
            rest = more;
        }
    }
    words
}

/// Where the bracket that is open at the beginning of `text` closes.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if text[..at].ends_with('-') => {}
            '>' if depth == 0 => return at,
            '>' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(name: &str, file: &str, inlined: bool) -> Frame {
        Frame {
            name: name.into(),
            file: file.into(),
            line: 7,
            inlined,
        }
    }

    #[test]
    fn a_name_has_two_words() {
        for (name, wanted) in [
            ("kernel::syscall::io::read", "io::read"),
            (
                "<kernel::fs::DiskInode as kernel::fs::Inode>::read",
                "DiskInode::read",
            ),
            (
                "<kernel::sync::SpinLock<alloc::vec::Vec<u8>>>::lock",
                "SpinLock::lock",
            ),
            (
                "kcore::fs::log::commit::<kernel::Disk, fn() -> u8>",
                "log::commit",
            ),
            ("<&mut dyn kernel::Device as a::B>::read", "Device::read"),
            ("syscall_entry", "syscall_entry"),
            ("<", ""),
            ("<<<>::", ""),
        ] {
            assert_eq!(
                short(&frame(name, "/a/src/b/c.rs", false)),
                wanted,
                "{name}"
            );
        }
    }

    #[test]
    fn an_inlined_function_has_its_files_name() {
        let short = |file| short(&frame("read<3>", file, true));
        assert_eq!(short("/silica/kernel/src/syscall/io.rs"), "io::read");
        assert_eq!(short("/silica/kernel/src/sched/mod.rs"), "sched::read");
        assert_eq!(short("/silica/kernel/src/main.rs"), "read");
    }

    #[test]
    fn a_place_is_below_the_sources() {
        let place = |file| place(&frame("f", file, false));
        assert_eq!(place("/silica/kernel/src/fs/inode.rs"), "fs/inode.rs:7");
        assert_eq!(place("/silica/kcore/src/fs/log.rs"), "kcore: fs/log.rs:7");
        assert_eq!(place("x.c"), "x.c:7");
        assert_eq!(place(""), "");
    }

    #[test]
    fn the_languages_library_is_plumbing() {
        assert!(is_plumbing(&frame(
            "f",
            "/rustc/1/library/core/src/a.rs",
            true
        )));
        assert!(is_plumbing(&frame("kernel::f::{closure#0}", "", false)));
        assert!(!is_plumbing(&frame(
            "kernel::f",
            "/silica/kernel/src/f.rs",
            false
        )));
    }
}
