//! All pages that a hart's page tables map, in order: for monitors. The tables are the guest's, and may be hostile.

use super::paging::{A, D, G, PPN, R, U, V, W, X, levels};
use super::state::{Hart, Privilege};
use base::{Phys, Ram, Width};

/// A page that the page tables map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The first virtual address.
    pub virt: u64,
    /// The first physical address.
    pub phys: u64,
    /// log2 of its bytes.
    pub size: u8,
    /// The entry, as it is in memory.
    pub entry: u64,
}

impl Mapping {
    /// The entry's rights and marks in letters, as QEMU has them.
    pub fn attributes(&self) -> String {
        [
            (R, 'r'),
            (W, 'w'),
            (X, 'x'),
            (U, 'u'),
            (G, 'g'),
            (A, 'a'),
            (D, 'd'),
        ]
        .map(|(bit, letter)| if self.entry & bit != 0 { letter } else { '-' })
        .iter()
        .collect()
    }
}

/// Gives every page that satp's tables map to `visit`, the lowest address first (addresses being unsigned), until it says
/// false or `budget` valid entries were read: tables that lead back to themselves map more pages than anybody can wait
/// for. True if the end was reached. Nothing changes. None if satp translates nothing.
pub fn mappings(
    hart: &Hart,
    ram: &Ram,
    mut budget: u32,
    visit: &mut dyn FnMut(&Mapping) -> bool,
) -> Option<bool> {
    let levels = levels(hart, Privilege::Supervisor);
    let root = (hart.satp & PPN) << 12;
    let sign = 64 - (12 + 9 * levels);
    (levels > 0).then(|| visit_table(ram, (root, levels - 1, sign), 0, &mut budget, visit))
}

/// Visits what a table (its address, its level, the bits above the translated ones) maps from `above` on.
fn visit_table(
    ram: &Ram,
    (table, level, sign): (u64, u32, u32),
    above: u64,
    budget: &mut u32,
    visit: &mut dyn FnMut(&Mapping) -> bool,
) -> bool {
    let shift = 12 + 9 * level;
    for index in 0..512 {
        let Some(entry) = ram.read(Phys(table + index * 8), Width::B8) else {
            return true;
        };
        if entry & V == 0 || entry & (R | W) == W {
            continue;
        }
        if *budget == 0 {
            return false;
        }
        *budget -= 1;
        let virt = above | index << shift;
        let phys = (entry >> 10 & PPN) << 12;
        let on = if entry & (R | X) != 0 {
            visit(&Mapping {
                virt: ((virt as i64) << sign >> sign) as u64,
                phys,
                size: shift as u8,
                entry,
            })
        } else if level > 0 {
            visit_table(ram, (phys, level - 1, sign), virt, budget, visit)
        } else {
            true // a pointer where there is no table below
        };
        if !on {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mmu::tlb::Shape;

    #[test]
    fn pages_and_superpages_are_found_and_loops_end() {
        let mut ram = Ram::new(Phys(0x8000_0000), 0x10000);
        let mut hart = Hart::new(Shape::default(), 0);
        let visit = |hart: &Hart, ram: &Ram, budget| {
            let mut found = Vec::new();
            let end = mappings(hart, ram, budget, &mut |m| {
                found.push((m.virt, m.phys, m.size, m.attributes()));
                true
            });
            (found, end)
        };
        assert_eq!(visit(&hart, &ram, 9).1, None);
        hart.satp = 8 << 60 | 0x80000;
        let pointer = |page: u64| page << 10 | V;
        let mut set = |at: u64, entry: u64| ram.write(Phys(at), Width::B8, entry);
        set(0x8000_0000, pointer(0x80001));
        set(0x8000_0000 + 511 * 8, 0x80000 << 10 | V | R | W | A | D);
        set(0x8000_1000 + 8, pointer(0x80002));
        set(0x8000_2000 + 3 * 8, 0x80005 << 10 | V | R | X | U | A);
        let (found, end) = visit(&hart, &ram, 9);
        assert_eq!(end, Some(true));
        let pages = [
            (0x20_3000, 0x8000_5000, 12, "r-xu-a-".to_string()),
            (
                0xffff_ffff_c000_0000,
                0x8000_0000,
                30,
                "rw---ad".to_string(),
            ),
        ];
        assert_eq!(found, pages);
        ram.write(Phys(0x8000_0000), Width::B8, pointer(0x80000));
        assert_eq!(visit(&hart, &ram, 3).1, Some(false));
    }
}
