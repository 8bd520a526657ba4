//! All pages that a CPU's page tables map, in order: for monitors. The tables are the guest's, and may be hostile.

use super::paging::{ADDRESS, Format, NO_EXECUTE, PRESENT, USER, WRITABLE, enabled};
use super::state::Hart;
use base::{Phys, Ram};

/// A page that the page tables map: its entry, with the rights of all levels together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The first virtual address.
    pub virt: u64,
    /// The first physical address.
    pub phys: u64,
    /// log2 of its bytes.
    pub size: u8,
    /// The lowest entry, as it is in memory.
    pub entry: u64,
    /// Whether user code may reach it.
    pub user: bool,
    /// Whether it may be written.
    pub writable: bool,
    /// Whether code in it may be executed.
    pub executable: bool,
}

/// Gives every page that the current tables map to `visit`, the lowest address first, until it says false or `budget`
/// present entries were read: tables that lead back to themselves map more pages than anybody can wait for. True if
/// the end was reached. Nothing changes. Without paging there are no tables, and no pages.
pub fn mappings(
    hart: &Hart,
    ram: &Ram,
    mut budget: u32,
    visit: &mut dyn FnMut(&Mapping) -> bool,
) -> bool {
    if !enabled(hart) {
        return true;
    }
    let top = Mapping {
        virt: 0,
        phys: hart.cr3 & ADDRESS,
        size: 0,
        entry: 0,
        user: true,
        writable: true,
        executable: true,
    };
    let format = Format::of(hart);
    visit_table(hart, ram, format.levels - 1, &top, &mut budget, visit)
}

/// Visits what the table at `above.phys` maps from `above.virt` on.
fn visit_table(
    hart: &Hart,
    ram: &Ram,
    level: u32,
    above: &Mapping,
    budget: &mut u32,
    visit: &mut dyn FnMut(&Mapping) -> bool,
) -> bool {
    let format = Format::of(hart);
    let shift = format.shift(level);
    for index in 0..1 << format.index_bits {
        let at = Phys(above.phys + index * format.entry.bytes());
        let Some(entry) = ram.read(at, format.entry) else {
            return true;
        };
        if entry & PRESENT == 0 {
            continue;
        }
        if *budget == 0 {
            return false;
        }
        *budget -= 1;
        let leaf = format.leaf(hart, level, entry);
        let offset = if leaf { (1 << shift) - 1 } else { 0 };
        let here = Mapping {
            virt: sign_extended(format, above.virt | index << shift),
            phys: entry & ADDRESS & !offset,
            size: shift as u8,
            entry,
            user: above.user && entry & USER != 0,
            writable: above.writable && entry & WRITABLE != 0,
            executable: above.executable && entry & NO_EXECUTE == 0,
        };
        let on = if leaf {
            visit(&here)
        } else {
            visit_table(hart, ram, level - 1, &here, budget, visit)
        };
        if !on {
            return false;
        }
    }
    true
}

/// The canonical form of an address that these tables translate.
const fn sign_extended(format: &Format, addr: u64) -> u64 {
    if format.levels == 4 {
        ((addr as i64) << 16 >> 16) as u64
    } else {
        addr
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::state::bits;
    use crate::x86_64::testing::{Board, FREE};
    use base::Width;

    /// What the tables map: virtual and physical address, size, and whether users may reach it.
    fn found(board: &Board, budget: u32) -> (Vec<(u64, u64, u8, bool)>, bool) {
        let mut found = Vec::new();
        let end = mappings(&board.hart, &board.ram, budget, &mut |m| {
            found.push((m.virt, m.phys, m.size, m.user));
            true
        });
        (found, end)
    }

    /// A board whose tables at `FREE` hold these entries.
    fn board(width: Width, entries: &[(u64, u64)]) -> Board {
        let mut board = Board::new();
        board.hart.cr3 = FREE;
        for &(at, entry) in entries {
            board.ram.write(Phys(at), width, entry);
        }
        board
    }

    #[test]
    fn rights_are_those_of_all_levels_and_high_addresses_are_canonical() {
        let (present, user, large) = (PRESENT, USER, 1 << 7);
        let board = board(
            Width::B8,
            &[
                (FREE, (FREE + 0x1000) | present),
                (FREE + 8 * 511, (FREE + 0x1000) | present | user),
                (FREE + 0x1008, 0x4000_0000 | present | user | large),
            ],
        );
        let gib = 1 << 30;
        let wanted = vec![
            (gib, gib, 30, false),
            (0xffff_ff80_4000_0000, gib, 30, true),
        ];
        assert_eq!(found(&board, 100), (wanted, true));
    }

    #[test]
    fn two_levels_of_32_bit_entries_are_tables_too() {
        let mut board = board(
            Width::B4,
            &[
                (FREE + 4, (FREE + 0x1000) | PRESENT),
                (FREE + 8, PRESENT | 1 << 7),
                (FREE + 0x1000, 0x5000 | PRESENT),
            ],
        );
        board.hart.efer = 0;
        board.hart.cr4 = bits::CR4_PSE;
        let wanted = vec![(0x40_0000, 0x5000, 12, false), (0x80_0000, 0, 22, false)];
        assert_eq!(found(&board, 100), (wanted, true));
    }

    #[test]
    fn tables_that_lead_to_themselves_come_to_an_end() {
        let entries: Vec<_> = (0..512).map(|i| (FREE + 8 * i, FREE | PRESENT)).collect();
        let (found, end) = found(&board(Width::B8, &entries), 1000);
        assert!(found.len() < 1000 && !end);
    }
}
