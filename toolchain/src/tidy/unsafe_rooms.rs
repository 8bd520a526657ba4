//! Unsafe code stays in the few folders whose job needs it.

use super::source::{Finding, Tree, words};

/// The rooms.
const ROOMS: [&str; 7] = [
    "emulator/engine/",
    "guest-os/kernel/src/arch/",
    "guest-os/kernel/src/mm/",
    "guest-os/kernel/src/sync/",
    "guest-os/kernel/src/drivers/",
    "guest-os/ulib/src/",
    "tests/silicon/", // runs instructions on the host's own CPU
];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let outside = tree
        .sources
        .iter()
        .filter(|source| !ROOMS.iter().any(|room| source.path.starts_with(room)));
    let lines = outside.flat_map(|source| {
        source
            .code_lines()
            .map(move |(line, code)| (source, line, code))
    });
    lines
        .filter(|(_, _, code)| words(code).any(|word| word == "unsafe"))
        .map(|(source, line, _)| {
            Finding::new(
                &source.path,
                line,
                "unsafe code does not belong in this folder",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_code_outside_its_rooms_is_found() {
        let count = |path, code| check(&Tree::of(path, code)).len();
        assert_eq!(
            count("emulator/cpu/src/lib.rs", "fn f() { unsafe { g() } }"),
            1
        );
        assert_eq!(
            count(
                "guest-os/kernel/src/proc/mod.rs",
                "unsafe impl Send for P {}"
            ),
            1
        );
        assert_eq!(
            count("emulator/engine/src/lib.rs", "fn f() { unsafe { g() } }"),
            0
        );
        assert_eq!(
            count(
                "emulator/cpu/src/lib.rs",
                "#![forbid(unsafe_code)] // no unsafe"
            ),
            0
        );
    }
}
