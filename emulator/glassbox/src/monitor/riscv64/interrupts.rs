//! `info irq`, `info pic` and `info clint`: the PLIC, the CLINT, and what they and software ask of each hart.

use base::Time;
use machine::names;
use machine::virt::Virt;
use std::fmt::Write;

/// Where the counts of interrupts begin, behind those of exceptions.
const INTERRUPT: usize = 32;
/// The bits of mip and mie, with their names (Privileged spec, 3.1.9).
const INTERRUPTS: [(u32, &str); 6] = [
    (1, "supervisor software"),
    (3, "machine software"),
    (5, "supervisor timer"),
    (7, "machine timer"),
    (9, "supervisor external"),
    (11, "machine external"),
];

/// The interrupts of all harts, how often each came, and what the chosen one is asked for; the PLIC's lines that are up.
pub fn irq(board: &Virt, cpu: usize, _now: Time, text: &mut String) {
    text.push_str("  no");
    for hart in 0..board.harts.len() {
        let _ = write!(text, " {:>10}", format!("CPU{hart}"));
    }
    text.push_str("  state\n");
    let chosen = &board.harts[cpu];
    for (bit, name) in INTERRUPTS {
        let _ = write!(text, "{bit:>4}");
        for hart in &board.harts {
            let _ = write!(
                text,
                " {:>10}",
                hart.host.counters.traps[INTERRUPT + bit as usize]
            );
        }
        let set = |register: u64| register >> bit & 1 != 0;
        let enabled = if set(chosen.mie) { "enabled" } else { "off" };
        let pending = if set(chosen.mip | chosen.lines) {
            ", pending"
        } else {
            ""
        };
        let whose = if set(chosen.mideleg) {
            ", S-mode's"
        } else {
            ""
        };
        let _ = writeln!(text, "  {name}: {enabled}{pending}{whose}");
    }
    text.push_str("source\n");
    for (name, source) in names::lines("riscv64") {
        let level = if board.chips.plic.line(usize::from(*source)) {
            "up"
        } else {
            "down"
        };
        let _ = writeln!(text, "{source:>4}   {name}, {level}");
    }
}

/// The PLIC's registers, as far as they are in use.
pub fn pic(board: &Virt, text: &mut String) {
    for (source, priority, pending, claimed) in board.chips.plic.sources() {
        let pending = if pending { ", pending" } else { "" };
        let claimed = if claimed { ", claimed" } else { "" };
        let _ = writeln!(
            text,
            "source {source:>2}: priority {priority}{pending}{claimed}"
        );
    }
    for (context, threshold, enabled) in board.chips.plic.contexts() {
        let mode = if context % 2 == 0 { 'M' } else { 'S' };
        let enabled: Vec<String> = enabled.iter().map(usize::to_string).collect();
        let list = if enabled.is_empty() {
            "none".into()
        } else {
            enabled.join(" ")
        };
        let hart = context / 2;
        let _ = writeln!(
            text,
            "CPU{hart} {mode}: threshold {threshold}, enabled {list}"
        );
    }
}

/// The CLINT's registers, as they are at `now`.
pub fn clint(board: &Virt, now: Time, text: &mut String) {
    let clint = &board.chips.clint;
    let _ = writeln!(text, "MTIME {} (ticks of 100 ns)", clint.mtime(now));
    for hart in 0..board.harts.len() {
        let msip = u8::from(clint.software(hart));
        let _ = match clint.mtimecmp(hart) {
            None | Some(u64::MAX) => writeln!(text, "CPU{hart}: MSIP {msip}, MTIMECMP never"),
            Some(ticks) => writeln!(text, "CPU{hart}: MSIP {msip}, MTIMECMP {ticks}"),
        };
    }
}
