//! A sample of the mutants: the judges notice each, and what is no mutant is an error.

use std::path::Path;
use std::process::{Command, Output};

/// Six bugs of six kinds, so that every judge but the lab notices one. Those in the same package stand
/// together, which saves builds, and the one that takes its judges longest is first.
const SAMPLE: [&str; 6] = [
    "shootdown-missing",
    "lost-wakeup",
    "wrong-errno",
    "freed-block-reused",
    "journal-commit-unflushed",
    "rename-not-atomic",
];

fn mutants(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    command.arg("mutants").args(arguments).output().unwrap()
}

#[test]
fn six_bugs_are_noticed() {
    let output = mutants(&[&["--jobs", "2"], &SAMPLE[..]].concat());
    let said = String::from_utf8(output.stdout).unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{words}");
    assert!(
        said.ends_with("6 of 6 mutants killed (100.0 %)\n"),
        "{said}"
    );
}

#[test]
fn who_asks_for_an_unknown_mutant_is_told_the_known_ones() {
    let output = mutants(&["lost-wakup"]);
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.starts_with("xtask: there is no mutant `lost-wakup`; there are: "));
    assert!(
        words.contains(", lost-wakeup, ") && words.lines().count() == 1,
        "{words}"
    );
}

#[test]
fn a_patch_that_does_not_fit_is_an_error_and_not_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("unfit.patch");
    let path = "guest-os/kernel/src/main.rs";
    let diff = format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-no such line\n+x\n");
    std::fs::write(&file, format!("A bug.\n\n{diff}")).unwrap();
    let output = mutants(&[file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let words = String::from_utf8(output.stderr).unwrap();
    let reason = format!("xtask: mutant unfit: {path}: the patch does not apply: ");
    assert!(words.starts_with(&reason), "{words}");
}
