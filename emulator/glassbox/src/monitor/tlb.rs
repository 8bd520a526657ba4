//! `info tlb`, whatever the instruction set.

use base::PAGE_SIZE;
use machine::Tlb;
use std::fmt::Write;

/// What the TLB holds, by address: this is the TLB itself, where QEMU, having none, lists the page tables. `user` and
/// `kernel` are the numbers of the views whose rights are shown; `bare` is the address-space number that stands for
/// addresses which are not translated, if one does.
pub fn show(tlb: &Tlb, user: usize, kernel: usize, bare: Option<u16>, text: &mut String) {
    let mut entries: Vec<_> = tlb.entries().collect();
    entries.sort_unstable_by_key(|entry| (entry.page, entry.asid));
    text.push_str("virtual           physical          user kernel  page  asid\n");
    for entry in &entries {
        let _ = writeln!(
            text,
            "{:016x}: {:016x}  {}  {}     {:<4}  {}",
            entry.page.wrapping_mul(PAGE_SIZE),
            entry.frame.wrapping_mul(PAGE_SIZE),
            rights(entry.allow[user]),
            rights(entry.allow[kernel]),
            match entry.size {
                30.. => format!("{}G", 1u64 << (entry.size - 30)),
                20.. => format!("{}M", 1u64 << (entry.size - 20)),
                size => format!("{}K", (1u64 << size) >> 10),
            },
            match entry.global {
                true => "global".to_owned(),
                false if Some(entry.asid) == bare => "bare".to_owned(),
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
