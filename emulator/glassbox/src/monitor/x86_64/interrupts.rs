//! `info irq`, `info pic`, `info lapic`. The last two are laid out as QEMU does.

use base::Time;
use machine::pc::Pc;
use machine::pc::chips::line;
use machine::peripherals::slot;
use std::fmt::Write;

/// Lines of the IOAPIC.
const LINES: usize = 24;

/// Bits of a redirection entry (82093AA, 3.2.4), which but for the higher half an LVT entry has, too.
mod bits {
    pub const LOGICAL: u64 = 1 << 11;
    pub const ACTIVE_LOW: u64 = 1 << 13;
    pub const REMOTE_IRR: u64 = 1 << 14;
    pub const LEVEL: u64 = 1 << 15;
    pub const MASKED: u64 = 1 << 16;
}

/// The local APIC's registers by their x2APIC numbers (SDM vol. 3, table 11-6).
mod number {
    pub const TPR: u64 = 0x8;
    pub const PPR: u64 = 0xa;
    pub const LDR: u64 = 0xd;
    pub const DFR: u64 = 0xe;
    pub const SVR: u64 = 0xf;
    pub const ISR: u64 = 0x10;
    pub const IRR: u64 = 0x20;
    pub const ESR: u64 = 0x28;
    pub const ICR: u64 = 0x30;
    pub const LVT_TIMER: u64 = 0x32;
    pub const LVT_THERMAL: u64 = 0x33;
    pub const LVT_PC: u64 = 0x34;
    pub const LVT_LINT0: u64 = 0x35;
    pub const LVT_LINT1: u64 = 0x36;
    pub const LVT_ERROR: u64 = 0x37;
    pub const INITIAL_COUNT: u64 = 0x38;
    pub const CURRENT_COUNT: u64 = 0x39;
    pub const DIVIDE: u64 = 0x3e;
}

/// What hangs on a line.
fn device(number: usize) -> &'static str {
    const DISK: usize = line::VIRTIO + slot::DISK as usize;
    const CONSOLE: usize = line::VIRTIO + slot::CONSOLE as usize;
    const ENTROPY: usize = line::VIRTIO + slot::ENTROPY as usize;
    match number {
        line::PIT => "pit",
        line::COM1 => "com1",
        line::RTC => "rtc",
        DISK => "virtio disk",
        CONSOLE => "virtio console",
        ENTROPY => "virtio entropy",
        _ => "",
    }
}

/// A register of a CPU's local APIC as it is now.
fn register(board: &Pc, now: Time, cpu: usize, number: u64) -> u64 {
    board.chips.apic(cpu).peek(number, now)
}

/// The vectors in a set of eight registers.
fn vectors(board: &Pc, now: Time, cpu: usize, first: u64) -> Vec<u8> {
    let words: Vec<u64> = (0..8)
        .map(|n| register(board, now, cpu, first + n))
        .collect();
    (0..=255u8)
        .filter(|&v| words[usize::from(v / 32)] >> (v % 32) & 1 != 0)
        .collect()
}

/// The lines that are used or up, and all vectors that came: how often on each CPU, and whether one waits.
pub fn irq(board: &Pc, cpu: usize, now: Time, text: &mut String) {
    let cpus = board.harts.len();
    let pending: Vec<_> = (0..cpus)
        .map(|cpu| vectors(board, now, cpu, number::IRR))
        .collect();
    let counts = |vector: u8| -> Vec<u64> {
        let count =
            |hart: &machine::pc::x86_64::Hart| hart.host.counters.traps[usize::from(vector)];
        board.harts.iter().map(count).collect()
    };
    let waits = |vector: u8| pending.iter().any(|set| set.contains(&vector));
    text.push_str("line vector");
    for cpu in 0..cpus {
        let _ = write!(text, " {:>10}", format!("CPU{cpu}"));
    }
    text.push_str("  state\n");
    let mut row = |line: String, vector: u8, what: String| {
        let _ = write!(text, "{line:>4}   0x{vector:02x}");
        for count in counts(vector) {
            let _ = write!(text, " {count:>10}");
        }
        let waiting = if waits(vector) { ", pending" } else { "" };
        let state = format!("  {what}{waiting}");
        let _ = writeln!(text, "{}", state.trim_end());
    };
    let mut named = Vec::new();
    for line in 0..LINES {
        let entry = board.chips.ioapic().redirection(line);
        let level = board.chips.ioapic().line(line);
        let masked = entry & bits::MASKED != 0;
        if masked && !level {
            continue;
        }
        let trigger = if entry & bits::LEVEL != 0 {
            "level"
        } else {
            "edge"
        };
        let state = if level { "up" } else { "down" };
        let masked_word = if masked { ", masked" } else { "" };
        let what = format!("{} {trigger}, {state}{masked_word}", device(line));
        row(line.to_string(), entry as u8, what.trim_start().to_owned());
        named.push(entry as u8);
    }
    let timer = register(board, now, cpu, number::LVT_TIMER) as u8;
    for vector in 32..=255u8 {
        let came = counts(vector).iter().any(|&n| n > 0) || waits(vector);
        if came && !named.contains(&vector) {
            let what = if vector == timer { "local timer" } else { "" };
            row(String::new(), vector, what.to_owned());
        }
    }
}

/// The IOAPIC and the 8259 pair.
pub fn pic(board: &Pc, text: &mut String) {
    let chips = &board.chips;
    let (id, version) = chips.ioapic().identity();
    let _ = writeln!(text, "ioapic0: ver=0x{:x} id=0x{id:02x}", version & 0xff);
    let mut up = Vec::new();
    let mut remote = Vec::new();
    for line in 0..LINES {
        let entry = chips.ioapic().redirection(line);
        if chips.ioapic().line(line) {
            up.push(line.to_string());
        }
        if entry & bits::REMOTE_IRR != 0 {
            remote.push(line.to_string());
        }
        let _ = writeln!(
            text,
            "  pin {line:<2} 0x{entry:016x} dest={:x} vec={:<3} {} {:<5} {:<6} {:<6} {}",
            entry >> 56,
            entry as u8,
            polarity(entry),
            trigger(entry),
            masked(entry),
            delivery(entry),
            if entry & bits::LOGICAL != 0 {
                "logical"
            } else {
                "physical"
            }
        );
    }
    let _ = writeln!(text, "  IRR        {}", list(&up));
    let _ = writeln!(text, "  Remote IRR {}", list(&remote));
    for (index, chip) in chips.pic().registers().iter().enumerate() {
        let _ = writeln!(
            text,
            "pic{index}: irr={:02x} imr={:02x} isr={:02x} hprio={} irq_base={:02x} rr_sel={} elcr={:02x} fnm=0",
            chip.irr,
            chip.imr,
            chip.isr,
            chip.highest,
            chip.base,
            u8::from(chip.reads_isr),
            chip.elcr
        );
    }
}

/// The chosen CPU's local APIC.
pub fn lapic(board: &Pc, cpu: usize, now: Time, text: &mut String) {
    let read = |number| register(board, now, cpu, number);
    let _ = writeln!(text, "dumping local APIC state for CPU {cpu}\n");
    for (name, number) in [
        ("LVT0", number::LVT_LINT0),
        ("LVT1", number::LVT_LINT1),
        ("LVTPC", number::LVT_PC),
        ("LVTERR", number::LVT_ERROR),
        ("LVTTHMR", number::LVT_THERMAL),
        ("LVTT", number::LVT_TIMER),
    ] {
        let entry = read(number);
        let mode = match (number, entry >> 17 & 3) {
            (number::LVT_TIMER, 0) => "one-shot",
            (number::LVT_TIMER, 1) => "periodic",
            (number::LVT_TIMER, 2) => "tsc-deadline",
            _ => "",
        };
        let _ = writeln!(
            text,
            "{name:<8} 0x{entry:08x} {} {:<5} {:<6} {mode:<12} {:<6} (vec {})",
            polarity(entry),
            trigger(entry),
            masked(entry),
            delivery(entry),
            entry as u8
        );
    }
    let divide = read(number::DIVIDE);
    let selected = divide & 3 | divide >> 1 & 4;
    let _ = writeln!(
        text,
        "Timer    DCR=0x{divide:x} (divide by {}) initial_count = {} current_count = {}",
        1u32 << ((selected + 1) % 8),
        read(number::INITIAL_COUNT),
        read(number::CURRENT_COUNT)
    );
    let spurious = read(number::SVR);
    let _ = writeln!(
        text,
        "SPIV     0x{spurious:08x} APIC {}, spurious vec {}",
        if spurious & 1 << 8 != 0 {
            "enabled"
        } else {
            "disabled"
        },
        spurious as u8
    );
    let _ = writeln!(text, "ICR      0x{:016x}", read(number::ICR));
    let _ = writeln!(text, "ESR      0x{:08x}", read(number::ESR));
    for (name, first) in [("ISR", number::ISR), ("IRR", number::IRR)] {
        let set = vectors(board, now, cpu, first);
        let set: Vec<String> = set.iter().map(u8::to_string).collect();
        let _ = writeln!(text, "{name}      {}", list(&set));
    }
    let _ = writeln!(
        text,
        "\nTPR 0x{:02x} DFR 0x{:08x} LDR 0x{:08x} PPR 0x{:02x}",
        read(number::TPR),
        read(number::DFR),
        read(number::LDR),
        read(number::PPR)
    );
}

const fn polarity(entry: u64) -> &'static str {
    if entry & bits::ACTIVE_LOW != 0 {
        "active-lo"
    } else {
        "active-hi"
    }
}

const fn trigger(entry: u64) -> &'static str {
    if entry & bits::LEVEL != 0 {
        "level"
    } else {
        "edge"
    }
}

const fn masked(entry: u64) -> &'static str {
    if entry & bits::MASKED != 0 {
        "masked"
    } else {
        ""
    }
}

/// The delivery mode (SDM vol. 3, 11.5.1).
const fn delivery(entry: u64) -> &'static str {
    match entry >> 8 & 7 {
        0 => "Fixed",
        1 => "LowPri",
        2 => "SMI",
        4 => "NMI",
        5 => "INIT",
        6 => "SIPI",
        7 => "ExtINT",
        _ => "...",
    }
}

fn list(items: &[String]) -> String {
    if items.is_empty() {
        "(none)".into()
    } else {
        items.join(" ")
    }
}
