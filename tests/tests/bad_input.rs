//! Bad files, options and outputs: one clear line on standard error, and the documented status.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tests::glassbox::{arches, command, feed, glassbox, images, on};
use tests::{kernel, riscv};

/// Runs the emulator for this instruction set in `folder` and checks that it says just `line`, with status 125.
#[track_caller]
fn refused(arch: &str, folder: &TempDir, arguments: &[&str], line: &str) {
    let child = command()
        .current_dir(folder.path())
        .args(on(arch, arguments))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ran = feed(child, Vec::new());
    let expected = format!("glassbox: {line}\n");
    assert_eq!(
        (ran.stderr.as_str(), ran.status, ran.text().as_str()),
        (expected.as_str(), 125, ""),
        "{arguments:?}"
    );
}

/// A folder with these files in it.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// A copy of Silica's disk for this instruction set.
fn disk_in(arch: &str, folder: &TempDir) -> String {
    let path = folder.path().join("disk.img");
    std::fs::copy(images(arch).join("fs.img"), &path).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A kernel that ends at once.
fn good(arch: &str) -> Vec<u8> {
    match arch {
        "x86_64" => kernel::elf(|a| kernel::exit(a, 0)),
        _ => riscv::elf("finish 0x5555"),
    }
}

/// The same file with other bytes at `at`.
fn with(file: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut bad = file.to_vec();
    bad[at..at + bytes.len()].copy_from_slice(bytes);
    bad
}

// Offsets in an ELF file of 64 bits.
const CLASS: usize = 4;
const ENDIANNESS: usize = 5;
const MACHINE: usize = 18;
/// Where the program headers begin, and how many there are.
const HEADERS: usize = 32;
const COUNT: usize = 56;
/// The first program header: where its bytes are in the file, where they go, how many there are, and in memory.
const SEGMENT: usize = 64;
const OFFSET: usize = SEGMENT + 8;
const PHYSICAL: usize = SEGMENT + 24;
const FILE_SIZE: usize = SEGMENT + 32;
const SIZE: usize = SEGMENT + 40;
/// The second one's kind.
const SECOND: usize = SEGMENT + 56;

/// Where the first segment's bytes end in the file.
fn end_of_segment(file: &[u8]) -> usize {
    let word = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap());
    (word(OFFSET) + word(FILE_SIZE)) as usize
}

#[test]
fn a_kernel_that_cannot_be_used_is_named_with_the_reason() {
    for arch in arches() {
        let good = good(arch);
        let with = |at, bytes: &[u8]| with(&good, at, bytes);
        let mut rows: Vec<(&str, Vec<u8>, &str)> = vec![
            (
                "arm",
                with(MACHINE, &[183]),
                "is for another machine: AArch64",
            ),
            (
                "big-endian",
                with(ENDIANNESS, &[2]),
                "is for another machine: big-endian",
            ),
            (
                "cut",
                good[..end_of_segment(&good) - 1].to_vec(),
                "damaged ELF file: a segment lies beyond the end of the file",
            ),
            (
                "stub",
                good[..40].to_vec(),
                "damaged ELF file: Invalid ELF header size or alignment",
            ),
            (
                "shrunk",
                with(SIZE, &[1]),
                "damaged ELF file: a segment is larger in the file than in memory",
            ),
        ];
        rows.extend(match arch {
            "x86_64" => [
                ("empty", vec![], "not an ELF file"),
                ("text", b"hello\n".to_vec(), "not an ELF file"),
                (
                    "riscv",
                    with(MACHINE, &[243]),
                    "is for another machine: RISC-V (see --arch)",
                ),
                (
                    "high",
                    with(PHYSICAL, &0x800_0000u64.to_le_bytes()),
                    "segment 0x8000000..0x8000007 does not fit into memory, 0x0..0x8000000 (see --memory)",
                ),
                (
                    "plain",
                    with(SECOND, &[0]),
                    "has no PVH entry note (XEN_ELFNOTE_PHYS32_ENTRY), so this board cannot start it",
                ),
            ],
            _ => [
                ("empty", vec![], "is empty"),
                (
                    "x86",
                    with(MACHINE, &[62]),
                    "is for another machine: x86-64 (see --arch)",
                ),
                (
                    "low",
                    with(PHYSICAL, &0x1000u64.to_le_bytes()),
                    "segment 0x1000..0x100e does not fit into memory, 0x80000000..0x88000000 (see --memory)",
                ),
                (
                    "high",
                    with(PHYSICAL, &0x8800_0000u64.to_le_bytes()),
                    "segment 0x88000000..0x8800000e does not fit into memory, 0x80000000..0x88000000 (see --memory)",
                ),
                (
                    "long",
                    vec![0x13; (128 << 20) + 1],
                    "segment 0x80000000..0x88000001 does not fit into memory, 0x80000000..0x88000000 (see --memory)",
                ),
            ],
        });
        let files: Vec<(&str, &[u8])> = rows
            .iter()
            .map(|(name, content, _)| (*name, &content[..]))
            .collect();
        let folder = folder(&files);
        for (name, _, reason) in &rows {
            let line = format!("{name}: {reason}");
            refused(arch, &folder, &["boot", "--kernel", name], &line);
        }
        let none = "none: No such file or directory (os error 2)";
        refused(arch, &folder, &["boot", "--kernel", "none"], none);
        let folder_itself = ".: Is a directory (os error 21)";
        refused(arch, &folder, &["boot", "--kernel", "."], folder_itself);
    }
}

#[test]
fn what_only_the_risc_v_board_takes_is_checked_there_and_refused_elsewhere() {
    let good = good("riscv64");
    let narrow = with(&good, CLASS, &[1]);
    let almost_all = vec![0x13; (2 << 20) - (32 << 10)];
    let folder = folder(&[
        ("good", &good),
        ("narrow", &narrow),
        ("wide", &almost_all),
        ("empty", b""),
    ]);
    let arch = "riscv64";
    for (arguments, line) in [
        (
            &["wide", "--memory", "2M"][..],
            "the device tree does not fit into memory beside the kernel (see --memory)",
        ),
        (
            &["good", "--bios", "none"],
            "none: No such file or directory (os error 2)",
        ),
        (&["good", "--bios", "empty"], "empty: is empty"),
        (
            &["good", "--load", "good@0x1000"],
            "good: does not fit into memory at 0x1000 (see --memory)",
        ),
        (
            &["good", "--load", "none@0x80001000"],
            "none: No such file or directory (os error 2)",
        ),
    ] {
        refused(
            arch,
            &folder,
            &[&["boot", "--kernel"], arguments].concat(),
            line,
        );
    }
    let ran = riscv::boot(&narrow, &[]);
    assert_eq!(
        (ran.status, ran.stderr.lines().count()),
        (125, 1),
        "{}",
        ran.stderr
    );
    for arguments in [
        &["--sbi"][..],
        &["--legacy-virtio"],
        &["--bios", "good"],
        &["--load", "good@0x80001000"],
    ] {
        let ran = glassbox(&[&["boot"], arguments].concat(), b"");
        let line = format!("glassbox: {} is for --arch riscv64\n", arguments[0]);
        assert_eq!((ran.stderr, ran.status), (line, 2));
    }
}

#[test]
fn a_kernel_that_overlaps_or_wraps_around_is_named_with_the_reason() {
    for arch in arches() {
        let good = good(arch);
        // The segment stands in the list twice.
        let header = &good[SEGMENT..SECOND];
        let list = (good.len() as u64).to_le_bytes();
        let twice = with(&with(&good, HEADERS, &list), COUNT, &[2]);
        let twice = [&twice, header, header].concat();
        let wrapped = with(&good, PHYSICAL, &u64::MAX.to_le_bytes());
        // Where the boot information goes, or below memory.
        let low = with(&good, PHYSICAL, &0x9_0000u64.to_le_bytes());
        let folder = folder(&[("twice", &twice), ("wrapped", &wrapped), ("low", &low)]);
        for name in ["twice", "wrapped", "low"] {
            let path = folder.path().join(name);
            let ran = glassbox(
                &on(arch, &["boot", "--kernel", path.to_str().unwrap()]),
                b"",
            );
            assert_eq!(ran.status, 125, "{name}: {}", ran.stderr);
            assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
            assert!(
                ran.stderr.starts_with("glassbox: ") && ran.stderr.contains(name),
                "{}",
                ran.stderr
            );
        }
    }
}

#[test]
fn every_cut_of_a_kernel_is_refused_or_runs() {
    for arch in arches() {
        let good = good(arch);
        let folder = folder(&[]);
        let path = folder.path().join("cut");
        // What lies behind the segments is for those who look at the file.
        let end = match arch {
            "x86_64" => good.len(),
            _ => end_of_segment(&good),
        };
        for len in (0..end).step_by(7) {
            std::fs::write(&path, &good[..len]).unwrap();
            let ran = glassbox(
                &on(arch, &["boot", "--kernel", path.to_str().unwrap()]),
                b"",
            );
            assert_eq!(
                (ran.status, ran.stderr.lines().count()),
                (125, 1),
                "{len} bytes: {}",
                ran.stderr
            );
        }
    }
}

#[test]
fn a_disk_that_cannot_be_used_is_named_with_the_reason() {
    for arch in arches() {
        let zeros = vec![0; 1 << 20];
        let folder = folder(&[
            ("empty", b""),
            ("odd", &zeros[..1000]),
            ("zeros", &zeros),
            ("tiny", &zeros[..512]),
        ]);
        let run = |disk: &str| ["run", "--disk", disk, "--", "true"].map(str::to_owned);
        for (disk, reason) in [
            ("none", "No such file or directory (os error 2)"),
            (".", "is a directory, not a disk image"),
            (
                "empty",
                "0 bytes is not a disk's size: it takes whole sectors of 512 bytes",
            ),
            (
                "odd",
                "1000 bytes is not a disk's size: it takes whole sectors of 512 bytes",
            ),
            ("zeros", "no Silica file system on the disk"),
            ("tiny", "no Silica file system on the disk"),
        ] {
            let arguments = run(disk);
            refused(
                arch,
                &folder,
                &arguments.each_ref().map(String::as_str),
                &format!("{disk}: {reason}"),
            );
        }
    }
}

#[test]
fn a_damaged_file_system_is_found_before_the_guest_starts() {
    for arch in arches() {
        let folder = folder(&[]);
        let disk = disk_in(arch, &folder);
        let good = std::fs::read(&disk).unwrap();
        // Damage of one block after the other near the disk's beginning, where everything important lies.
        for block in 0..4 {
            let mut bad = good.clone();
            bad[block * 4096..(block + 1) * 4096].fill(0xa5);
            std::fs::write(&disk, &bad).unwrap();
            let ran = glassbox(
                &on(arch, &["run", "--disk", &disk, "--", "echo alive"]),
                b"",
            );
            match ran.status {
                0 => assert_eq!(ran.text(), "alive\n", "block {block}"),
                125 => {
                    assert_eq!(
                        ran.stderr.lines().count(),
                        1,
                        "block {block}: {}",
                        ran.stderr
                    );
                    assert!(ran.stderr.contains("disk.img: "), "{}", ran.stderr);
                }
                status => panic!("block {block}: status {status}, {}", ran.stderr),
            }
        }
        std::fs::write(&disk, &good[..good.len() / 2]).unwrap();
        let ran = glassbox(&on(arch, &["run", "--disk", &disk, "--", "true"]), b"");
        assert_eq!(
            (ran.status, ran.stderr.lines().count()),
            (125, 1),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn machines_that_cannot_be_built_are_refused() {
    for arch in arches() {
        let folder = folder(&[]);
        let most = if arch == "x86_64" { 3072 } else { 8192 };
        let range = format!("this board takes whole pages from 2 MiB to {most} MiB");
        for (option, value, line) in [
            ("--cpus", "0", "0 CPUs: this board has 1 to 8".to_owned()),
            ("--cpus", "9", "9 CPUs: this board has 1 to 8".to_owned()),
            ("--memory", "0", format!("0 bytes of memory: {range}")),
            (
                "--memory",
                "1M",
                format!("1048576 bytes of memory: {range}"),
            ),
            (
                "--memory",
                "100G",
                format!("107374182400 bytes of memory: {range}"),
            ),
            (
                "--initrd",
                "none",
                "none: No such file or directory (os error 2)".to_owned(),
            ),
        ] {
            refused(arch, &folder, &["run", option, value, "--", "true"], &line);
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_refused_and_a_long_one_runs() {
    for arch in arches() {
        let long = "echo a; ".repeat(4000);
        let ran = glassbox(&on(arch, &["run", "--", &long]), b"");
        ran.prints(&"a\n".repeat(4000));
        let ran = glassbox(&on(arch, &["run", "--", &"echo a; ".repeat(10_000)]), b"");
        assert_eq!(ran.status, 125);
        assert!(
            ran.stderr.contains("the command line has 80"),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn options_that_make_no_sense_are_wrong_usage() {
    for (arguments, reason) in [
        (
            &["--memory", "x"][..],
            "'x' is not a number with suffix K, M or G",
        ),
        (&["--memory", "99999999999G"], "99999999999G is too large"),
        (&["--cpus", "two"], "invalid value 'two' for '--cpus <N>'"),
        (&["--seed", "-1"], "unexpected argument '-1'"),
        (&["--max-instructions", "1x"], "'1x' is not a number"),
        (
            &["--hash-every", "0"],
            "invalid value '0' for '--hash-every <N>'",
        ),
        (
            &["--hang-after", "0"],
            "invalid value '0' for '--hang-after <SECONDS>'",
        ),
        (
            &["--arch", "mips"],
            "invalid value 'mips' for '--arch <ARCH>'",
        ),
        (&["--persist"], "--disk <IMG>"),
        (&["--rtc", "noon"], "--rtc noon: neither 'now' nor seconds"),
        (&["--put", ".."], "--put ..: name the guest's path too"),
        (&["--get", "/"], "--get /: name the host's path too"),
        (&["--colour"], "unexpected argument '--colour'"),
    ] {
        let ran = glassbox(&[&["run"], arguments, &["--", "true"]].concat(), b"");
        assert_eq!(
            (ran.status, ran.text().as_str()),
            (2, ""),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains(reason), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn files_that_cannot_be_moved_are_named() {
    for arch in arches() {
        let folder = folder(&[("zeros", &[0; 8192])]);
        let put = images(arch).join("fs.img").to_str().unwrap().to_owned() + ": --put: ";
        let none = "none: No such file or directory";
        refused(
            arch,
            &folder,
            &["run", "--put", "none", "--", "true"],
            &format!("{put}{none} (os error 2)"),
        );
        refused(
            arch,
            &folder,
            &["run", "--get", "/none", "--", "true"],
            &format!("--get: guest's /{none}"),
        );
        let get = ["run", "--get", "/bin/ls:none/ls", "--", "true"];
        refused(
            arch,
            &folder,
            &get,
            "--get: none/ls: No such file or directory (os error 2)",
        );
        let put = ["run", "--disk", "zeros", "--put", "zeros", "--", "true"];
        refused(
            arch,
            &folder,
            &put,
            "zeros: --put: no Silica file system on the disk",
        );
    }
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    for arch in arches() {
        let folder = folder(&[]);
        let report = "none/report.json";
        let line = format!("{report}: No such file or directory (os error 2)");
        refused(
            arch,
            &folder,
            &["run", "--report", report, "--", "true"],
            &line,
        );
        let full = || File::options().write(true).open("/dev/full").unwrap();
        for arguments in [
            &["run", "--", "echo hi"][..],
            &["stat", "--json", "--", "true"],
            &["boot"],
        ] {
            let child = command()
                .args(on(arch, arguments))
                .stdin(Stdio::piped())
                .stdout(full())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let ran = feed(child, Vec::new());
            assert_eq!(ran.status, 125, "{arguments:?}: {}", ran.stderr);
            assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
            assert!(
                ran.stderr.contains("No space left on device"),
                "{}",
                ran.stderr
            );
        }
        // Nobody hears complaints about standard error; the status tells.
        let mut child = command()
            .args(on(arch, &["stat", "--hash", "--", "exit 4"]))
            .stderr(full())
            .spawn()
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(4));
    }
}

/// What is in `folder` beside the disk.
fn leftovers(folder: &TempDir) -> Vec<String> {
    let names = std::fs::read_dir(folder.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "disk.img").collect()
}

#[test]
fn a_persisted_disk_is_replaced_and_never_written_into() {
    for arch in arches() {
        let folder = folder(&[]);
        let disk = disk_in(arch, &folder);
        let original = std::fs::read(&disk).unwrap();
        let mut old = File::open(&disk).unwrap();
        let line = "echo kept >/root/note; seq 1 20000 >/root/numbers; rm /README";
        let ran = glassbox(
            &on(arch, &["run", "--disk", &disk, "--persist", "--", line]),
            b"",
        );
        ran.prints("");
        let mut bytes = Vec::new();
        old.read_to_end(&mut bytes).unwrap();
        assert!(
            bytes == original,
            "the old image is as it was, under another name or none"
        );
        assert!(std::fs::read(&disk).unwrap() != original);
        assert_eq!(leftovers(&folder), [""; 0]);
    }
}

#[test]
fn an_emulator_that_is_killed_leaves_the_old_disk() {
    for arch in arches() {
        let folder = folder(&[]);
        let disk = disk_in(arch, &folder);
        let original = std::fs::read(&disk).unwrap();
        let line = "echo lost >/root/note; sync; echo written; while true; do :; done";
        let mut child = command()
            .args(on(arch, &["run", "--disk", &disk, "--persist", "--", line]))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut text = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut text)
            .unwrap();
        assert_eq!(text, "written\n");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(std::fs::read(&disk).unwrap() == original);
    }
}

#[test]
fn a_host_without_room_leaves_the_old_disk() {
    for arch in arches() {
        let folder = folder(&[]);
        let disk = disk_in(arch, &folder);
        let original = std::fs::read(&disk).unwrap();
        // The limit lets no file grow beyond 1 MiB, so that writing the new image fails half-way.
        let program = command().get_program().to_owned();
        let script = "ulimit -f 1024; trap '' XFSZ; exec \"$0\" run --arch \"$2\" --disk \"$1\" --persist -- 'echo lost >/root/note'";
        let output = std::process::Command::new("bash")
            .args(["-c", script])
            .arg(Path::new(&program))
            .args([disk.as_str(), arch])
            .env("GLASSBOX_IMAGES", images(arch).parent().unwrap())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{stderr}");
        assert_eq!(
            stderr,
            format!("glassbox: {disk}: File too large (os error 27)\n")
        );
        assert!(std::fs::read(&disk).unwrap() == original);
        assert_eq!(leftovers(&folder), [""; 0]);
    }
}
