//! Assembler, linker and disassembler of the cross binutils.

use std::path::Path;
use std::process::Command;

/// What every assembly here may use.
const ARCH: &str = "-march=rv64gc_zba_zbb_zbs_zicboz";

/// One of the programs, in `folder`.
pub fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(format!("riscv64-linux-gnu-{program}"));
    command.current_dir(folder);
    command
}

/// Runs a command to its end; what it printed.
///
/// # Panics
/// It cannot be started, or fails.
pub fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}

/// Assembles `source` into `object` with these symbols.
pub fn assemble(folder: &Path, source: &Path, object: &str, symbols: &[(&str, u64)]) {
    let mut command = command("as", folder);
    command.args([ARCH, "-g", "-mno-arch-attr", "-o", object]);
    for (name, value) in symbols {
        command.args(["--defsym", &format!("{name}={value:#x}")]);
    }
    if let Some(beside) = source.parent() {
        command.arg("-I").arg(beside);
    }
    run(command.arg(source));
}

/// Links `object` into `program`, its sections where `sections` says; packed if nobody has to map its pages.
pub fn link(folder: &Path, object: &str, program: &str, sections: &[(&str, u64)], packed: bool) {
    let mut command = command("ld", folder);
    command.args(["--no-relax", "--no-warn-rwx-segments", "-o", program]);
    if packed {
        command.arg("--omagic");
    }
    for (section, at) in sections {
        command.arg(format!("--section-start={section}={at:#x}"));
    }
    run(command.arg(object));
}

/// The names of the instructions in `code`, in turn, without aliases; empty for what is none.
///
/// # Panics
/// The disassembler's output makes no sense.
pub fn disassemble(code: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).expect("the folder takes files");
    };
    write("code.bin", code);
    write("code.s", b".incbin \"code.bin\"\n");
    run(command("as", folder.path()).args([ARCH, "-o", "code.o", "code.s"]));
    // A symbol says that these are data.
    run(command("objcopy", folder.path()).args(["--strip-all", "code.o"]));
    let text = run(command("objdump", folder.path()).args(["-d", "-M", "no-aliases", "code.o"]));
    // Lines read "   0:	0001                	c.addi	zero,0".
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let address = fields.next()?.trim().strip_suffix(':')?;
            u64::from_str_radix(address, 16).ok()?;
            let text = fields.nth(1)?;
            let name = text.split_whitespace().next()?;
            // For HINTs of 16 bits it has names of its own. What atomics order is no part of their names.
            let name = ["aqrl", "aq", "rl"]
                .iter()
                .find_map(|order| name.strip_suffix(order)?.strip_suffix('.'))
                .unwrap_or(name.strip_suffix("64").unwrap_or(name));
            // A reserved rounding mode is "unknown".
            let none = name.starts_with('.') || fields.next().unwrap_or(text).contains("unknown");
            Some(match none {
                true => String::new(),
                false => name.to_string(),
            })
        })
        .collect()
}
