//! The peer: QEMU with its own translator (TCG), one CPU, the same kernel and disk.

use std::process::Command;

use anyhow::{Result, bail};

use super::Subject;
use crate::layout::Arch;
use crate::setup::apt::on_path;

/// What QEMU has for an architecture.
struct Qemu {
    program: &'static str,
    package: &'static str,
    board: &'static str,
    options: &'static str,
    /// Its exit status when Silica ends with the status [`SUCCESS`].
    done: i32,
}

/// What a line ends with that has succeeded: with 0, QEMU's status would be 1, as if it had not started.
const SUCCESS: i32 = 2;

/// QEMU for `arch`.
const fn of(arch: Arch) -> Qemu {
    match arch {
        // The debug-exit port makes (word << 1 | 1) a status.
        Arch::X86_64 => Qemu {
            program: "qemu-system-x86_64",
            package: "qemu-system-x86",
            board: "microvm",
            options: "-M microvm,acpi=off -device isa-debug-exit,iobase=0xf4,iosize=4",
            done: SUCCESS << 1 | 1,
        },
        Arch::Riscv64 => Qemu {
            program: "qemu-system-riscv64",
            package: "qemu-system-misc",
            board: "virt",
            options: "-M virt -bios none",
            done: SUCCESS,
        },
    }
}

/// Fails if QEMU is not there.
pub fn is_there(arch: Arch) -> Result<()> {
    let qemu = of(arch);
    if !on_path(qemu.program) {
        bail!(
            "{} is missing: apt-get install {}",
            qemu.program,
            qemu.package
        );
    }
    Ok(())
}

/// Its name in tables: `qemu microvm`.
pub fn name(arch: Arch) -> String {
    format!("qemu {}", of(arch).board)
}

/// Its exit status when the guest's line has succeeded.
pub const fn done(arch: Arch) -> i32 {
    of(arch).done
}

/// QEMU, booting the subject's kernel with this command line.
pub fn boot(subject: &Subject, command_line: &str) -> Command {
    let qemu = of(subject.arch);
    let disk = subject.images.join("fs.img");
    let mut command = Command::new(qemu.program);
    command.args(qemu.options.split_whitespace());
    command.args(
        "-accel tcg -m 128M -smp 1 -no-reboot -nodefaults -display none -serial stdio -snapshot"
            .split_whitespace(),
    );
    command.args(["-global", "virtio-mmio.force-legacy=false"]);
    command
        .arg("-drive")
        .arg(format!("if=none,id=d0,format=raw,file={}", disk.display()));
    command.args(["-device", "virtio-blk-device,drive=d0"]);
    command.args(["-append", command_line]);
    command
        .arg("-kernel")
        .arg(subject.images.join("kernel.elf"));
    command
}

/// QEMU, running a shell line in the guest; it ends with [`done`] if the line succeeds.
pub fn line(subject: &Subject, line: &str) -> Command {
    boot(subject, &format!("run=\"{line} && exit {SUCCESS}\""))
}
