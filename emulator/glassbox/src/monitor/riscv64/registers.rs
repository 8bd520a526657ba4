//! `info registers`, laid out as QEMU does (its target/riscv/cpu.c), and registers by name for expressions.

use machine::virt::Virt;
use machine::virt::riscv64::csr::status;
use machine::virt::riscv64::{Hart, Privilege, reg};
use std::fmt::Write;

/// The ABI's names of f0 to f31.
const FLOATS: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2",
    "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9",
    "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];

/// Adds the registers of hart number `cpu` to `text`.
pub fn show(board: &Virt, cpu: usize, text: &mut String) {
    let hart = &board.harts[cpu];
    // Writing into a string cannot fail.
    let _ = writeln!(text, "\nCPU#{cpu}");
    let mode = match hart.privilege {
        Privilege::User => "user",
        Privilege::Supervisor => "supervisor",
        Privilege::Machine => "machine",
    };
    let _ = writeln!(text, " mode     {mode}");
    let _ = writeln!(text, " pc       {:016x}", hart.pc);
    for (name, value) in control(hart) {
        let _ = writeln!(text, " {name:<8} {value:016x}");
    }
    let rows = [("x", &reg::NAMES, 0), ("f", &FLOATS, usize::from(reg::F0))];
    for (letter, names, first) in rows {
        for (number, name) in names.iter().enumerate() {
            let name = format!("{letter}{number}/{name}");
            let _ = write!(text, " {name:<8} {:016x}", hart.regs[first + number]);
            text.push_str(if number % 4 == 3 { "\n" } else { "" });
        }
    }
}

/// The control and status registers that a kernel is run with.
fn control(hart: &Hart) -> Vec<(&'static str, u64)> {
    let float = |register| hart.regs[usize::from(register)];
    vec![
        ("mhartid", hart.id),
        ("mstatus", hart.mstatus),
        (
            "sstatus",
            hart.mstatus & (status::SUPERVISOR | status::UXL_64),
        ),
        ("mip", hart.mip | hart.lines),
        ("mie", hart.mie),
        ("mideleg", hart.mideleg),
        ("medeleg", hart.medeleg),
        ("mtvec", hart.m.tvec),
        ("stvec", hart.s.tvec),
        ("mepc", hart.m.epc),
        ("sepc", hart.s.epc),
        ("mcause", hart.m.cause),
        ("scause", hart.s.cause),
        ("mtval", hart.m.tval),
        ("stval", hart.s.tval),
        ("mscratch", hart.m.scratch),
        ("sscratch", hart.s.scratch),
        ("satp", hart.satp),
        ("menvcfg", hart.envcfg[0]),
        ("stimecmp", hart.stimecmp),
        ("fcsr", float(reg::FFLAGS) | float(reg::FRM) << 5),
    ]
}

/// The register with this name: as the ABI has it, by number, or a control and status register.
pub fn value(hart: &Hart, name: &str) -> Option<u64> {
    let name = name.to_ascii_lowercase();
    if name == "pc" {
        return Some(hart.pc);
    }
    if let Some(register) = reg::named(&name) {
        return Some(hart.regs[usize::from(register)]);
    }
    let by_number = name
        .strip_prefix('f')
        .and_then(|number| number.parse().ok());
    let by_name = || FLOATS.iter().position(|known| *known == name);
    if let Some(number) = by_number.filter(|number| *number < 32).or_else(by_name) {
        return Some(hart.regs[usize::from(reg::F0) + number]);
    }
    let control = control(hart).into_iter();
    control
        .into_iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}
