//! `info mem` and `info tlb`.

use super::super::tlb;
use machine::pc::Pc;
use machine::pc::x86_64::mappings::{Mapping, mappings};
use machine::pc::x86_64::paging;
use machine::pc::x86_64::state::view;
use std::fmt::Write;

/// Most page-table entries that are read: a few times what maps all memory that this board can have.
const MOST_ENTRIES: u32 = 1 << 22;
/// Most ranges that are shown.
const MOST_RANGES: usize = 10_000;

/// Mapped ranges with their rights (user, read, write), as QEMU prints them: neighbours with the same rights are one.
pub fn mem(board: &Pc, cpu: usize, text: &mut String) {
    let hart = &board.harts[cpu];
    if !paging::enabled(hart) {
        text.push_str("PG disabled\n");
        return;
    }
    let mut ranges: Vec<(u64, u64, bool, bool)> = Vec::new();
    let all = mappings(hart, &board.ram, MOST_ENTRIES, &mut |page: &Mapping| {
        let end = page.virt.wrapping_add(1 << page.size);
        let full = ranges.len() == MOST_RANGES;
        match ranges.last_mut() {
            Some(last) if (last.1, last.2, last.3) == (page.virt, page.user, page.writable) => {
                last.1 = end;
            }
            _ if full => return false,
            _ => ranges.push((page.virt, end, page.user, page.writable)),
        }
        true
    });
    let digits = if hart.long() { 16 } else { 8 };
    for (start, end, user, writable) in ranges {
        let _ = writeln!(
            text,
            "{start:0digits$x}-{end:0digits$x} {:0digits$x} {}r{}",
            end.wrapping_sub(start),
            if user { 'u' } else { '-' },
            if writable { 'w' } else { '-' }
        );
    }
    if !all {
        text.push_str("... and more: these page tables map more than anybody wants to read\n");
    }
}

/// What the TLB holds.
pub fn tlb(board: &Pc, cpu: usize, text: &mut String) {
    tlb::show(
        &board.harts[cpu].tlb,
        view::USER,
        view::KERNEL_AC,
        None,
        text,
    );
}
