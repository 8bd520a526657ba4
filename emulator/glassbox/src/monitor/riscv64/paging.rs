//! `info mem` and `info tlb`.

use super::super::tlb;
use machine::virt::Virt;
use machine::virt::riscv64::mappings::{Mapping, mappings};
use machine::virt::riscv64::paging::BARE;
use machine::virt::riscv64::state::view;
use std::fmt::Write;

/// Most page-table entries that are read: a few times what maps all memory that this board can have.
const MOST_ENTRIES: u32 = 1 << 22;
/// Most ranges that are shown.
const MOST_RANGES: usize = 10_000;

/// Mapped ranges with their attributes, as QEMU prints them: neighbours with the same ones, whose frames are
/// neighbours, too, are one.
pub fn mem(board: &Virt, cpu: usize, text: &mut String) {
    let mut ranges: Vec<(Mapping, u64)> = Vec::new();
    let all = mappings(&board.harts[cpu], &board.ram, MOST_ENTRIES, &mut |page| {
        let len = 1 << page.size;
        let full = ranges.len() == MOST_RANGES;
        match ranges.last_mut() {
            Some((first, so_far))
                if first.virt.wrapping_add(*so_far) == page.virt
                    && first.phys.wrapping_add(*so_far) == page.phys
                    && first.attributes() == page.attributes() =>
            {
                *so_far += len;
            }
            _ if full => return false,
            _ => ranges.push((*page, len)),
        }
        true
    });
    let Some(all) = all else {
        text.push_str("No translation or protection\n");
        return;
    };
    text.push_str("vaddr            paddr            size             attr\n");
    text.push_str("---------------- ---------------- ---------------- -------\n");
    for (first, len) in ranges {
        let (virt, phys) = (first.virt, first.phys);
        let _ = writeln!(
            text,
            "{virt:016x} {phys:016x} {len:016x} {}",
            first.attributes()
        );
    }
    if !all {
        text.push_str("... and more: these page tables map more than anybody wants to read\n");
    }
}

/// What the TLB holds.
pub fn tlb(board: &Virt, cpu: usize, text: &mut String) {
    tlb::show(
        &board.harts[cpu].tlb,
        view::USER,
        view::SUPERVISOR_SUM,
        Some(BARE),
        text,
    );
}
