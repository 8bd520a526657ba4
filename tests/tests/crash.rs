//! Power cuts at every disk write, as a user sees them, and the check of a disk's file system.

use std::path::Path;
use tempfile::TempDir;
use tests::glassbox::{Ran, arches, glassbox, images, on};

/// Copies, renames and removes; nothing is promised before the end.
const WORKLOAD: &str = "cp README a; mv a b; rm b";

/// Says `safe` when a file is.
const PROMISE: &str = "cp README a; sync; echo safe";

/// Once that was said, the file is there as a whole.
const KEPT: &str = "read x; test -z \"$x\" || test \"$(cat a)\" = \"$(cat README)\"";

fn crash(arch: &str, arguments: &[&str]) -> Ran {
    glassbox(&on(arch, &[&["crash"], arguments].concat()), b"")
}

/// What the line of states says: tried, distinct, bad.
#[track_caller]
fn states(ran: &Ran) -> [usize; 3] {
    let text = ran.text();
    let line = text.lines().find(|line| line.starts_with("states "));
    let line = line.unwrap_or_else(|| panic!("{text}{}", ran.stderr));
    let number = |after: &str| {
        let words = line.split([' ', ',']).filter(|word| !word.is_empty());
        let words: Vec<&str> = words.collect();
        let at = words.iter().position(|word| *word == after).unwrap();
        words[at - 1].parse().unwrap()
    };
    let tried = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    [tried, number("distinct"), number("bad")]
}

/// The cuts of the bad states, and what is said of them.
fn bad(ran: &Ran) -> Vec<(String, String)> {
    let text = ran.text();
    let lines = text.lines().filter_map(|line| line.strip_prefix("bad: "));
    lines
        .map(|line| {
            let (cut, said) = line.split_once(": ").unwrap();
            let cut = cut.split(" (").next().unwrap();
            (cut.to_owned(), said.to_owned())
        })
        .collect()
}

#[test]
fn a_journaled_file_system_survives_every_cut() {
    for arch in arches() {
        for (options, line) in [
            (&[][..], WORKLOAD),
            (&["--subsets", "3", "--oracle", KEPT], PROMISE),
            (
                &["--cpus", "2", "--subsets", "1"],
                "mkdir d; cp README d/a; ln d/a d/b; sync; rm d/a; mv d e",
            ),
        ] {
            let ran = crash(arch, &[options, &["--", line]].concat());
            let [tried, distinct, bad] = states(&ran);
            assert_eq!((bad, ran.status), (0, 0), "{}{}", ran.text(), ran.stderr);
            assert!(
                tried > 100 && distinct > 20 && distinct < tried,
                "{}",
                ran.text()
            );
            assert_eq!(ran.stderr, "", "nobody watches");
        }
    }
}

#[test]
fn a_disk_that_ignores_flushes_is_found_out_by_the_check() {
    for arch in arches() {
        let ran = crash(arch, &["--lose-flushes", "--", PROMISE]);
        let bad = bad(&ran);
        assert_eq!((bad.len(), ran.status), (states(&ran)[2], 1));
        assert!(
            bad.iter().any(|(_, said)| said.starts_with("fsck: ")),
            "{}",
            ran.text()
        );
        let again = |said: &String| said.contains(": glassbox run --replay ");
        assert!(bad.iter().any(|(_, said)| again(said)), "{}", ran.text());
    }
}

#[test]
fn a_token_leaves_the_very_disk_behind_that_was_tried() {
    for arch in arches() {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (saved, copy) = (path("saved.img"), path("copy.img"));
        for options in [
            &["--lose-flushes"][..],
            &["--fault", "disk.write#3=lost"],
            &[
                "--fault",
                "disk.write=torn@512",
                "--cpus",
                "2",
                "--seed",
                "5",
            ],
        ] {
            let all = crash(arch, &[options, &["--", PROMISE]].concat());
            let bad = bad(&all);
            assert!(!bad.is_empty(), "{options:?}: {}", all.text());
            let image = images(arch).join("fs.img");
            for (cut, said) in bad {
                let (_, command) = said.rsplit_once(": glassbox ").unwrap();
                let words: Vec<&str> = command.split(' ').collect();
                let ["run", "--replay", token, "--disk", "COPY", "--persist"] = words[..] else {
                    panic!("{command}");
                };
                std::fs::copy(&image, &copy).unwrap();
                let again = ["run", "--replay", token, "--disk", &copy, "--persist"];
                let ran = glassbox(&again, b"");
                assert_eq!(ran.status, 121, "{cut}: {}", ran.stderr);
                let only = ["--only", &cut, "--save", &saved, "--", PROMISE];
                crash(arch, &[options, &only[..]].concat());
                assert!(
                    std::fs::read(&copy).unwrap() == std::fs::read(&saved).unwrap(),
                    "{options:?} {cut}"
                );
            }
        }
    }
}

#[test]
fn a_promise_that_is_not_kept_is_found_out_by_the_oracle() {
    for arch in arches() {
        let ran = crash(arch, &["--lose-flushes", "--oracle", KEPT, "--", PROMISE]);
        let bad = bad(&ran);
        let gone = "oracle: status 1: cat: a: No such file or directory";
        assert!(
            bad.iter().any(|(_, said)| said.starts_with(gone)),
            "{}",
            ran.text()
        );
        // The same without a promise: the file may be missing.
        let silent = PROMISE.replace("echo safe", "true");
        let ran = crash(arch, &["--lose-flushes", "--oracle", KEPT, "--", &silent]);
        assert!(!ran.text().contains(gone), "{}", ran.text());
    }
}

#[test]
fn a_bad_state_is_bad_again_and_can_be_looked_at() {
    for arch in arches() {
        let folder = TempDir::new().unwrap();
        let image = folder.path().join("crashed.img");
        let image = image.to_str().unwrap();
        let all = crash(arch, &["--lose-flushes", "--subsets", "2", "--", PROMISE]);
        let by_check: Vec<(String, String)> = bad(&all)
            .into_iter()
            .filter(|(_, said)| said.starts_with("fsck: "))
            .collect();
        assert!(
            by_check.iter().any(|(cut, _)| cut.contains(":some@")),
            "{}",
            all.text()
        );
        for (cut, said) in &by_check {
            let one = crash(
                arch,
                &[
                    "--lose-flushes",
                    "--only",
                    cut,
                    "--save",
                    image,
                    "--",
                    PROMISE,
                ],
            );
            assert_eq!((states(&one), one.status), ([1, 1, 1], 1));
            assert_eq!(bad(&one), [(cut.clone(), said.clone())]);
            let checked = fsck(Path::new(image));
            assert_eq!(checked.status, 1, "{}", checked.text());
            let first = said.strip_prefix("fsck: ").unwrap();
            let found = checked.text().lines().any(|line| first.starts_with(line));
            assert!(found, "{said}\n{}", checked.text());
        }
        // A good one boots.
        let one = crash(arch, &["--only", "cut@end", "--save", image, "--", PROMISE]);
        assert_eq!((states(&one), one.status), ([1, 1, 0], 0));
        let line = "test \"$(cat a)\" = \"$(cat README)\" && echo whole";
        glassbox(&on(arch, &["run", "--disk", image, "--", line]), b"").prints("whole\n");
    }
}

#[test]
fn the_report_is_the_same_however_many_work_on_it() {
    for arch in arches() {
        let folder = TempDir::new().unwrap();
        let reports: Vec<(Vec<u8>, Vec<u8>)> = ["1", "2", "5"]
            .iter()
            .map(|jobs| {
                let json = folder.path().join(jobs);
                let options = ["--lose-flushes", "--subsets", "2", "--oracle", KEPT];
                let jobs = [
                    "--jobs",
                    jobs,
                    "--json",
                    json.to_str().unwrap(),
                    "--",
                    PROMISE,
                ];
                let ran = crash(arch, &[&options[..], &jobs].concat());
                assert_eq!(ran.status, 1);
                (ran.stdout, std::fs::read(json).unwrap())
            })
            .collect();
        assert!(reports.iter().all(|report| *report == reports[0]));
        let json: serde_json::Value = serde_json::from_slice(&reports[0].1).unwrap();
        let text = String::from_utf8(reports[0].0.clone()).unwrap();
        assert_eq!(json["workload"]["line"], PROMISE);
        assert_eq!(json["oracle"], KEPT);
        let listed = text
            .lines()
            .filter(|line| line.starts_with("bad: "))
            .count();
        assert_eq!(json["bad"].as_array().unwrap().len(), listed);
        let first = &json["bad"][0];
        let reproduce = first["reproduce"].as_str().unwrap();
        assert!(text.contains(reproduce), "{reproduce}");
        let cut = first["cut"].as_str().unwrap();
        assert!(text.contains(&format!("bad: {cut}")), "{cut}");
    }
}

#[test]
fn a_sample_is_drawn_by_the_seed() {
    for arch in arches() {
        let sample = |seed| {
            let options = ["--lose-flushes", "--subsets", "4", "--sample", "40"];
            let ran = crash(
                arch,
                &[&options[..], &["--seed", seed, "--", PROMISE]].concat(),
            );
            assert_eq!(states(&ran)[0], 40);
            assert!(ran.text().contains("40 of "), "{}", ran.text());
            ran.text()
        };
        let one = sample("1");
        assert_eq!(one, sample("1"));
        assert_ne!(one, sample("2"));
    }
}

#[test]
fn standard_input_is_the_workloads() {
    for arch in arches() {
        let oracle = "! test -e a || test -z \"$(cat a)\" || test \"$(cat a)\" = hello";
        let options = ["crash", "--oracle", oracle, "--", "cat >a; sync"];
        let ran = glassbox(&on(arch, &options), b"hello\n");
        assert_eq!((states(&ran)[2], ran.status), (0, 0), "{}", ran.text());
        let ran = glassbox(&on(arch, &options), b"other\n");
        assert!(states(&ran)[2] > 0 && ran.status == 1, "{}", ran.text());
    }
}

#[test]
fn a_guest_that_does_not_come_to_its_end_is_bad() {
    for arch in arches() {
        let options = ["--max-instructions", "5M", "--only", "cut@end"];
        let oracle = ["--oracle", "while true; do true; done", "--", "true"];
        let ran = crash(arch, &[&options[..], &oracle].concat());
        let said = &bad(&ran)[0].1;
        assert!(
            said.starts_with("instruction budget spent: glassbox crash "),
            "{said}"
        );
        assert_eq!(ran.status, 1);
    }
}

#[test]
fn a_workload_that_ends_badly_is_not_crashed() {
    for arch in arches() {
        let ran = crash(
            arch,
            &[
                "--max-instructions",
                "1M",
                "--",
                "while true; do true; done",
            ],
        );
        assert_eq!((ran.status, ran.text().as_str()), (123, ""));
        assert!(
            ran.stderr.contains("instruction budget spent"),
            "{}",
            ran.stderr
        );
        // One that merely fails is.
        let ran = crash(arch, &["--", "echo x >a; exit 7"]);
        assert!(ran.text().contains("status 7, "), "{}", ran.text());
        assert_eq!((states(&ran)[2], ran.status), (0, 0));
    }
}

#[test]
fn bad_options_get_one_line() {
    for arch in arches() {
        for (options, line) in [
            (
                &["--only", "cut@disk.write#99"][..],
                "--only: the workload makes 1 writes",
            ),
            (
                &["--only", "cut@disk.write#1:torn@1048576"],
                "--only: that write has 4096 bytes",
            ),
            (
                &["--only", "cut@disk.wrte#1"],
                "--only: 'cut@disk.wrte#1' is no power cut: say cut@disk.write#N, cut@disk.flush#N or cut@end",
            ),
            (
                &["--get", "a"],
                "crash leaves no disk behind: --persist and --get do not go with it (see --save)",
            ),
        ] {
            let ran = crash(arch, &[options, &["--", "true"]].concat());
            let expected = format!("glassbox: {line}\n");
            assert_eq!((ran.status, ran.text().as_str()), (2, ""), "{options:?}");
            if line.contains("writes") || line.contains("bytes") {
                // How many there are is the kernel's business.
                assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
                assert!(
                    ran.stderr.starts_with("glassbox: --only: th"),
                    "{}",
                    ran.stderr
                );
            } else {
                assert_eq!(ran.stderr, expected);
            }
        }
        for options in [
            &["--jobs", "0"][..],
            &["--sample", "0"],
            &["--save", "x"],
            &["--only", "cut@end", "--sample", "3"],
            &["--subsets", "9999"],
        ] {
            let ran = crash(arch, &[options, &["--", "true"]].concat());
            assert_eq!((ran.status, ran.text().as_str()), (2, ""), "{options:?}");
        }
        let ran = crash(arch, &["--json", "/nowhere/report.json", "--", "true"]);
        assert_eq!(ran.status, 125);
        assert_eq!(
            ran.stderr,
            "glassbox: /nowhere/report.json: No such file or directory (os error 2)\n"
        );
    }
}

fn fsck(path: &Path) -> Ran {
    glassbox(&["fsck", path.to_str().unwrap()], b"")
}

#[test]
fn fsck_says_whether_a_file_system_is_sound_and_changes_nothing() {
    for arch in arches() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("disk.img");
        std::fs::copy(images(arch).join("fs.img"), &path).unwrap();
        let ran = fsck(&path);
        assert!(
            ran.text()
                .starts_with(&format!("{}: sound; ", path.display())),
            "{}",
            ran.text()
        );
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        // The last block is free; abi::layout says where its bit is.
        let mut bytes = std::fs::read(&path).unwrap();
        let blocks = bytes.len() / 4096;
        let superblock = &bytes[..64];
        let word =
            |at: usize| u32::from_le_bytes(superblock[at..at + 4].try_into().unwrap()) as usize;
        let (inodes, log) = (word(20), word(24));
        let block_bitmap = 2 + log + inodes.div_ceil(4096 * 8);
        bytes[block_bitmap * 4096 + (blocks - 1) / 8] ^= 1 << ((blocks - 1) % 8);
        std::fs::write(&path, &bytes).unwrap();
        let ran = fsck(&path);
        let problem = format!("bitmap: block {} is unused but not free\n", blocks - 1);
        assert!(ran.text().starts_with(&problem), "{}", ran.text());
        assert!(ran.text().contains(": 1 problem; "), "{}", ran.text());
        assert_eq!(ran.status, 1);
        assert!(std::fs::read(&path).unwrap() == bytes);
    }
}

#[test]
fn fsck_refuses_what_is_no_file_system() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("zeros");
    std::fs::write(&path, [0; 1 << 20]).unwrap();
    for (path, why) in [
        (path, "no Silica file system on the disk"),
        (
            folder.path().join("none"),
            "No such file or directory (os error 2)",
        ),
        (folder.path().to_owned(), "is a directory, not a disk image"),
    ] {
        let ran = fsck(&path);
        let expected = format!("glassbox: {}: {why}\n", path.display());
        assert_eq!((ran.stderr, ran.status), (expected, 125));
    }
}
