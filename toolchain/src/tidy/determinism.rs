//! Below the command line the emulator knows no clock, thread, environment or random order.
//!
//! Clippy bans the same names by type (emulator/clippy.toml); this rule also sees code that a
//! `cfg` hides from it and an `allow` that nobody has argued for.

use super::source::{Finding, Tree, words};

/// Where the rule holds, and the one place inside that is the host's.
const BELOW: &str = "emulator/";
const COMMAND_LINE: [&str; 2] = ["emulator/glassbox/src/cli", "emulator/glassbox/src/main.rs"];

/// Forbidden words, and what to use instead.
const WORDS: [(&str, &str); 4] = [
    (
        "Instant",
        "time is virtual: take it from the machine's clock",
    ),
    (
        "SystemTime",
        "time is virtual: take it from the machine's clock",
    ),
    (
        "HashMap",
        "its order is random: use BTreeMap, or hashbrown with a fixed hasher",
    ),
    (
        "HashSet",
        "its order is random: use BTreeSet, or hashbrown with a fixed hasher",
    ),
];

/// Forbidden paths, and what to use instead.
const PATHS: [(&str, &str); 6] = [
    ("std::thread", "threads belong to the command line"),
    ("thread::spawn", "threads belong to the command line"),
    (
        "process::exit",
        "return an error; only the command line ends the process",
    ),
    (
        "std::env",
        "the command line reads the environment and passes options down",
    ),
    (
        "env::var",
        "the command line reads the environment and passes options down",
    ),
    ("std::net", "sockets belong to the command line"),
];

/// The rule. Tests may do as they like.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let inside = source.path.starts_with(BELOW) && source.path.contains("/src/");
        if !inside
            || COMMAND_LINE
                .iter()
                .any(|place| source.path.starts_with(place))
        {
            continue;
        }
        let fixed_hasher = source.code.contains("hashbrown::");
        for (line, code) in source.product_lines() {
            for (word, instead) in WORDS {
                let excused = fixed_hasher && word.starts_with("Hash");
                if !excused && words(code).any(|found| found == word) {
                    findings.push(Finding::new(
                        &source.path,
                        line,
                        format!("`{word}`: {instead}"),
                    ));
                }
            }
            if let Some((path, instead)) = PATHS.iter().find(|(path, _)| code.contains(path)) {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    format!("`{path}`: {instead}"),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, code: &str) -> usize {
        check(&Tree::of(path, code)).len()
    }

    #[test]
    fn the_hosts_clock_threads_and_orders_are_found() {
        let device = "emulator/devices/src/rtc.rs";
        assert_eq!(findings(device, "use std::time::{Duration, Instant};"), 1);
        assert_eq!(findings(device, "use std::collections::HashMap;"), 1);
        assert_eq!(findings(device, "std::thread::spawn(f);"), 1);
        assert_eq!(findings(device, "std::process::exit(1);"), 1);
        assert_eq!(findings(device, "let home = std::env::var(name);"), 1);
    }

    #[test]
    fn the_command_line_tests_and_fixed_hashers_are_free() {
        assert_eq!(
            findings("emulator/glassbox/src/cli/mod.rs", "std::process::exit(1);"),
            0
        );
        let device = "emulator/devices/src/rtc.rs";
        assert_eq!(
            findings(
                device,
                "#[cfg(test)]\nmod tests { use std::collections::HashMap; }"
            ),
            0
        );
        assert_eq!(findings(device, "use hashbrown::HashMap;"), 0);
        assert_eq!(findings(device, "// never an Instant"), 0);
    }
}
