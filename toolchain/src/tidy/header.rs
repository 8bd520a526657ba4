//! Every file says what it is: `//!` before anything else but attributes.

use super::source::{Finding, Tree};

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let without = tree.sources.iter().filter(|source| {
        let mut lines = source.text.lines().map(str::trim);
        let first = lines.find(|line| !line.is_empty() && !line.starts_with("#!["));
        !first.is_some_and(|line| line.starts_with("//!"))
    });
    without
        .map(|source| Finding::new(&source.path, 1, "say in a `//!` header what this file is"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_say_what_it_is_is_found() {
        let count = |text| check(&Tree::of("emulator/ir/src/lib.rs", text)).len();
        assert_eq!(count("use base::Width;\n"), 1);
        assert_eq!(count(""), 1);
        assert_eq!(count("//! Micro-ops.\n"), 0);
        assert_eq!(count("#![no_std]\n\n//! Micro-ops.\n"), 0);
    }
}
