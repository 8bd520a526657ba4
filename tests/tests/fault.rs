//! Faults on purpose, as a user sees them: what each does, how the guest lives with it, and that it can be had again.

use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tests::glassbox::{Ran, arches, glassbox, images, on};

/// Copies a file to the disk, for good.
const COPY: &str = "cp README a; sync";

fn run(arch: &str, faults: &[&str], line: &str) -> Ran {
    with(arch, faults, &[], line)
}

fn with(arch: &str, faults: &[&str], options: &[&str], line: &str) -> Ran {
    let faults = faults.iter().flat_map(|fault| ["--fault", fault]);
    let mut words = vec!["run"];
    words.extend(faults.chain(options.iter().copied()).chain(["--", line]));
    glassbox(&on(arch, &words), b"")
}

/// A disk of the test's own.
struct Disk {
    arch: &'static str,
    folder: TempDir,
}

impl Disk {
    fn new(arch: &'static str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::copy(images(arch).join("fs.img"), folder.path().join("fs.img")).unwrap();
        Self { arch, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("fs.img")
    }

    fn run(&self, faults: &[&str], line: &str) -> Ran {
        let path = self.path();
        let options = ["--disk", path.to_str().unwrap(), "--persist"];
        with(self.arch, faults, &options, line)
    }

    fn is_sound(&self) -> bool {
        glassbox(&["fsck", self.path().to_str().unwrap()], b"").status == 0
    }
}

/// The virtual time that a run took, in ns.
fn time(arch: &str, faults: &[&str], line: &str) -> u64 {
    let folder = TempDir::new().unwrap();
    let report = folder.path().join("report.json");
    let options = ["--report", report.to_str().unwrap()];
    let ran = with(arch, faults, &options, line);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    number(&report, "virtual_ns")
}

fn number(report: &Path, field: &str) -> u64 {
    let text = std::fs::read(report).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&text).unwrap();
    report[field].as_u64().unwrap()
}

/// How often a line passes this site.
#[track_caller]
fn passed(arch: &str, site: &str, line: &str) -> usize {
    let listed = with(arch, &[], &["--fault-list"], line).stderr;
    let row = listed.lines().find_map(|line| line.strip_prefix(site));
    let count = row.and_then(|row| row.split_whitespace().next());
    count.expect("its row").parse().expect("a number")
}

/// The token that a bad end prints.
#[track_caller]
fn token(ran: &Ran) -> String {
    let line = ran
        .stderr
        .lines()
        .find_map(|line| line.split_once(" --replay "));
    line.unwrap_or_else(|| panic!("no token: {}", ran.stderr))
        .1
        .to_owned()
}

#[test]
fn a_write_that_fails_is_told_and_nothing_more_is_written() {
    for arch in arches() {
        let disk = Disk::new(arch);
        let ran = disk.run(&["disk.write#1=error"], &format!("{COPY}; cat a | wc -l"));
        // What is in memory is still read; the disk stays as it was, and sound.
        assert_eq!((&*ran.text(), ran.status), ("8\n", 0), "{}", ran.stderr);
        assert!(disk.is_sound());
        let ran = disk.run(&[], "cat a");
        assert_eq!(
            (ran.status, &ran.stderr[..]),
            (1, "cat: a: No such file or directory\n")
        );
        let told = with(arch, &["disk.write#1=error"], &["--verbose"], COPY);
        assert!(
            told.stderr.contains("sync: Input/output error"),
            "{}",
            told.stderr
        );
    }
}

#[test]
fn a_read_that_fails_reaches_the_program_as_eio() {
    for arch in arches() {
        // The shell makes way for the last program of its line, whose last read is the file's.
        let line = "cat README";
        let last = passed(arch, "disk.read", line);
        let ran = run(arch, &[&format!("disk.read#{last}=error")], line);
        let told = "cat: README: Input/output error\n";
        assert!(ran.stderr.starts_with(told), "{}", ran.stderr);
        assert_eq!((&*ran.text(), ran.status), ("", 1));
    }
}

#[test]
fn lost_and_torn_writes_are_found_out_by_the_check_or_undone_by_the_journal() {
    for arch in arches() {
        for (fault, sound) in [
            // The journal's records have sums: what is not whole is not replayed.
            ("disk.write#1=torn@512", None),
            ("disk.write#1=lost", None),
            ("disk.write#4=lost", None),
            ("disk.write=lost", Some(true)),
        ] {
            let disk = Disk::new(arch);
            let ran = disk.run(&[fault], COPY);
            assert_eq!(ran.status, 0, "{fault}: {}", ran.stderr);
            let whole = Disk::new(arch);
            whole.run(&[], COPY);
            let [this, other] = [&disk, &whole].map(|disk| std::fs::read(disk.path()).unwrap());
            assert!(this != other, "{fault} leaves a mark on the disk");
            if let Some(sound) = sound {
                assert_eq!(disk.is_sound(), sound, "{fault}");
            }
            // Whatever is on it, the next boot comes to an end of its own.
            let next = disk.run(&[], "ls / >/dev/null; cat a >/dev/null 2>&1; echo up");
            assert_eq!(
                (&*next.text(), next.status),
                ("up\n", 0),
                "{fault}: {}",
                next.stderr
            );
        }
    }
}

#[test]
fn a_lost_flush_costs_what_was_promised_once_the_power_goes() {
    for arch in arches() {
        let disk = Disk::new(arch);
        let ran = disk.run(
            &["disk.flush=lost", "cut@disk.write#7"],
            &format!("{COPY}; echo b > b; sync"),
        );
        assert_eq!(ran.status, 121, "{}", ran.stderr);
        let disk = Disk::new(arch);
        let kept = disk.run(&["cut@disk.write#9"], &format!("{COPY}; echo b > b; sync"));
        assert_eq!(kept.status, 121, "{}", kept.stderr);
        assert!(disk.is_sound());
        disk.run(&[], "cat a | wc -l").prints("8\n");
    }
}

#[test]
fn a_power_cut_leaves_a_sound_disk_without_what_was_not_durable() {
    for arch in arches() {
        let disk = Disk::new(arch);
        let ran = disk.run(&["cut@disk.write#2"], COPY);
        assert_eq!((&*ran.text(), ran.status), ("", 121));
        assert!(
            ran.stderr.starts_with("glassbox: the power was cut at "),
            "{}",
            ran.stderr
        );
        assert!(disk.is_sound());
        assert_eq!(disk.run(&[], "cat a").status, 1);
    }
}

#[test]
fn a_slow_disk_takes_as_much_longer_as_was_said() {
    for arch in arches() {
        let line = "cat README";
        let last = passed(arch, "disk.read", line);
        let fault = format!("disk.read#{last}=delay:20ms");
        let (plain, slow) = (time(arch, &[], line), time(arch, &[&fault], line));
        assert!(
            (19_000_000..21_000_000).contains(&(slow - plain)),
            "{plain} {slow}"
        );
    }
}

#[test]
fn interrupts_that_are_lost_late_or_doubled_are_lived_with() {
    for arch in arches() {
        let plain = time(arch, &[], COPY);
        // The driver looks after requests whose interrupt does not come.
        let lost = time(arch, &["irq.disk#30=lost"], COPY);
        assert!(lost > plain + 100_000_000, "{plain} {lost}");
        let late = time(arch, &["irq.disk#30=late:1ms"], COPY);
        assert!(late > plain + 900_000, "{plain} {late}");
        for fault in [
            "irq.disk#30=twice",
            "irq.disk=twice",
            "irq.timer#1..=lost",
            "irq.timer#2=twice",
        ] {
            for cpus in ["1", "2"] {
                let line =
                    format!("{COPY}; cat a | wc -l; bench_dhry 20000 & bench_dhry 20000; wait");
                let ran = with(arch, &[fault], &["--cpus", cpus], &line);
                assert!(
                    ran.text().starts_with("8\n") && ran.status == 0,
                    "{fault}: {}{}",
                    ran.text(),
                    ran.stderr
                );
            }
        }
    }
}

#[test]
fn memory_flips_the_bit_that_was_said_when_it_was_said() {
    for arch in arches() {
        // A word of the kernel's log lies in its file, and so in memory.
        let kernel = std::fs::read(images(arch).join("kernel.elf")).unwrap();
        let told = |fault: &str| with(arch, &[fault], &["--verbose"], "true").stderr;
        let changed = places(&kernel, b"virtio disk at")
            .into_iter()
            .filter(|address| {
                // 'V' and 'v' differ in bit 5.
                told(&format!("mem.flip@{address:#x}:5#insn=1000")).contains(" Virtio disk at ")
                    && told(&format!("mem.flip@{address:#x}:5#time=20s"))
                        .contains(" virtio disk at ")
            });
        assert_eq!(changed.count(), 1);
    }
}

/// The physical addresses at which a kernel's segments have `text`.
fn places(kernel: &[u8], text: &[u8]) -> Vec<u64> {
    let word = |at: usize| u64::from_le_bytes(kernel[at..at + 8].try_into().unwrap());
    let half = |at: usize| usize::from(u16::from_le_bytes([kernel[at], kernel[at + 1]]));
    let headers = (0..half(56)).map(|n| word(32) as usize + n * half(54));
    let loaded = headers.filter(|&at| kernel[at] == 1);
    loaded
        .flat_map(|at| {
            let (offset, phys, len) =
                (word(at + 8) as usize, word(at + 24), word(at + 32) as usize);
            let held = &kernel[offset..offset + len];
            let starts = held.windows(text.len()).enumerate();
            let starts = starts.filter(|(_, window)| *window == text);
            starts
                .map(move |(start, _)| phys + start as u64)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn a_refused_page_frame_is_an_error_and_no_panic() {
    for arch in arches() {
        let line = "cat README | wc -l; echo x > /f; sync";
        let passed = passed(arch, "alloc", line);
        let mut told = 0;
        for count in (1..=passed).step_by(7) {
            let ran = run(arch, &[&format!("alloc#{count}=fail")], line);
            // The line's own end, or init's that cannot start it: no panic, no hang.
            let own = !(121..=125).contains(&ran.status);
            assert!(own, "{count}: {}", ran.stderr);
            told += usize::from(ran.stderr.contains("Cannot allocate memory"));
        }
        assert!(told > 2, "{told}");
    }
}

#[test]
fn a_system_call_fails_with_the_error_that_was_said() {
    for arch in arches() {
        let ran = run(arch, &["syscall.read#1=EIO"], "cat README");
        assert_eq!(
            (ran.status, &ran.stderr[..46]),
            (1, "cat: README: Input/output error\nglassbox: repl")
        );
        // Counts are as strace's: this one and every second one behind it.
        let line = "for i in 1 2 3 4; do cat README >/dev/null; done";
        let ran = run(arch, &["syscall.openat=EACCES:when=7+2"], line);
        let refused = "cat: README: Permission denied\n";
        assert_eq!(ran.stderr.matches(refused).count(), 3, "{}", ran.stderr);
        let ran = run(arch, &["syscall.openat#7=EACCES"], line);
        assert_eq!(ran.stderr.matches(refused).count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn a_system_call_has_the_number_of_its_instruction_set() {
    let at = |arch: &str, fault: &str| run(arch, &[fault], "cat README");
    for (arch, number) in [("x86_64", "0"), ("riscv64", "63")] {
        let ran = at(arch, &format!("syscall.{number}#1=EIO"));
        let told = "cat: README: Input/output error\n";
        assert!(ran.stderr.starts_with(told), "{arch}: {}", ran.stderr);
    }
    let ran = at("riscv64", "syscall.open#1=EIO");
    let told = "syscall.open#1=EIO: riscv64 has no system call 'open'\n";
    assert_eq!(ran.status, 125, "{}", ran.stderr);
    assert!(ran.stderr.ends_with(told), "{}", ran.stderr);
}

#[test]
fn a_token_is_the_same_run_again() {
    for arch in arches() {
        for (faults, cpus, line) in [
            (&["cut@disk.write#2"][..], "1", COPY),
            (
                &["syscall.read#1=EIO", "irq.disk#9=late:2ms"],
                "2",
                "cat README",
            ),
        ] {
            let options = ["--cpus", cpus, "--seed", "7", "--hash"];
            let ran = with(arch, faults, &options, line);
            let hash = |ran: &Ran| {
                ran.stderr
                    .lines()
                    .find(|line| line.starts_with("hash "))
                    .unwrap()
                    .to_owned()
            };
            let again = glassbox(&["run", "--replay", &token(&ran), "--hash"], b"");
            assert_eq!(hash(&again), hash(&ran));
            assert_eq!((&again.stdout, again.status), (&ran.stdout, ran.status));
            assert!(!again.stderr.contains("not the run"), "{}", again.stderr);
        }
        // Of other images it is refused.
        let disk = Disk::new(arch);
        let token = token(&run(arch, &["cut@disk.write#2"], COPY));
        disk.run(&[], "echo other > other; sync");
        let path = disk.path();
        let again = ["run", "--replay", &token, "--disk", path.to_str().unwrap()];
        let ran = glassbox(&again, b"");
        assert_eq!(ran.status, 125);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn counts_are_the_same_whatever_is_planned_and_on_every_run() {
    for arch in arches() {
        let list =
            |options: &[&str]| with(arch, &[], &[&["--fault-list"], options].concat(), COPY).stderr;
        for cpus in ["1", "2"] {
            let options = ["--cpus", cpus, "--seed", "3"];
            let first = list(&options);
            assert_eq!(first, list(&options));
            for site in [
                "disk.read ",
                "disk.write ",
                "disk.flush ",
                "irq.disk ",
                "alloc ",
                "syscall.openat ",
            ] {
                assert!(
                    first.lines().any(|line| line.starts_with(site)),
                    "{site}: {first}"
                );
            }
        }
    }
}

#[test]
fn faults_are_events_of_a_trace() {
    for arch in arches() {
        let ran = glassbox(
            &on(
                arch,
                &[
                    "trace",
                    "-e",
                    "event=fault_injected",
                    "--format",
                    "json",
                    "--fault",
                    "disk.write#2=torn@512",
                    "--fault",
                    "irq.disk#9=late:1ms",
                    "--",
                    COPY,
                ],
            ),
            b"",
        );
        let told: Vec<(String, u64, String)> = ran
            .stderr
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|object| object["event"] == "fault_injected")
            .map(|object| {
                let text = |field: &str| object[field].as_str().unwrap().to_owned();
                (
                    text("site"),
                    object["count"].as_u64().unwrap(),
                    text("action"),
                )
            })
            .collect();
        let expected = [("irq.disk", 9, "late:1ms"), ("disk.write", 2, "torn@512")];
        assert_eq!(
            told,
            expected.map(|(site, count, action)| (site.to_owned(), count, action.to_owned()))
        );
    }
}

#[test]
fn what_never_happens_is_said_and_what_is_no_fault_is_refused_in_one_line() {
    for arch in arches() {
        let ran = run(arch, &["disk.write#500=error"], COPY);
        assert_eq!(ran.status, 0);
        assert!(
            ran.stderr
                .starts_with("glassbox: disk.write#500=error never happened: "),
            "{}",
            ran.stderr
        );
        for (fault, status) in [
            ("disk.wirte#1=error", 2),
            ("disk.write#0=error", 2),
            ("disk.write#9..5=error", 2),
            ("disk.write#99999999999999999999=error", 2),
            ("disk.write=explode", 2),
            ("disk.write=torn", 2),
            ("disk.read=delay:5parsecs", 2),
            ("irq.nobody=lost", 125),
            ("mem.flip@0x1000:9#time=1ms", 2),
            ("mem.flip@0xffffffffffff:1#time=1ms", 125),
            ("mem.flip@0x1000:1", 2),
            ("syscall.read=ENOTANERROR", 2),
            ("cut@nothing#1", 125),
            ("", 2),
        ] {
            let ran = run(arch, &[fault], "true");
            assert_eq!(
                (ran.status, ran.stderr.lines().count()),
                (status, 1),
                "{fault}: {}",
                ran.stderr
            );
        }
        for token in ["", "x", "AUEAAYCAAm2KW0qsyO8r", "\u{1b}[31m"] {
            let ran = glassbox(&["run", "--replay", token], b"");
            assert_eq!(
                (ran.status, ran.stderr.lines().count()),
                (125, 1),
                "{token}: {}",
                ran.stderr
            );
            assert!(!ran.stderr.contains('\u{1b}'));
        }
    }
}
