//! Inside `glassbox`: features know the machine, not each other, so that each can be removed alone.

use super::source::{Finding, Tree, names_after};

/// Where the modules live.
const FOLDER: &str = "emulator/glassbox/src/";

/// Each module, the modules it may use, and the packages of ours it may use. `cli` and the crate's
/// own files are on top and may use everything.
const MODULES: [(&str, &[&str], &[&str]); 13] = [
    ("symbols", &[], &[]),
    ("backtrace", &[], &["base", "machine"]),
    ("numbers", &[], &["machine", "abi"]),
    ("sites", &["numbers"], &["base", "machine", "abi"]),
    (
        "trace",
        &["symbols", "sites", "numbers"],
        &["base", "machine", "abi"],
    ),
    (
        "fault",
        &["symbols", "sites", "numbers"],
        &["base", "machine", "abi"],
    ),
    (
        "guest",
        &["trace", "fault", "sites"],
        &["base", "machine", "abi"],
    ),
    (
        "monitor",
        &["guest", "symbols", "backtrace", "trace", "numbers"],
        &["base", "machine", "abi"],
    ),
    (
        "snapshot",
        &["symbols", "sites"],
        &["base", "machine", "abi"],
    ),
    (
        "gdb",
        &["symbols", "sites", "snapshot", "trace", "fault"],
        &["base", "machine", "abi", "kcore"],
    ),
    (
        "crash",
        &["guest", "symbols", "snapshot", "disk"],
        &["base", "machine", "abi", "kcore"],
    ),
    (
        "grade",
        &["guest", "symbols", "trace", "fault", "disk", "numbers"],
        &["base", "machine", "abi", "kcore"],
    ),
    (
        "disk",
        &["symbols", "sites", "snapshot", "trace", "fault"],
        &["base", "machine", "abi", "kcore"],
    ),
];
const TOP: [&str; 3] = ["cli", "lib", "main"];
const PACKAGES: [&str; 8] = [
    "base", "ir", "cpu", "engine", "devices", "machine", "abi", "kcore",
];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let Some(inner) = source.path.strip_prefix(FOLDER) else {
            continue;
        };
        let module = inner.split(['/', '.']).next().unwrap_or(inner);
        if TOP.contains(&module) {
            continue;
        }
        let Some((_, modules, packages)) = MODULES.iter().find(|(name, ..)| *name == module) else {
            let message =
                format!("module `{module}` is not in the table of toolchain/src/tidy/modules.rs");
            findings.push(Finding::new(&source.path, 1, message));
            continue;
        };
        for (line, name) in names_after(&source.code, "crate") {
            let known =
                TOP.contains(&name.as_str()) || MODULES.iter().any(|(module, ..)| *module == name);
            if known && name != module && !modules.contains(&name.as_str()) {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    format!("`{module}` must not use `{name}`"),
                ));
            }
        }
        for package in PACKAGES
            .iter()
            .filter(|package| !packages.contains(package))
        {
            for (line, _) in names_after(&source.code, package) {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    format!("`{module}` must not use `{package}`"),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(file: &str, code: &str) -> usize {
        check(&Tree::of(&format!("{FOLDER}{file}"), code)).len()
    }

    #[test]
    fn features_that_know_each_other_are_found() {
        assert_eq!(findings("trace/sink.rs", "use crate::trace::Event;"), 0);
        assert_eq!(
            findings("trace/sink.rs", "use crate::{fault::Site, trace};"),
            1
        );
        assert_eq!(findings("gdb.rs", "use crate::trace::Event;"), 0);
        assert_eq!(findings("gdb.rs", "use crate::grade::Lab;"), 1);
    }

    #[test]
    fn nothing_uses_the_command_line() {
        assert_eq!(findings("disk/mod.rs", "crate::cli::say()"), 1);
        assert_eq!(findings("cli/run.rs", "crate::disk::put()"), 0);
    }

    #[test]
    fn the_tracer_does_not_touch_the_file_system() {
        assert_eq!(findings("trace.rs", "use kcore::fs::Fs;"), 1);
        assert_eq!(findings("disk.rs", "use kcore::fs::Fs;"), 0);
        assert_eq!(findings("trace.rs", "use cpu::x86_64::Hart;"), 1);
    }

    #[test]
    fn a_module_nobody_has_placed_is_found() {
        assert_eq!(findings("helper.rs", ""), 1);
    }
}
