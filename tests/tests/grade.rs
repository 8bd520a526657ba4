//! A submitted kernel judged by a lab, as a teacher sees it: Silica's own kernel, and some that cheat.

use abi::boot::ExitWord;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tests::glassbox::{Ran, arches, command, glassbox, images, on};
use tests::{kernel, riscv};

/// The head of a lab that opens the code of page faults.
const HEAD: &str = "[lab]\nname = \"demo\"\ntitle = \"A demonstration\"\n\
                    open = [\"guest-os/kernel/src/mm/fault.rs\"]\nseed = 2026\n";

/// A folder as `xtask grade` leaves it, and a lab beside it.
struct Desk {
    arch: &'static str,
    folder: TempDir,
}

impl Desk {
    /// With Silica's kernel for this instruction set, and its `echo` as the program `sayer`.
    fn new(arch: &'static str) -> Self {
        let folder = TempDir::new().unwrap();
        let desk = Self { arch, folder };
        std::fs::create_dir_all(desk.path("out/programs")).unwrap();
        for name in ["kernel.elf", "fs.img"] {
            std::fs::copy(images(arch).join(name), desk.path("out").join(name)).unwrap();
        }
        let echo = format!("/bin/echo:{}", desk.path("out/programs/sayer").display());
        assert_eq!(
            glassbox(&on(arch, &["run", "--get", &echo, "--", "true"]), b"").status,
            0
        );
        desk
    }

    /// With another kernel.
    fn with_kernel(arch: &'static str, kernel: &[u8]) -> Self {
        let desk = Self::new(arch);
        std::fs::write(desk.path("out/kernel.elf"), kernel).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn kernel(&self) -> Vec<u8> {
        std::fs::read(self.path("out/kernel.elf")).unwrap()
    }

    fn grade(&self, lab: &str, options: &[&str]) -> Ran {
        self.grade_as_told(lab, &[&["--arch", self.arch], options].concat())
    }

    /// The same for the instruction set that lab or options say.
    fn grade_as_told(&self, lab: &str, options: &[&str]) -> Ran {
        std::fs::write(self.path("lab.toml"), format!("{HEAD}{lab}")).unwrap();
        let (lab, out) = (self.path("lab.toml"), self.path("out"));
        let fixed = ["grade", text(&lab), "--images", text(&out)];
        glassbox(&[&fixed, options].concat(), b"")
    }

    /// The verdicts, from the JSON form.
    #[track_caller]
    fn verdicts(&self, lab: &str) -> Value {
        let json = self.path("verdicts.json");
        let ran = self.grade(lab, &["--json", text(&json)]);
        assert!([0, 1].contains(&ran.status), "{}", ran.stderr);
        serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
    }

    /// The verdict on a lab with this one test.
    #[track_caller]
    fn verdict(&self, lines: &str, checks: &[&str]) -> Value {
        self.verdicts(&one(lines, checks))["tests"][0].clone()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A test with these lines and checks, worth ten points.
fn one(lines: &str, checks: &[&str]) -> String {
    let checks: Vec<String> = checks
        .iter()
        .map(|c| format!("[[test.check]]\n{c}\n"))
        .collect();
    format!(
        "[[test]]\nname = \"t\"\npoints = 10\n{lines}\n{}",
        checks.concat()
    )
}

/// A line under random names, with everything that can be expected of it.
fn everything() -> String {
    one(
        "random = { word = \"word\", n = \"10..99\", file = \"word\" }\n\
         put = { \"/bin/{file}\" = \"sayer\" }\nfiles = { \"/data/{word}\" = \"text {n}\\n\" }\n\
         run = \"/bin/{file} {n}; cat; cp /data/{word} /out\"\nstdin = \"in {word}\\n\"",
        &[
            "status = 0",
            "output = \"{n}\\nin {word}\\n\"",
            "output_matches = \"^{n}\\n\"",
            "file = { path = \"/out\", content = \"text {n}\\n\" }",
            "file = { path = \"/out\", size = 8 }",
            "file = { path = \"/out\", matches = \"^text\" }",
            "file = { path = \"/none\", absent = true }",
            "fsck = true",
            "count = { event = \"process_exec\", where = { path = \"/bin/{file}\" }, exactly = 1 }",
            "count = { event = \"sys_enter\", where = { name = \"write\", comm = \"{file}\", arg0 = 1 }, exactly = 1 }",
            "count = { event = \"sys_exit\", where = { name = \"write\", comm = \"{file}\", result = 3 }, exactly = 1 }",
            "order = [ { event = \"process_fork\" }, { event = \"process_exit\" }, { event = \"process_wait\" } ]",
            "never = { event = \"page_fault\", where = { kind = \"bad\" } }",
            "free_frames = { lost_at_most = 50 }",
            "free_frames = { used_at_most = 2000 }",
            "shared_pages = { process = \"sh\", at_least = 1 }",
            "time = { process = \"{file}\", what = \"turnaround\", at_least_us = 100, at_most_us = 50000 }",
            "time = { process = \"{file}\", what = \"waiting\", at_most_us = 5000 }",
            "time = { process = \"{file}\", what = \"running\", at_least_us = 100 }",
            "time = { process = \"{file}\", what = \"response\", at_most_us = 5000 }",
            "open = true\ncount = { event = \"cow_break\", at_least = 1 }",
            "ends = \"ok\"",
        ],
    )
}

/// One check of each kind that Silica fails, and one that it passes.
const LOST: [&str; 15] = [
    "status = 0\nfeedback = \"Zero, please.\"",
    "output = \"one\\ntwo\\n\"",
    "output_matches = \"three\"",
    "file = { path = \"/bin\", absent = true }",
    "file = { path = \"/none\", content = \"\" }",
    "fsck = false",
    "count = { event = \"process_exec\", exactly = 9 }",
    "order = [ { event = \"process_exec\" }, { event = \"signal_deliver\" } ]",
    "never = { event = \"process_exec\" }",
    "free_frames = { lost_at_most = 0 }",
    "free_frames = { used_at_most = 30 }",
    "shared_pages = { process = \"cat\", at_least = 1 }",
    "time = { process = \"cat\", what = \"running\", at_most_us = 1 }",
    "count = { event = \"cow_break\", at_least = 1 }",
    "ends = \"ok\"",
];
const LOSING_LINE: &str =
    "run = \"echo one; printf 'a\\\\033[2J'; cat README >/dev/null; exit 3\"\nfeedback = \"Lost.\"";

#[test]
fn a_kernel_that_does_all_gets_all_points() {
    for arch in arches() {
        let ran = Desk::new(arch).grade(&everything(), &[]);
        assert_eq!(ran.status, 0, "{}{}", ran.text(), ran.stderr);
        assert!(
            ran.text().contains("t      10 / 10  passed\n"),
            "{}",
            ran.text()
        );
        assert_eq!(ran.stderr, "", "nobody watches");
    }
}

#[test]
fn a_lab_may_say_for_which_instruction_set_it_is() {
    let desk = Desk::new("riscv64");
    let lab = one("run = \"exit 3\"", &["status = 0"]);
    let ran = desk.grade_as_told(&format!("[machine]\narch = \"riscv64\"\n{lab}"), &[]);
    let text = ran.text();
    // What has failed can be had again.
    assert!(
        text.contains("--seed 2026 --arch riscv64") && text.contains("status 3"),
        "{text}{}",
        ran.stderr
    );
    // Where the kernel is for another machine, nothing can be run.
    let ran = desk.grade_as_told(&lab, &[]);
    assert!(ran.text().contains("cannot be loaded"), "{}", ran.text());
    // A test has no instruction set of its own.
    let ran = desk.grade_as_told(
        &lab.replace("run =", "machine = { arch = \"riscv64\" }\nrun ="),
        &[],
    );
    assert_eq!(ran.status, 125, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("test t: machine.arch: "),
        "{}",
        ran.stderr
    );
}

#[test]
fn every_kind_of_check_can_fail_and_says_what_it_saw() {
    for arch in arches() {
        let desk = Desk::new(arch);
        let verdict = desk.verdict(LOSING_LINE, &LOST);
        assert_eq!(
            verdict["points"], 0,
            "a fifteenth of ten points is rounded down"
        );
        let failed = verdict["failed"].as_array().unwrap();
        let seen: Vec<&str> = failed.iter().map(|f| f["seen"].as_str().unwrap()).collect();
        let starts = [
            "status 3",
            "\"a\\x1b[2J\" at byte 4",
            "\"one\\na\\x1b[2J\"",
            "a folder",
            "no such file",
            "a sound file system",
            "2",
            "no signal_deliver after the first 1",
            "process_exec at 0.0",
            "",
            "",
            "0",
            "",
            "0",
        ];
        assert_eq!(seen.len(), starts.len(), "{seen:#?}");
        for (seen, start) in seen.iter().zip(starts) {
            assert!(seen.starts_with(start), "{seen} is not {start}");
        }
        assert!(
            seen[9].ends_with(" page frames lost")
                && seen[10].ends_with(" page frames used")
                && seen[12].ends_with(" us"),
            "{seen:#?}"
        );
        let ran = desk.grade(&one(LOSING_LINE, &LOST), &[]);
        let table = ran.text();
        for expected in [
            "Zero, please.",
            "Lost.",
            "again: glassbox grade lab.toml --images DIR --test t --seed 2026",
        ] {
            assert!(table.contains(expected), "{table}");
        }
        assert!(!table.contains('\x1b') && ran.status == 1);
    }
}

#[test]
fn points_are_given_in_part_and_a_hidden_test_tells_nothing() {
    for arch in arches() {
        let desk = Desk::new(arch);
        let checks = [
            "status = 1\nweight = 2",
            "output = \"no\"\nname = \"secret\"",
        ];
        let lab = one(
            "run = \"false\"\nhidden = true\nfeedback = \"hint\"",
            &checks,
        );
        let (json, junit) = (desk.path("a.json"), desk.path("a.xml"));
        let ran = desk.grade(&lab, &["--json", text(&json), "--junit", text(&junit)]);
        assert!(
            ran.text().contains("t       6 / 10  partial\n"),
            "{}",
            ran.text()
        );
        let read = |path| std::fs::read_to_string(path).unwrap();
        for form in [ran.text(), read(&json), read(&junit)] {
            for word in ["secret", "hint", "again", "saw"] {
                assert!(!form.contains(word), "{form}");
            }
        }
    }
}

#[test]
fn the_report_is_the_same_to_the_byte_for_any_number_of_jobs() {
    for arch in arches() {
        let desk = Desk::new(arch);
        let names = ["a", "b", "c", "d"];
        let tests = names.iter().enumerate().map(|(index, name)| {
            let lab = match index % 2 {
                0 => everything(),
                _ => one(LOSING_LINE, &LOST),
            };
            lab.replace(
                "name = \"t\"",
                &format!("name = \"{name}\"\nmachine = {{ cpus = {} }}", index + 1),
            )
        });
        let lab = tests.collect::<String>();
        let reports: Vec<[String; 3]> = ["1", "2", "4", "1"]
            .iter()
            .map(|jobs| {
                let (json, junit) = (desk.path("a.json"), desk.path("a.xml"));
                let files = [
                    "--json",
                    text(&json),
                    "--junit",
                    text(&junit),
                    "--jobs",
                    jobs,
                ];
                let table = desk.grade(&lab, &files).text();
                [table, read(&json), read(&junit)]
            })
            .collect();
        assert!(reports.iter().all(|report| *report == reports[0]));
        for form in &reports[0] {
            assert!(!form.contains(text(desk.folder.path())), "{form}");
            assert!(names.iter().all(|name| form.contains(name)));
        }
        // Another seed is another run; one test alone is the same one.
        let alone = desk.grade(&lab, &["--test", "d", "--seed", "2026"]).text();
        let row = alone.lines().find(|line| line.starts_with("d ")).unwrap();
        assert!(
            row.ends_with("failed") || row.ends_with("partial"),
            "{alone}"
        );
        assert!(
            desk.grade(&lab, &["--seed", "7"])
                .text()
                .contains("(seed 7)")
        );
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// What a test that expects nothing bad says of a kernel, and its points.
#[track_caller]
fn judged(arch: &'static str, kernel: &[u8]) -> (String, String) {
    let desk = Desk::with_kernel(arch, kernel);
    let checks = [
        "status = 0",
        "output = \"\"",
        "fsck = true",
        "never = { event = \"trap\" }",
    ];
    let verdict = desk.verdict(
        "run = \"true\"\nmachine = { instructions = 20000000 }",
        &checks,
    );
    assert_eq!(verdict["points"], 0, "{verdict}");
    assert_eq!(verdict["void"], true);
    let word = |key: &str| verdict[key].as_str().unwrap().to_owned();
    (word("end"), word("ended"))
}

#[test]
fn a_kernel_that_ends_the_machine_itself_has_no_points() {
    for (arch, kernel) in [
        ("x86_64", kernel::long_mode(|a| kernel::exit(a, 0))),
        // By the power manager.
        (
            "x86_64",
            kernel::elf(|a| {
                a.mov(iced_x86::code_asm::edx, 0x604)?;
                a.mov(iced_x86::code_asm::eax, 0x2000)?;
                a.out(iced_x86::code_asm::dx, iced_x86::code_asm::ax)
            }),
        ),
        ("riscv64", riscv::elf("finish 0x5555")),
        // As Silica does for a line that ended with 0, and as the customary ISA tests do.
        ("riscv64", riscv::elf("finish 0x3333")),
        (
            "riscv64",
            riscv::elf(
                "li t0, 1\n la t1, tohost\n sd t0, (t1)\n j .\n \
                 .data\n .globl tohost\n tohost: .dword 0",
            ),
        ),
    ] {
        let (end, why) = judged(arch, &kernel);
        assert_eq!(end, "early");
        let told = ["the line had not ended", "switched off without a status"];
        assert!(told.iter().any(|told| why.contains(told)), "{why}");
    }
    // A program of the line's may not do it either: the line goes on.
    for arch in arches() {
        let verdict = Desk::new(arch).verdict(
            "run = \"poweroff 0; false\"",
            &["fsck = true", "status = 0"],
        );
        assert_eq!(
            (&verdict["points"], &verdict["end"]),
            (&0.into(), &"early".into())
        );
    }
}

/// A kernel that says it has panicked, in these words, without a boot.
fn panicking(arch: &str, words: &str) -> Vec<u8> {
    match arch {
        "x86_64" => kernel::long_mode(|a| {
            kernel::put(a, words)?;
            kernel::exit(a, ExitWord::PANIC.0)
        }),
        _ => {
            let words = words.escape_debug().to_string().replace("\\u{1b}", "\\033");
            let code = ExitWord::PANIC.finisher_code();
            riscv::elf(&format!("put \"{words}\"\n finish {code} << 16 | 0x3333"))
        }
    }
}

#[test]
fn panics_hangs_loops_and_giant_output_end_a_test_and_no_more() {
    use iced_x86::code_asm::*;
    for arch in arches() {
        let words = "kernel panic: \x1b[2J you have won\n";
        let (end, why) = judged(arch, &panicking(arch, words));
        assert_eq!(
            (&end[..], &why[..]),
            ("panic", "kernel panic: \"\\x1b[2J you have won\"")
        );
        let halted = match arch {
            "x86_64" => kernel::long_mode(|a| {
                a.cli()?;
                a.hlt()
            }),
            _ => riscv::elf("wfi\n j ."),
        };
        let (end, _) = judged(arch, &halted);
        assert_eq!(end, "hang");
        // A triple fault, and a trap whose handler traps.
        let (undefined, expected) = match arch {
            "x86_64" => (kernel::long_mode(|a| a.ud2()), "panic"),
            _ => (riscv::elf("unimp"), "hang"),
        };
        let (end, _) = judged(arch, &undefined);
        assert_eq!(end, expected);
        for giant in [false, true] {
            let looping = match arch {
                "x86_64" => kernel::long_mode(|a| {
                    a.cli()?;
                    a.mov(edx, 0x3f8)?;
                    a.mov(eax, 0x1b)?;
                    a.anonymous_label()?;
                    let again = a.bwd()?;
                    match giant {
                        true => a.out(dx, al)?,
                        false => a.nop()?,
                    }
                    a.jmp(again)
                }),
                _ => {
                    let work = if giant { "sb a0, (a1)" } else { "nop" };
                    riscv::elf(&format!("li a0, 0x1b\n lui a1, 0x10000\n 1: {work}\n j 1b"))
                }
            };
            let (end, _) = judged(arch, &looping);
            assert!(["hang", "budget"].contains(&&end[..]), "{end}");
        }
    }
}

#[test]
fn an_end_that_is_expected_has_its_points() {
    for arch in arches() {
        let desk = Desk::with_kernel(arch, &panicking(arch, ""));
        let verdict = desk.verdict("run = \"true\"", &["ends = \"panic\"", "status = 0"]);
        assert_eq!(verdict["points"], 5);
        let desk = Desk::new(arch);
        let budget = "run = \"while true; do true; done\"\nmachine = { instructions = 20000000 }";
        assert_eq!(
            desk.verdict(budget, &["ends = \"budget\""])["verdict"],
            "passed"
        );
        // An end that nobody wants is worth nothing, whatever else holds.
        for checks in [
            &["fsck = true"][..],
            &["fsck = true", "ends = \"ok\""],
            &["fsck = true", "ends = \"hang\""],
        ] {
            assert_eq!(desk.verdict(budget, checks)["points"], 0, "{checks:?}");
        }
    }
}

#[test]
fn more_output_than_is_kept_is_said_to_be_cut() {
    for arch in arches() {
        let line = "run = \"yes abc | head -n 50000\"";
        let verdict = Desk::new(arch).verdict(
            line,
            &["output = \"abc\\n\"", "output_matches = \"^abc\\n\""],
        );
        let seen = verdict["failed"][0]["seen"].as_str().unwrap();
        assert!(
            seen.starts_with("200000 bytes, of which only 65536 are kept: \"abc\\nabc"),
            "{seen}"
        );
        assert_eq!(
            verdict["points"], 5,
            "the pattern was found in what is kept"
        );
    }
}

/// Where the note of the probe `name` is in a kernel's file: at its address.
fn note(kernel: &[u8], name: &str) -> usize {
    let words = format!("silica\0{name}\0");
    let found = kernel
        .windows(words.len())
        .position(|bytes| bytes == words.as_bytes());
    found.expect("such a note") - 24
}

#[test]
fn probes_that_a_submission_could_have_placed_are_not_believed() {
    for arch in arches() {
        let desk = Desk::new(arch);
        let count = |open: &str, least: u64| {
            format!("{open}\ncount = {{ event = \"timer_tick\", at_least = {least} }}")
        };
        let lab = one(
            "run = \"sleep 1; seq 3000 >/dev/null\"",
            &[&count("", 1), &count("open = true", 1)],
        );
        let honest = desk.verdicts(&lab);
        assert_eq!(honest["points"], 10, "{honest}");
        assert_eq!(
            honest["probes"]["ignored_names"]["cow_break"], 2,
            "the file is open"
        );
        let ignored = honest["probes"]["ignored"].as_u64().unwrap();

        // A second note for an instruction that has one: nobody knows which of them lies.
        let mut forged = desk.kernel();
        let (from, to) = (note(&forged, "journal_replay"), note(&forged, "timer_tick"));
        forged.copy_within(to..to + 8, from);
        std::fs::write(desk.path("out/kernel.elf"), forged).unwrap();
        let report = desk.verdicts(&lab);
        assert_eq!(report["probes"]["ignored"], ignored + 2);
        assert_eq!(report["points"], 5, "{report}");
        assert_eq!(report["tests"][0]["failed"][0]["seen"], "0");

        // A note for an instruction that does something.
        let mut forged = Desk::new(arch).kernel();
        let at = note(&forged, "timer_tick");
        let address = u64::from_le_bytes(forged[at..at + 8].try_into().unwrap());
        forged[at..at + 8].copy_from_slice(&(address + 1).to_le_bytes());
        std::fs::write(desk.path("out/kernel.elf"), forged).unwrap();
        let report = desk.verdicts(&lab);
        assert_eq!(report["probes"]["ignored_names"]["timer_tick"], 1);
        assert_eq!(report["tests"][0]["failed"][0]["seen"], "0");
    }
}

#[test]
fn bad_input_is_one_line_that_names_file_and_key() {
    for arch in arches() {
        let desk = Desk::new(arch);
        let good = one("run = \"true\"", &["status = 0"]);
        for (lab, expected) in [
            ("colour = 1\n".to_owned(), "line 6: unknown field `colour`"),
            (
                String::new(),
                "test: there is none, and so there are no points",
            ),
            (
                good.replace("points = 10", "points = 0"),
                "test t: points: it must be a whole number",
            ),
            (
                one("run = \"x\"\nput = { \"/x\" = \"none\" }", &["status = 0"]),
                "test t: put: program none: ",
            ),
            (
                one("run = \"x\"", &["output_matches = \"(\""]),
                "test t: check 1: output_matches: /(/: ",
            ),
            (
                one("run = \"x\"", &["never = { event = \"x\" }"]),
                "test t: check 1: never: there is no event 'x'",
            ),
            (
                one("run = \"x\"\nfaults = [\"x\"]", &["status = 0"]),
                "test t: faults: x: it does not say what is to happen",
            ),
            (
                one(
                    "run = \"x\"\nfiles = { \"/README/x\" = \"\" }",
                    &["status = 0"],
                ),
                "test t: /README/x: ",
            ),
            (
                one(
                    "run = \"x\"\nmachine = { memory = \"8K\" }",
                    &["status = 0"],
                ),
                "test t: machine: ",
            ),
        ] {
            let ran = desk.grade(&lab, &[]);
            assert_eq!(ran.status, 125, "{expected}: {}", ran.text());
            let said = format!("glassbox: {}: {expected}", desk.path("lab.toml").display());
            assert!(ran.stderr.starts_with(&said), "{}", ran.stderr);
            assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        }
        let ran = desk.grade(&good, &["--test", "nobody"]);
        assert_eq!(ran.status, 2);
        assert!(
            ran.stderr
                .contains("--test nobody: the lab has no such test; it has t")
        );
        std::fs::write(desk.path("out/fs.img"), vec![7; 1 << 20]).unwrap();
        let ran = desk.grade(&good, &[]);
        let expected = "fs.img: no Silica file system on the disk\n";
        assert!(
            ran.status == 125 && ran.stderr.ends_with(expected),
            "{}",
            ran.stderr
        );
        std::fs::remove_file(desk.path("out/fs.img")).unwrap();
        assert_eq!(desk.grade(&good, &[]).status, 125);
    }
}

#[test]
fn a_kernel_that_cannot_be_loaded_is_worth_nothing_and_the_report_says_why() {
    for arch in arches() {
        let lab = one("run = \"true\"", &["status = 0"]);
        let whole = std::fs::read(images(arch).join("kernel.elf")).unwrap();
        for kernel in [&b"no kernel"[..], &whole[..4096]] {
            let desk = Desk::with_kernel(arch, kernel);
            let verdict = desk.verdicts(&lab);
            assert_eq!(
                (&verdict["points"], &verdict["of"]),
                (&0.into(), &10.into())
            );
            assert_eq!(verdict["tests"][0]["verdict"], "failed");
            let reason = verdict["refused"].as_str().unwrap();
            assert!(
                reason.starts_with("the kernel cannot be loaded: "),
                "{reason}"
            );
            let ran = desk.grade(&lab, &[]);
            assert_eq!(ran.text(), format!("demo: 0 points: {reason}\n"));
        }
    }
}

#[test]
fn a_refusal_of_somebody_else_is_told_like_any_verdict_and_harmless() {
    for arch in arches() {
        let desk = Desk::new(arch);
        std::fs::write(desk.path("words"), "error\x1b[2J\n").unwrap();
        std::fs::write(
            desk.path("lab.toml"),
            format!("{HEAD}{}", one("run = \"true\"", &["status = 0"])),
        )
        .unwrap();
        let [lab, words, json, xml] =
            ["lab.toml", "words", "json", "xml"].map(|name| desk.path(name));
        let mut options = vec![
            "grade",
            text(&lab),
            "--refused",
            "too \x1blate",
            "--compiler",
            text(&words),
        ];
        options.extend(["--json", text(&json), "--junit", text(&xml)]);
        let ran = glassbox(&on(arch, &options), b"");
        assert_eq!(
            (ran.status, ran.text()),
            (1, "demo: 0 points: too ?late\n".into())
        );
        let verdict: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
        assert_eq!(
            (&verdict["refused"], &verdict["compiler"]),
            (&"too ?late".into(), &"error?[2J\n".into())
        );
        assert_eq!(verdict["tests"][0]["of"], 10);
        let xml = std::fs::read_to_string(xml).unwrap();
        assert!(
            xml.contains("failures=\"1\"") && xml.contains("<system-err>error?[2J\n</system-err>"),
            "{xml}"
        );
    }
}

#[test]
fn the_verdict_is_there_even_if_a_form_of_it_cannot_be_written() {
    for arch in arches() {
        let ran = Desk::new(arch).grade(
            &one("run = \"true\"", &["status = 0"]),
            &["--json", "/dev/full"],
        );
        assert!(ran.text().contains("10 / 10  passed"), "{}", ran.text());
        assert_eq!(ran.status, 125);
        assert!(ran.stderr.contains("/dev/full: "), "{}", ran.stderr);
    }
}

#[test]
fn help_shows_an_example() {
    let output = command().args(["grade", "--help"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("glassbox grade labs/cow/lab.toml --images out\n"));
}

#[test]
fn faults_strike_during_a_test_and_its_token_is_the_same_run_again() {
    for arch in arches() {
        let desk = Desk::new(arch);
        let lab = one(
            "run = \"cat /README; echo $?\"\nfaults = [\"syscall.read#1=EIO\"]",
            &[
                "output = \"0\\n\"",
                "count = { event = \"fault_injected\", where = { site = \"syscall.read\" }, exactly = 1 }",
            ],
        );
        let disk = desk.path("disk.img");
        let ran = desk.grade(&lab, &["--test", "t", "--save", text(&disk)]);
        assert_eq!(ran.status, 1, "{}", ran.stderr);
        let table = ran.text();
        assert!(table.contains("saw \"1\\n\""), "{table}");
        let token = table
            .lines()
            .find_map(|line| line.trim().strip_prefix("replay: "));
        let kernel = desk.path("out/kernel.elf");
        let again = [
            "run",
            "--kernel",
            text(&kernel),
            "--disk",
            text(&disk),
            "--replay",
        ];
        let ran = glassbox(&[&again[..], &[token.unwrap()]].concat(), b"");
        assert_eq!((&*ran.text(), ran.status), ("1\n", 0), "{}", ran.stderr);
        assert_eq!(ran.stderr, "cat: /README: Input/output error\n");
        // A cut is an end that a lab may expect; the disk is the one that it left behind.
        let lab = one(
            "run = \"cp /README /a; sync\"\nfaults = [\"cut@disk.write#2\"]",
            &[
                "ends = \"power-cut\"",
                "fsck = true",
                "file = { path = \"/a\", absent = true }",
            ],
        );
        assert_eq!(desk.grade(&lab, &[]).status, 0);
        for (faults, why) in [
            (
                "disk.wirte#1=error",
                "test t: faults: disk.wirte#1=error: there is no site",
            ),
            (
                "irq.nobody=lost",
                "test t: faults: irq.nobody=lost: no 'nobody' interrupts",
            ),
        ] {
            let lab = one(
                &format!("run = \"true\"\nfaults = [\"{faults}\"]"),
                &["status = 0"],
            );
            let ran = desk.grade(&lab, &[]);
            assert_eq!(
                (ran.status, ran.stderr.lines().count()),
                (125, 1),
                "{}",
                ran.stderr
            );
            assert!(ran.stderr.contains(why), "{}", ran.stderr);
        }
    }
}
