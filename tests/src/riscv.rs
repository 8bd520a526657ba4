//! RISC-V kernels and programs made on the spot: assembly for the cross binutils.
//!
//! Kernels are entered in M-mode at the beginning of memory. Their code says what it found with `put "TEXT"` on the serial
//! port and ends the machine with `finish WORD`, which is for the test finisher; both may change a0, a1 and a2.

use crate::glassbox::{Ran, glassbox};
use riscv::binutils::{assemble, command, link, run};
use std::io::Write;

/// Where memory begins.
pub const BASE: u64 = 0x8000_0000;

/// The macros, and the entry point. 0x5555 switches the power off, `CODE << 16 | 0x3333` says that something failed.
const MACROS: &str = r#"
    .macro  put text
    .pushsection .rodata
7:  .asciz  "\text"
    .popsection
    la      a0, 7b
    lui     a1, 0x10000
8:  lbu     a2, (a0)
    beqz    a2, 9f
    sb      a2, (a1)
    addi    a0, a0, 1
    j       8b
9:
    .endm

    .macro  finish word
    li      a0, \word
    lui     a1, 0x100
    sw      a0, (a1)
    j       .
    .endm

    .globl  _start
_start:
"#;

/// The ELF file of a kernel with this code.
pub fn elf(code: &str) -> Vec<u8> {
    build(&[MACROS, code, "\n"].concat(), &[(".text", BASE)], true)
}

/// The ELF file of a program for the guest, which begins with this code, with these sections elsewhere.
pub fn program(code: &str, sections: &[(&str, u64)]) -> Vec<u8> {
    let source = [".globl _start\n_start:\n", code, "\n"].concat();
    build(&source, sections, false)
}

fn build(source: &str, sections: &[(&str, u64)], packed: bool) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("source.S");
    std::fs::write(&path, source).expect("the source is written");
    assemble(folder.path(), &path, "object", &[]);
    link(folder.path(), "object", "elf", sections, packed);
    // Where the source lay has no place in what is said of the file.
    run(command("objcopy", folder.path()).args(["--strip-debug", "elf"]));
    std::fs::read(folder.path().join("elf")).expect("it was just made")
}

/// Boots a kernel with these further options and waits for its end.
#[track_caller]
pub fn boot(kernel: &[u8], options: &[&str]) -> Ran {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(kernel).expect("the kernel is written");
    let path = file.path().to_str().expect("a plain name");
    let boot = ["boot", "--arch", "riscv64", "--kernel", path];
    glassbox(&[&boot, options].concat(), b"")
}
