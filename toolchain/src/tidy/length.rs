//! A file is one concept, and few concepts take more than [`LIMIT`] lines.
//!
//! A table of instructions may be long: then the word "long" stands in its first line.

use super::source::{Finding, Tree, words};

/// Lines of the longest file without an excuse.
const LIMIT: usize = 800;

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let count = source.text.lines().count();
        let first = source
            .text
            .lines()
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let excused = first.starts_with("//!") && words(&first).any(|word| word == "long");
        if count > LIMIT && !excused {
            let message = format!("{count} lines: split the file, or say in line 1 why it is long");
            findings.push(Finding::new(&source.path, count, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_without_an_excuse_is_found() {
        let count = |first: &str, lines| {
            check(&Tree::of(
                "a.rs",
                &format!("{first}\n{}", "x\n".repeat(lines)),
            ))
            .len()
        };
        assert_eq!(count("//! The interpreter.", LIMIT - 1), 0);
        assert_eq!(count("//! The interpreter.", LIMIT), 1);
        assert_eq!(
            count(
                "//! SSE2 in the manual's order: long, one row an instruction.",
                LIMIT
            ),
            0
        );
    }
}
