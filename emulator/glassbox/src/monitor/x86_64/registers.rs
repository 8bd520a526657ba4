//! `info registers`, laid out as QEMU does (its target/i386/cpu-dump.c), and registers by name for expressions.

use machine::pc::Pc;
use machine::pc::x86_64::reg::{self, MXCSR, XMM0};
use machine::pc::x86_64::state::{Segment, seg};
use machine::pc::x86_64::{Activity, Hart};
use std::fmt::Write;

/// The general registers' numbers in QEMU's order of showing them.
const ORDER: [usize; 16] = [0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15];
/// The names of the first eight, without the letter for the width.
const NAMES: [&str; 8] = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
/// Segment registers in the encoding's order.
const SEGMENTS: [&str; 6] = ["es", "cs", "ss", "ds", "fs", "gs"];

/// Adds the registers of CPU number `cpu` to `text`.
pub fn show(board: &Pc, cpu: usize, text: &mut String) {
    let hart = &board.harts[cpu];
    let long = hart.mode().long();
    // Writing into a string cannot fail.
    let _ = writeln!(text, "\nCPU#{cpu}");
    let _ = general(hart, long, text);
    for (index, name) in SEGMENTS.iter().enumerate() {
        let base = hart.base(index);
        let _ = segment(hart, &name.to_uppercase(), &hart.segs[index], base, text);
    }
    for (name, register) in [("LDT", &hart.ldtr), ("TR", &hart.tr)] {
        let _ = segment(hart, name, register, register.base, text);
    }
    let _ = system(hart, long, text);
    let _ = float(hart, long, text);
}

fn general(hart: &Hart, long: bool, text: &mut String) -> std::fmt::Result {
    let flags = hart.rflags();
    let letters: String = [
        (10, 'D'),
        (11, 'O'),
        (7, 'S'),
        (6, 'Z'),
        (4, 'A'),
        (2, 'P'),
        (0, 'C'),
    ]
    .map(|(bit, letter)| if flags >> bit & 1 != 0 { letter } else { '-' })
    .iter()
    .collect();
    let state = format!(
        "[{letters}] CPL={} II={} A20=1 SMM=0 HLT={}",
        hart.cpl,
        u8::from(hart.shadow),
        u8::from(hart.activity == Activity::Halted)
    );
    let count = if long { 16 } else { 8 };
    for (at, &number) in ORDER[..count].iter().enumerate() {
        let value = hart.regs[number];
        let end = if at % 4 == 3 { '\n' } else { ' ' };
        match number {
            0..8 if long => write!(text, "R{}={value:016x}{end}", NAMES[number].to_uppercase())?,
            0..8 => {
                let value = value as u32;
                write!(text, "E{}={value:08x}{end}", NAMES[number].to_uppercase())?;
            }
            _ => write!(text, "{:<3}={value:016x}{end}", format!("R{number}"))?,
        }
    }
    if long {
        writeln!(text, "RIP={:016x} RFL={flags:08x} {state}", hart.pc)
    } else {
        writeln!(text, "EIP={:08x} EFL={flags:08x} {state}", hart.pc)
    }
}

/// One segment register with its hidden part; the flags are bits 8..23 of the descriptor's upper half.
fn segment(
    hart: &Hart,
    name: &str,
    segment: &Segment,
    base: u64,
    text: &mut String,
) -> std::fmt::Result {
    let Segment {
        selector,
        attr,
        limit,
        ..
    } = *segment;
    let granular = attr & 1 << 15 != 0;
    let nibble = limit >> if granular { 28 } else { 16 } & 15;
    let flags = u32::from(attr & 0xff) << 8 | nibble << 16 | u32::from(attr >> 12) << 20;
    let width = if hart.mode().long() { 16 } else { 8 };
    write!(
        text,
        "{name:<3}={selector:04x} {base:0width$x} {limit:08x} {flags:08x}"
    )?;
    let present = attr & 0x80 != 0;
    let protected = hart.cr0 & 1 != 0;
    if !(present && protected) {
        return writeln!(text);
    }
    let bit = |bit: u16, set: char| if attr >> bit & 1 != 0 { set } else { '-' };
    let (long, big) = (attr & 1 << 13 != 0, attr & 1 << 14 != 0);
    write!(text, " DPL={} ", attr >> 5 & 3)?;
    let code_or_data = attr & 0x10 != 0;
    if !code_or_data {
        return writeln!(text, "{}", system_type(hart.long(), attr & 15));
    }
    let accessed = bit(0, 'A');
    if attr & 8 != 0 {
        let size = match (long, big) {
            (true, _) => "CS64",
            (false, true) => "CS32",
            (false, false) => "CS16",
        };
        writeln!(text, "{size} [{}{}{accessed}]", bit(2, 'C'), bit(1, 'R'))
    } else {
        let size = if big || hart.long() { "DS  " } else { "DS16" };
        writeln!(text, "{size} [{}{}{accessed}]", bit(2, 'E'), bit(1, 'W'))
    }
}

/// What a system segment is (SDM vol. 3, table 3-2).
const fn system_type(long: bool, kind: u16) -> &'static str {
    match (long, kind) {
        (true, 0) => "<hiword>",
        (_, 2) => "LDT",
        (true, 9) => "TSS64-avl",
        (true, 11) => "TSS64-busy",
        (true, 12) => "CallGate64",
        (true, 14) => "IntGate64",
        (true, 15) => "TrapGate64",
        (false, 1) => "TSS16-avl",
        (false, 3) => "TSS16-busy",
        (false, 4) => "CallGate16",
        (false, 5) => "TaskGate",
        (false, 6) => "IntGate16",
        (false, 7) => "TrapGate16",
        (false, 9) => "TSS32-avl",
        (false, 11) => "TSS32-busy",
        (false, 12) => "CallGate32",
        (false, 14) => "IntGate32",
        (false, 15) => "TrapGate32",
        _ => "Reserved",
    }
}

fn system(hart: &Hart, long: bool, text: &mut String) -> std::fmt::Result {
    let width = if long { 16 } else { 8 };
    for (name, (base, limit)) in [("GDT", hart.gdtr), ("IDT", hart.idtr)] {
        writeln!(text, "{name}=     {base:0width$x} {limit:08x}")?;
    }
    writeln!(
        text,
        "CR0={:08x} CR2={:0width$x} CR3={:0width$x} CR4={:08x}",
        hart.cr0, hart.cr2, hart.cr3, hart.cr4
    )?;
    let [dr0, dr1, dr2, dr3, .., dr6, dr7] = hart.dr;
    writeln!(
        text,
        "DR0={dr0:0width$x} DR1={dr1:0width$x} DR2={dr2:0width$x} DR3={dr3:0width$x}"
    )?;
    writeln!(text, "DR6={dr6:0width$x} DR7={dr7:0width$x}")?;
    writeln!(text, "EFER={:016x}", hart.efer)
}

fn float(hart: &Hart, long: bool, text: &mut String) -> std::fmt::Result {
    let fpu = &hart.fpu;
    writeln!(
        text,
        "FCW={:04x} FSW={:04x} [ST={}] FTW={:02x} MXCSR={:08x}",
        fpu.control,
        fpu.status,
        fpu.status >> 11 & 7,
        fpu.used,
        hart.regs[usize::from(MXCSR)]
    )?;
    for (index, value) in fpu.registers.iter().enumerate() {
        let (low, high) = (*value as u64, (*value >> 64) as u16);
        let end = if index % 2 == 1 { '\n' } else { ' ' };
        write!(text, "FPR{index}={low:016x} {high:04x}{end}")?;
    }
    for index in 0..if long { 16 } else { 8 } {
        let at = usize::from(XMM0) + 2 * index;
        let (low, high) = (hart.regs[at], hart.regs[at + 1]);
        let end = if index % 2 == 1 { '\n' } else { ' ' };
        write!(text, "XMM{index:02}={high:016x} {low:016x}{end}")?;
    }
    Ok(())
}

/// The register with this name: as an assembler has it in any width, or as gdb calls it.
pub fn value(hart: &Hart, name: &str) -> Option<u64> {
    let name = name.to_ascii_lowercase();
    let special = match name.as_str() {
        "pc" => hart.linear_pc(),
        "rip" | "eip" | "ip" => hart.pc,
        "fp" => hart.regs[usize::from(reg::RBP)],
        "rflags" | "eflags" | "flags" => hart.rflags(),
        "cr0" => hart.cr0,
        "cr2" => hart.cr2,
        "cr3" => hart.cr3,
        "cr4" => hart.cr4,
        "efer" => hart.efer,
        "fs_base" => hart.base(seg::FS),
        "gs_base" => hart.base(seg::GS),
        "k_gs_base" => hart.kernel_gs_base,
        "gdtr" => hart.gdtr.0,
        "idtr" => hart.idtr.0,
        "mxcsr" => hart.regs[usize::from(MXCSR)],
        _ => return general_value(hart, &name).or_else(|| numbered(hart, &name)),
    };
    Some(special)
}

/// A general register in any width; `sp` alone is all of the stack pointer, as gdb has it.
fn general_value(hart: &Hart, name: &str) -> Option<u64> {
    for (number, plain) in NAMES.iter().enumerate() {
        let value = hart.regs[number];
        let first = &plain[..1];
        let bytes = match name.strip_suffix(plain) {
            Some("r") => 8,
            Some("e") => 4,
            Some("") if *plain == "sp" => 8,
            Some("") => 2,
            _ if number < 4 && name == format!("{first}l") => 1,
            _ if number < 4 && name == format!("{first}h") => return Some(value >> 8 & 0xff),
            _ if number >= 4 && name == format!("{plain}l") => 1,
            _ => continue,
        };
        return Some(cut(value, bytes));
    }
    let rest = name.strip_prefix('r')?;
    let digits = rest.trim_end_matches(['b', 'w', 'd']);
    let number: usize = digits.parse().ok().filter(|n| (8..16).contains(n))?;
    let bytes = match &rest[digits.len()..] {
        "" => 8,
        "d" => 4,
        "w" => 2,
        "b" => 1,
        _ => return None,
    };
    Some(cut(hart.regs[number], bytes))
}

const fn cut(value: u64, bytes: u32) -> u64 {
    value << (64 - 8 * bytes) >> (64 - 8 * bytes)
}

/// Selectors and debug registers.
fn numbered(hart: &Hart, name: &str) -> Option<u64> {
    if let Some(index) = SEGMENTS.iter().position(|segment| *segment == name) {
        return Some(u64::from(hart.segs[index].selector));
    }
    let number: usize = name.strip_prefix("dr")?.parse().ok()?;
    hart.dr.get(number).copied()
}
