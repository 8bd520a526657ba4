//! Programs for the whole machine: `programs/*.S`, which check themselves and end by the test finisher. They run here and
//! on QEMU's `virt` board, which is the judge of what they expect.

use crate::binutils::{assemble, command, link, run};
use base::{Seeded, Silent};
use cpu::mmu::tlb::Shape;
use machine::virt::{Boot, Config, Virt};
use machine::{Limits, Machine, Outcome};
use std::path::Path;
use std::process::Command;

/// Bytes of memory.
const MEMORY: u64 = 16 << 20;
/// Where a program for M-mode lies: at the beginning of memory.
const TEXT: u64 = 0x8000_0000;
/// Where one for S-mode lies: behind what firmware takes.
const KERNEL: u64 = TEXT + 0x20_0000;
/// Instructions after which a program that does not end has failed.
const LIMIT: u64 = 10_000_000;

/// Builds program `name`, for M-mode, with these symbols; its ELF file.
pub fn build(name: &str, symbols: &[(&str, u64)]) -> Vec<u8> {
    build_at(TEXT, name, symbols)
}

fn build_at(text: u64, name: &str, symbols: &[(&str, u64)]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("programs/{name}.S"));
    assemble(folder.path(), &source, "program.o", symbols);
    link(
        folder.path(),
        "program.o",
        "program",
        &[(".text", text)],
        true,
    );
    std::fs::read(folder.path().join("program")).expect("it was just made")
}

/// The smallest TLB that there can be.
const TINY: Shape = Shape { sets: 1, ways: 1 };

/// A board about to run `elf` in M-mode.
pub fn board(elf: &[u8], harts: usize, tlb: Shape) -> Virt {
    board_for(Boot::Machine, elf, harts, tlb)
}

fn board_for(boot: Boot<'_>, elf: &[u8], harts: usize, tlb: Shape) -> Virt {
    let config = Config {
        harts,
        memory: MEMORY,
        boot,
        tlb,
        ..Config::new(elf)
    };
    Virt::new(config).expect("the linker makes sound files")
}

/// A machine with that board and a usual TLB.
pub fn machine(elf: &[u8], harts: usize) -> Machine<Virt, Seeded> {
    Machine::new(board(elf, harts, Shape::default()), Seeded::new(1))
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether it says that all is well.
    pub well: bool,
    /// What it printed, and how it ended.
    pub said: String,
}

/// Runs `board` to its end.
fn here(board: Virt) -> Ended {
    let limits = Limits {
        instructions: LIMIT,
        ..Limits::default()
    };
    let mut machine = Machine::new(board, Seeded::new(1));
    let outcome = machine.run(&limits, &mut Silent);
    let serial = machine.board.chips.peripherals.take_output().serial;
    Ended {
        well: outcome == Outcome::PowerOff,
        said: format!("{} {outcome:?}", String::from_utf8_lossy(&serial)),
    }
}

/// Runs `elf` on QEMU with this firmware.
fn qemu(bios: &str, elf: &[u8], harts: usize) -> Ended {
    const OPTIONS: &str = "60 qemu-system-riscv64 -M virt -m 16M -display none -monitor none -serial stdio \
        -cpu rv64,zbc=false,Zfh=false,h=false,v=false -kernel program";
    let folder = tempfile::tempdir().expect("there is room for a folder");
    std::fs::write(folder.path().join("program"), elf).expect("the folder takes files");
    let mut qemu = Command::new("timeout");
    qemu.current_dir(folder.path());
    qemu.args(OPTIONS.split_whitespace());
    qemu.args(["-bios", bios, "-smp", &harts.to_string()]);
    let output = qemu.output().expect("QEMU can be started");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        well: output.status.success(),
        said: text(&output.stdout) + &text(&output.stderr) + &output.status.to_string(),
    }
}

/// Where the check is whose failure a program printed.
fn place(elf: &[u8], said: &str) -> Option<String> {
    // Firmware has the lines before it.
    let word = said.lines().last()?.split(' ').next()?;
    let number = u64::from_str_radix(word, 16).ok()?;
    let folder = tempfile::tempdir().ok()?;
    std::fs::write(folder.path().join("program"), elf).ok()?;
    let symbols = run(command("nm", folder.path()).arg("program"));
    let symbols = String::from_utf8_lossy(&symbols);
    let check = format!(" check.{number}");
    let symbol = symbols.lines().find(|line| line.ends_with(&check))?;
    let address = symbol.split(' ').next()?;
    let line = run(command("addr2line", folder.path()).args(["-e", "program", address]));
    Some(String::from_utf8_lossy(&line).trim().to_string())
}

/// Runs program `name` on both machines; it ends well.
///
/// # Panics
/// It does not.
pub fn passes(name: &str, harts: usize) {
    let elf = build(name, &[("QEMU", 1)]);
    ends_well(name, "QEMU", &elf, &qemu("none", &elf, harts));
    passes_here(name, harts);
}

/// Runs program `name` in the emulator; it ends well, whatever the TLB holds.
///
/// # Panics
/// It does not.
pub fn passes_here(name: &str, harts: usize) {
    let elf = build(name, &[]);
    for (who, tlb) in [
        ("the emulator", Shape::default()),
        ("the emulator with a tiny TLB", TINY),
    ] {
        ends_well(name, who, &elf, &here(board(&elf, harts, tlb)));
    }
}

/// Runs program `name` in S-mode, over QEMU's firmware and over the board's own SBI; it ends well.
///
/// # Panics
/// It does not.
pub fn passes_over_firmware(name: &str, harts: usize) {
    let elf = build_at(KERNEL, name, &[]);
    ends_well(name, "OpenSBI", &elf, &qemu("default", &elf, harts));
    let board = board_for(Boot::Supervisor, &elf, harts, Shape::default());
    ends_well(name, "the built-in SBI", &elf, &here(board));
}

fn ends_well(name: &str, who: &str, elf: &[u8], ended: &Ended) {
    let place = place(elf, &ended.said).unwrap_or_default();
    assert!(ended.well, "{name}.S on {who}: {place}: {}", ended.said);
}
