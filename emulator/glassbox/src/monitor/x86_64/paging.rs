//! `info mem` and `info tlb`.

use super::super::View;
use base::PAGE_SIZE;
use machine::pc::x86_64::mappings::{Mapping, mappings};
use machine::pc::x86_64::paging;
use machine::pc::x86_64::state::view;
use std::fmt::Write;

/// Most page-table entries that are read: a few times what maps all memory that this board can have.
const MOST_ENTRIES: u32 = 1 << 22;
/// Most ranges that are shown.
const MOST_RANGES: usize = 10_000;

/// Mapped ranges with their rights (user, read, write), as QEMU prints them: neighbours with the same rights are one.
pub fn mem(view: &View<'_, '_>, text: &mut String) {
    let hart = view.hart();
    if !paging::enabled(hart) {
        text.push_str("PG disabled\n");
        return;
    }
    let mut ranges: Vec<(u64, u64, bool, bool)> = Vec::new();
    let all = mappings(
        hart,
        &view.guest.machine.board.ram,
        MOST_ENTRIES,
        &mut |page: &Mapping| {
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
        },
    );
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

/// What the TLB holds, by address: this is the TLB itself, where QEMU, having none, lists the page tables.
pub fn tlb(view: &View<'_, '_>, text: &mut String) {
    let tlb = &view.hart().tlb;
    let mut entries: Vec<_> = tlb.entries().collect();
    entries.sort_unstable_by_key(|entry| (entry.page, entry.asid));
    text.push_str("virtual           physical          user kernel  page  asid\n");
    for entry in &entries {
        let _ = writeln!(
            text,
            "{:016x}: {:016x}  {}  {}     {:<4}  {}",
            entry.page * PAGE_SIZE,
            entry.frame * PAGE_SIZE,
            rights(entry.allow[view::USER]),
            rights(entry.allow[view::KERNEL_AC]),
            match entry.size {
                30.. => format!("{}G", 1u64 << (entry.size - 30)),
                20.. => format!("{}M", 1u64 << (entry.size - 20)),
                size => format!("{}K", (1u64 << size) >> 10),
            },
            match entry.global {
                true => "global".to_owned(),
                false => entry.asid.to_string(),
            },
        );
    }
    let counts = tlb.counts;
    let _ = write!(text, "{} entries;", entries.len());
    for (kind, name) in ["fetch", "read", "write"].iter().enumerate() {
        let hits = counts.lookups[kind] - counts.misses[kind];
        let _ = write!(text, " {name}: {hits} hits, {} misses", counts.misses[kind]);
        text.push(if kind == 2 { '\n' } else { ';' });
    }
}

/// Rights in letters. `w` is missing, too, on a page that has not been written yet: the first write walks again.
fn rights(allow: u8) -> String {
    [(1, 'r'), (2, 'w'), (4, 'x')]
        .map(|(bit, letter)| if allow & bit != 0 { letter } else { '-' })
        .iter()
        .collect()
}
