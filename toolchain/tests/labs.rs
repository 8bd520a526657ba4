//! The labs as a teacher uses them: each does what it is for, and bad submissions get 0 points and a
//! reason. Kernels are built in the sandbox, so this takes about ten seconds for each that is built.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn xtask() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    command
}

/// Grades `patch` in the lab on system calls: what it says, and the verdict.
fn grade(patch: &str) -> (Output, Value) {
    let folder = tempfile::tempdir().unwrap();
    let (file, json) = (folder.path().join("patch"), folder.path().join("json"));
    std::fs::write(&file, patch).unwrap();
    let mut command = xtask();
    command.args(["grade", "--lab", "syscall", "--json"]);
    let output = command.arg(&json).arg(&file).output().unwrap();
    let verdict = std::fs::read_to_string(&json).unwrap_or_else(|_| panic!("{output:?}"));
    (output, serde_json::from_str(&verdict).unwrap())
}

/// A patch that puts `lines` at the head of an open file, before its documentation.
fn at_the_head(lines: &str) -> String {
    let path = "guest-os/kernel/src/mm/regions.rs";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join(path)).unwrap();
    let first = text.lines().next().unwrap();
    let count = lines.lines().count();
    let added: String = lines.lines().map(|line| format!("+{line}\n")).collect();
    format!(
        "--- a/{path}\n+++ b/{path}\n@@ -1 +1,{} @@\n {first}\n{added}",
        count + 1
    )
}

#[test]
fn each_lab_gives_its_starter_little_and_its_reference_everything() {
    for arch in ["x86_64", "riscv64"] {
        let mut verify = xtask();
        let output = verify.args(["lab", "verify", "--arch", arch]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{arch}: {output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        for lab in ["cow", "scheduler", "syscall"] {
            let full = format!("{lab}: reference: 100 of 100 points");
            assert!(said.contains(&full), "{arch}: {said}");
        }
    }
}

#[test]
fn what_does_not_compile_has_no_points_and_the_compilers_words() {
    let (output, verdict) = grade(&at_the_head("const TOO_LATE: u32 = \"no number\";"));
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("mismatched types"), "{words}");
    assert_eq!(verdict["points"], 0);
    assert_eq!(verdict["refused"], "it does not compile");
    assert!(
        verdict["compiler"]
            .as_str()
            .unwrap()
            .contains("mismatched types")
    );
}

#[test]
fn a_folder_of_submissions_is_graded_one_by_one_and_none_harms_another() {
    let folder = tempfile::tempdir().unwrap();
    let [handed_in, reports] = ["in", "out"].map(|name| folder.path().join(name));
    std::fs::create_dir(&handed_in).unwrap();
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labs/syscall/reference.patch");
    std::fs::copy(reference, handed_in.join("carol.patch")).unwrap();
    std::fs::write(handed_in.join("=ada.diff"), "nothing").unwrap();
    std::fs::write(handed_in.join("bob.patch"), at_the_head("fn f() { g() }")).unwrap();
    std::fs::write(handed_in.join("notes.txt"), "not a submission").unwrap();
    let mut command = xtask();
    command.args(["grade", "--lab", "syscall", "--reports"]);
    let output = command.arg(&reports).arg(&handed_in).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(
        lines[0].starts_with("_ada      0 / 100  the patch is not a"),
        "{said}"
    );
    assert_eq!(lines[1], "bob       0 / 100  it does not compile");
    assert_eq!(lines[2], "carol   100 / 100");
    let read = |name: &str| std::fs::read_to_string(reports.join(name)).unwrap();
    let grades = read("grades.csv");
    assert!(
        grades.contains("\nbob,0,100,\"it does not compile\"\ncarol,100,100,\"\"\n"),
        "{grades}"
    );
    assert!(read("bob.txt").contains("cannot find function `g`"));
    assert!(read("carol.txt").contains("total") && read("carol.xml").contains("failures=\"0\""));
    let verdict: Value = serde_json::from_str(&read("_ada.json")).unwrap();
    assert_eq!(
        (&verdict["points"], &verdict["of"]),
        (&0.into(), &100.into())
    );

    let mut command = xtask();
    command
        .args(["grade", "--lab", "syscall", "--json", "x"])
        .arg(&handed_in);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.ends_with("xtask: --json is for one submission; use --reports DIR for several\n"),
        "{said}"
    );
}

#[test]
fn a_lab_that_is_not_filled_in_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let lab = folder.path().join("lab");
    let labs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labs/syscall");
    std::fs::create_dir(&lab).unwrap();
    std::fs::create_dir(lab.join("programs")).unwrap();
    std::fs::copy(labs.join("lab.toml"), lab.join("lab.toml")).unwrap();
    for entry in std::fs::read_dir(labs.join("programs")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), lab.join("programs").join(entry.file_name())).unwrap();
    }
    std::fs::copy(labs.join("starter.patch"), lab.join("starter.patch")).unwrap();
    std::fs::write(lab.join("reference.patch"), "").unwrap();
    let output = xtask().args(["lab", "verify"]).arg(&lab).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("syscall: reference: reference.patch is empty\n"),
        "{said}"
    );
}

#[test]
fn a_compiler_that_is_made_to_print_without_end_is_cut_and_harmless() {
    let line = format!("compile_error!(\"\\u{{1b}}[2J{}\");", "x".repeat(100_000));
    let (output, verdict) = grade(&at_the_head(&line));
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        words.len() < 40_000 && !words.contains('\u{1b}'),
        "{}",
        words.len()
    );
    assert_eq!(verdict["points"], 0);
}

#[test]
fn what_is_refused_is_not_built_and_says_why() {
    let closed = "--- /dev/null\n+++ b/guest-os/kernel/build.rs\n@@ -0,0 +1 @@\n+fn main() {}\n";
    for (patch, reason) in [
        (
            closed.to_string(),
            "guest-os/kernel/build.rs is closed: it runs at build time",
        ),
        (closed.replace("build.rs", "src/build.rs"), "is closed"),
        (
            at_the_head("core::arch::global_asm!(\"nop\");"),
            "`global_asm` may not be used",
        ),
        (at_the_head("fn f() { \""), "this is not Rust"),
        ("nothing of the kind".into(), "not a unified diff"),
    ] {
        let (output, verdict) = grade(&patch);
        assert_eq!(output.status.code(), Some(1), "{patch}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.starts_with("syscall: 0 points: ") && said.contains(reason),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(
            verdict["refused"].as_str().unwrap().contains(reason),
            "{verdict}"
        );
    }
}
