//! Silica on QEMU's `virt`, the RISC-V board: entered in M-mode without any firmware, and in S-mode over OpenSBI.

use std::path::Path;
use std::process::{Command, Stdio};
use tests::glassbox::{Ran, feed, glassbox, images};

/// A machine that QEMU makes.
struct Virt<'a> {
    harts: u32,
    /// QEMU's options for the CPU and firmware.
    options: &'a [&'a str],
    kernel: &'a Path,
}

impl Virt<'_> {
    /// Runs Silica with this command line, typing `input` on its console.
    #[track_caller]
    fn run(&self, append: &str, input: &[u8]) -> Ran {
        let disk = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::copy(images("riscv64").join("fs.img"), &disk).unwrap();
        let machine = "-M virt -m 128M -no-reboot -nodefaults -display none -serial stdio \
                       -global virtio-mmio.force-legacy=false -device virtio-blk-device,drive=d0 \
                       -device virtio-rng-device";
        let drive = format!("if=none,id=d0,format=raw,file={}", disk.display());
        // QEMU knows nothing of a guest that hangs; `timeout` ends it with a status that no run here has.
        let child = Command::new("timeout")
            .args(["--signal=KILL", "120", "qemu-system-riscv64"])
            .args(machine.split_whitespace())
            .args(self.options)
            .args(["-smp", &self.harts.to_string(), "-append", append])
            .args(["-drive", &drive])
            .arg("-kernel")
            .arg(self.kernel)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("timeout starts");
        let ran = feed(child, input.to_vec());
        assert_ne!(
            ran.status, 127,
            "QEMU is missing: install Debian's qemu-system-misc"
        );
        ran
    }

    /// Runs usertests, whose lines must be those of `expected`, a name each.
    #[track_caller]
    fn passes_usertests(&self, expected: &[String]) {
        let ran = self.run("run=\"usertests\"", b"");
        let text = ran.text().replace('\r', "");
        let silica = text.lines().skip_while(|line| !line.starts_with("ok "));
        let lines: Vec<String> = silica.map(without_time).collect();
        assert_eq!(lines, expected, "{}", ran.stderr);
        assert_eq!(ran.status, 0);
    }
}

/// In M-mode, with all harts at once: QEMU's `-bios none`.
fn bare(kernel: &Path, harts: u32) -> Virt<'_> {
    Virt {
        harts,
        options: &["-bios", "none"],
        kernel,
    }
}

/// A line of usertests without how long it took.
fn without_time(line: &str) -> String {
    match line.split_once(" (") {
        Some((line, _)) => line.to_owned(),
        None => line.to_owned(),
    }
}

/// What usertests print on the other architecture.
fn usertests_elsewhere() -> Vec<String> {
    let ran = glassbox(&["run", "--", "usertests"], b"");
    ran.text().lines().map(without_time).collect()
}

#[test]
fn the_shell_answers_with_one_two_and_eight_harts() {
    let kernel = images("riscv64").join("kernel.elf");
    for harts in [1, 2, 8] {
        // What is typed before the driver is there may be lost: an empty line.
        let script = b"\nls /\nnproc\nseq 1 1000 | sort -n | tail -n 1 | tr 0 o\npoweroff 5\n";
        let ran = bare(&kernel, harts).run("", script);
        let text = ran.text().replace('\r', "");
        assert_eq!(ran.status, 5, "{text}{}", ran.stderr);
        assert!(
            text.contains("\nREADME  bin  dev  etc  proc  root  tmp\n"),
            "{text}"
        );
        assert!(text.contains(&format!("\n{harts}\n$ ")), "{text}");
        assert!(text.contains("\n1ooo\n$ "), "{text}");
    }
}

#[test]
fn the_end_of_the_machine_says_how_the_line_ended() {
    let kernel = images("riscv64").join("kernel.elf");
    let machine = bare(&kernel, 2);
    for (append, status) in [
        ("run=\"exit 3\"", 3),
        ("run=\"kill -9 $$\"", 128 + 9),
        ("init=/nothing", 124),
    ] {
        let ran = machine.run(append, b"");
        assert_eq!(ran.status, status, "{append}: {}", ran.text());
    }
}

#[test]
fn a_panic_names_the_functions_on_the_stack() {
    let kernel = images("riscv64").join("kernel.elf");
    let text = bare(&kernel, 1).run("init=/nothing", b"").text();
    for function in [
        "core::panicking::panic_fmt+",
        "kernel::proc::init::main+",
        "kernel::arch::riscv64::context::start+",
    ] {
        assert!(text.contains(function), "{function}: {text}");
    }
}

#[test]
fn usertests_print_what_they_print_on_the_other_architecture() {
    let kernel = images("riscv64").join("kernel.elf");
    let expected = usertests_elsewhere();
    for harts in [1, 4] {
        bare(&kernel, harts).passes_usertests(&expected);
    }
}

#[test]
fn the_timer_works_without_a_comparator_of_s_mode() {
    let kernel = images("riscv64").join("kernel.elf");
    let machine = Virt {
        options: &["-bios", "none", "-cpu", "rv64,sstc=off"],
        ..bare(&kernel, 2)
    };
    machine.passes_usertests(&usertests_elsewhere());
}

#[test]
fn the_image_without_its_firmware_starts_over_opensbi() {
    // Program headers: where their table is, that of the first one's type (Elf64_Ehdr, Elf64_Phdr).
    const E_PHOFF: usize = 0x20;
    let mut elf = std::fs::read(images("riscv64").join("kernel.elf")).unwrap();
    let table = u64::from_le_bytes(elf[E_PHOFF..E_PHOFF + 8].try_into().unwrap()) as usize;
    elf[table..table + 4].fill(0); // PT_NULL
    let folder = tempfile::tempdir().unwrap();
    let kernel = folder.path().join("kernel.elf");
    std::fs::write(&kernel, elf).unwrap();
    let machine = Virt {
        options: &["-bios", "default"],
        ..bare(&kernel, 4)
    };
    machine.passes_usertests(&usertests_elsewhere());
}
