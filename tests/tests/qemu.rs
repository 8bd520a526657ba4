//! Silica on QEMU's `microvm`: the same images, unchanged.

use std::path::Path;
use std::process::{Command, Stdio};
use tests::glassbox::{Ran, feed, glassbox, images};

/// Runs Silica on QEMU with this disk, typing `input` on its console.
#[track_caller]
fn qemu(cpus: u32, disk: &Path, append: &str, input: &[u8]) -> Ran {
    let machine = "-M microvm,acpi=off -m 128M -no-reboot -nodefaults -display none -serial stdio \
                   -global virtio-mmio.force-legacy=false -device isa-debug-exit,iobase=0xf4,iosize=4 \
                   -device virtio-blk-device,drive=d0";
    let drive = format!("if=none,id=d0,format=raw,file={}", disk.display());
    // QEMU knows nothing of a guest that hangs; `timeout` ends it with status 124.
    let child = Command::new("timeout")
        .args(["120", "qemu-system-x86_64"])
        .args(machine.split_whitespace())
        .args([
            "-smp",
            &cpus.to_string(),
            "-append",
            append,
            "-drive",
            &drive,
        ])
        .arg("-kernel")
        .arg(images("x86_64").join("kernel.elf"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("timeout starts");
    let ran = feed(child, input.to_vec());
    assert_ne!(
        ran.status, 127,
        "QEMU is missing: install Debian's qemu-system-x86"
    );
    ran
}

/// The status that QEMU gives for this word on the debug-exit port.
fn status_of(word: i32) -> i32 {
    (word << 1 | 1) & 0xff
}

/// A copy of Silica's disk.
fn disk() -> tempfile::TempPath {
    let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::copy(images("x86_64").join("fs.img"), &path).unwrap();
    path
}

#[test]
fn the_shell_answers_with_one_two_and_four_cpus() {
    for cpus in [1, 2, 4] {
        // What is typed before the driver is there may be lost: an empty line.
        let script = b"\nls /\nnproc\nseq 1 1000 | sort -n | tail -n 1 | tr 0 o\npoweroff 5\n";
        let ran = qemu(cpus, &disk(), "", script);
        let text = ran.text().replace('\r', "");
        assert_eq!(ran.status, status_of(5), "{text}{}", ran.stderr);
        assert!(
            text.contains("\nREADME  bin  dev  etc  proc  root  tmp\n"),
            "{text}"
        );
        assert!(text.contains(&format!("\n{cpus}\n$ ")), "{text}");
        assert!(text.contains("\n1ooo\n$ "), "{text}");
    }
}

#[test]
fn a_line_is_run_and_its_status_is_the_machines() {
    let ran = qemu(2, &disk(), "run=\"echo out; ls /bin | wc -l; exit 3\"", b"");
    let here = glassbox(&["run", "--", "echo out; ls /bin | wc -l; exit 3"], b"");
    // Without the console's ports a line has the serial console.
    assert_eq!(
        (ran.text().replace('\r', ""), ran.status),
        (here.text(), status_of(here.status)),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_written_there_is_read_here_and_the_reverse() {
    let disk = disk();
    let line = "run=\"seq 1 5000 >/root/numbers; mkdir /root/d; echo there >/root/d/f\"";
    let ran = qemu(2, &disk, line, b"");
    assert_eq!(ran.status, status_of(0), "{}{}", ran.text(), ran.stderr);
    let path = disk.to_str().unwrap();
    let check =
        "wc -l </root/numbers; tail -n 1 /root/numbers; cat /root/d/f; echo here >/root/d/g";
    glassbox(&["run", "--disk", path, "--persist", "--", check], b"").prints("5000\n5000\nthere\n");
    let ran = qemu(1, &disk, "run=\"cat /root/d/f /root/d/g\"", b"");
    assert_eq!(
        (ran.text().replace('\r', ""), ran.status),
        ("there\nhere\n".to_owned(), status_of(0))
    );
}

#[test]
fn usertests_pass_there() {
    let ran = qemu(2, &disk(), "run=\"usertests\"", b"");
    let text = ran.text().replace('\r', "");
    let failed: Vec<&str> = text.lines().filter(|l| !l.starts_with("ok ")).collect();
    assert!(
        failed.len() == 1 && failed[0].ends_with(" passed, 0 failed"),
        "{failed:#?}"
    );
    assert_eq!(ran.status, status_of(0));
}
