//! Submissions that want points without the work, or harm: each in `tests/cheats` is handed in as a student would,
//! and must gain nothing, harm nothing, and be told why.
//!
//! A cheat is a patch whose first lines say what it is: `Tries` (what, in a sentence), `Lab`, `Points` (the most that it
//! may get, where the lab's starter has some without any work; else 0) and `Reason` (words that the report must hold). The
//! lab gets a seed of the teacher's own, since the one in the repository is known to every student.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

/// Bytes of the longest report, in any form.
const LONGEST: usize = 128 << 10;
/// Cheats that are graded at the same time.
const JOBS: usize = 2;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A patch of `tests/cheats`.
struct Cheat {
    name: String,
    path: PathBuf,
    /// The lines at its head, by their first word.
    head: BTreeMap<String, String>,
}

impl Cheat {
    fn read(path: PathBuf) -> Self {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let head = text.lines().map_while(|line| line.split_once(": "));
        let head: BTreeMap<_, _> = head
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        for key in ["Tries", "Lab", "Reason"] {
            assert!(head.contains_key(key), "{name} does not say its {key}");
        }
        Self { name, path, head }
    }

    fn points(&self) -> u64 {
        self.head
            .get("Points")
            .map_or(0, |points| points.parse().unwrap())
    }
}

fn cheats() -> Vec<Cheat> {
    let entries = std::fs::read_dir(root().join("tests/cheats")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(Cheat::read).collect()
}

/// A folder with the labs under another seed, and for the reports.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for lab in ["cow", "scheduler", "syscall"] {
            let from = root().join("labs").join(lab);
            let to = folder.path().join(lab);
            std::fs::create_dir(&to).unwrap();
            std::os::unix::fs::symlink(from.join("programs"), to.join("programs")).unwrap();
            std::fs::copy(from.join("starter.patch"), to.join("starter.patch")).unwrap();
            let text = std::fs::read_to_string(from.join("lab.toml")).unwrap();
            let own = text.replace("seed = 2026", "seed = 74207281");
            assert_ne!(text, own);
            std::fs::write(to.join("lab.toml"), own).unwrap();
        }
        Self(folder)
    }

    /// Grades a submission in `lab`.
    fn grade(&self, name: &str, lab: &str, submission: &Path) -> Graded {
        let file = |end: &str| self.0.path().join(format!("{name}.{end}"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .current_dir(root())
            .args(["grade", "--jobs", "1", "--lab"]);
        command.arg(self.0.path().join(lab)).arg(submission);
        command
            .arg("--json")
            .arg(file("json"))
            .arg("--junit")
            .arg(file("xml"));
        let output = command.output().unwrap();
        let read = |path: PathBuf| {
            let words = String::from_utf8_lossy(&output.stderr);
            std::fs::read_to_string(path).unwrap_or_else(|_| panic!("{name}: no verdict: {words}"))
        };
        let (json, junit) = (read(file("json")), read(file("xml")));
        Graded {
            status: output.status.code(),
            points: serde_json::from_str::<Value>(&json).unwrap()["points"]
                .as_u64()
                .unwrap(),
            report: String::from_utf8(output.stdout).unwrap(),
            words: String::from_utf8(output.stderr).unwrap(),
            json,
            junit,
        }
    }
}

/// What came of a submission.
struct Graded {
    status: Option<i32>,
    points: u64,
    report: String,
    words: String,
    json: String,
    junit: String,
}

impl Graded {
    /// What is wrong with it if `cheat` was graded.
    fn faults(&self, cheat: &Cheat) -> Vec<String> {
        let mut faults = Vec::new();
        if self.status != Some(1) {
            faults.push(format!("status {:?}", self.status));
        }
        if self.points > cheat.points() {
            faults.push(format!("{} points", self.points));
        }
        if !self.report.contains(&cheat.head["Reason"]) {
            faults.push(format!("another reason: {}", self.report));
        }
        for (form, text) in [
            ("report", &self.report),
            ("words", &self.words),
            ("JSON", &self.json),
            ("JUnit", &self.junit),
        ] {
            if text.len() > LONGEST {
                faults.push(format!("{form} of {} bytes", text.len()));
            }
            let steers = |c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{202e}';
            if text.contains(steers) {
                faults.push(format!("{form} with control characters"));
            }
        }
        faults
    }
}

/// Where submissions are built.
fn lab_target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().canonicalize().unwrap().join(target).join("lab")
}

/// What is left of builds.
fn left_behind() -> Vec<String> {
    let entries = std::fs::read_dir(lab_target().join("builds/x86_64")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "lock").collect()
}

/// Processes that run in a sandbox of this checkout.
fn left_running() -> Vec<String> {
    let builds = lab_target().join("builds/x86_64");
    let builds = builds.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let words = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let words = words.map(|words| String::from_utf8_lossy(&words).replace('\0', " "));
    words.filter(|words| words.contains(builds)).collect()
}

#[test]
fn no_cheat_gains_a_point_or_does_harm_and_each_is_told_why() {
    let (cheats, desk) = (cheats(), Desk::new());
    assert!(cheats.len() >= 12, "{} cheats", cheats.len());
    // The first one builds what all share.
    let reference = root().join("labs/syscall/reference.patch");
    let honest = desk.grade("reference", "syscall", &reference);
    assert_eq!(honest.points, 100, "{}", honest.report);

    let disk = std::fs::read(lab_target().join("trusted/x86_64/fs.img")).unwrap();
    let (waiting, failed) = (Mutex::new(cheats.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                loop {
                    let Some(cheat) = waiting.lock().unwrap().next() else {
                        return;
                    };
                    let start = Instant::now();
                    let graded = desk.grade(&cheat.name, &cheat.head["Lab"], &cheat.path);
                    let seconds = start.elapsed().as_secs_f64();
                    println!("{}: {} points, {seconds:.1} s", cheat.name, graded.points);
                    for fault in graded.faults(cheat) {
                        failed
                            .lock()
                            .unwrap()
                            .push(format!("{}: {fault}", cheat.name));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:#?}");

    let after = std::fs::read(lab_target().join("trusted/x86_64/fs.img")).unwrap();
    assert!(disk == after, "the trusted disk has changed");
    assert!(!Path::new("/tmp/cheated.rs").exists() && !Path::new("/tmp/stolen").exists());
    assert_eq!(left_running(), Vec::<String>::new());
    assert_eq!(left_behind(), Vec::<String>::new());
    let again = desk.grade("reference", "syscall", &reference);
    assert_eq!(again.report, honest.report);
}

#[test]
fn a_folder_that_leads_out_is_refused() {
    let desk = Desk::new();
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("guest-os/kernel/src/mm");
    std::fs::create_dir_all(&inside).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", inside.join("regions.rs")).unwrap();
    let graded = desk.grade("folder", "syscall", folder.path());
    let reason = "regions.rs is a symbolic link or a special file";
    assert!(
        graded.points == 0 && graded.report.contains(reason),
        "{}",
        graded.report
    );
    std::fs::remove_file(inside.join("regions.rs")).unwrap();
    std::os::unix::fs::symlink("/etc", inside.join("deep")).unwrap();
    let graded = desk.grade("folder", "syscall", folder.path());
    let reason = "deep is a symbolic link or a special file";
    assert!(
        graded.points == 0 && graded.report.contains(reason),
        "{}",
        graded.report
    );
}
