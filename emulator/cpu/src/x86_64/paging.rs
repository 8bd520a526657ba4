//! Four-level paging (SDM vol. 3, 4.5) and 32-bit paging (4.3): from a linear address to a TLB entry, or to a page
//! fault. Paging with PAE outside long mode is a gap.
//!
//! ```text
//! entry   63   62..52   51..12        11..9   8   7    6   5   4    3    2    1    0
//!         XD   ignored  address       ign.    G   PS   D   A   PCD  PWT  U/S  R/W  P
//!                       31..12        11..9   8   7    ... of 32-bit paging
//! ```
//!
//! The walk sets the accessed bits and, for a write, the dirty bit. A translation allows writes only once its dirty
//! bit is set, so the first write to a page walks again (as processors do) and the bit is exact.

use super::state::{Hart, bits, view};
use super::trap::{Exception, Trap, vector};
use crate::mmu::tlb::{Entry, VIEWS, perm};
use base::event::{Access, Path};
use base::{PAGE_SIZE, Phys, Ram, Virt, Width};

pub(super) const PRESENT: u64 = 1 << 0;
pub(super) const WRITABLE: u64 = 1 << 1;
pub(super) const USER: u64 = 1 << 2;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
pub(super) const NO_EXECUTE: u64 = 1 << 63;
pub(super) const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// Physical address bits that CPUID reports; the ones above are reserved.
pub const PHYS_BITS: u32 = 40;

/// Page-fault error-code bits (SDM vol. 3, 4.7).
mod code {
    pub const PRESENT: u32 = 1 << 0;
    pub const WRITE: u32 = 1 << 1;
    pub const USER: u32 = 1 << 2;
    pub const RESERVED: u32 = 1 << 3;
    pub const FETCH: u32 = 1 << 4;
}

/// Whether `addr` is canonical for 48-bit linear addresses.
pub const fn canonical(addr: u64) -> bool {
    ((addr as i64) << 16 >> 16) as u64 == addr
}

/// Whether paging is on.
pub const fn enabled(hart: &Hart) -> bool {
    hart.cr0 & bits::CR0_PG != 0
}

/// The address-space identifier of the current CR3.
pub const fn asid(hart: &Hart) -> u16 {
    if hart.cr4 & bits::CR4_PCIDE != 0 {
        (hart.cr3 & 0xfff) as u16
    } else {
        0
    }
}

/// What page tables look like.
pub(super) struct Format {
    pub(super) levels: u32,
    pub(super) index_bits: u32,
    pub(super) entry: Width,
}

impl Format {
    const LONG: Self = Self {
        levels: 4,
        index_bits: 9,
        entry: Width::B8,
    };
    const SHORT: Self = Self {
        levels: 2,
        index_bits: 10,
        entry: Width::B4,
    };

    pub(super) const fn of(hart: &Hart) -> &'static Self {
        if hart.long() {
            &Self::LONG
        } else {
            &Self::SHORT
        }
    }

    /// log2 of the bytes that an entry of `level` (0 is the lowest) maps.
    pub(super) const fn shift(&self, level: u32) -> u32 {
        12 + self.index_bits * level
    }

    /// Where the entry of `level` for `addr` lies in `table`.
    const fn slot(&self, table: u64, level: u32, addr: u64) -> Phys {
        let index = addr >> self.shift(level) & ((1 << self.index_bits) - 1);
        Phys(table + index * self.entry.bytes())
    }

    /// Whether `entry` of `level` maps a page.
    pub(super) const fn leaf(&self, hart: &Hart, level: u32, entry: u64) -> bool {
        let large = match self.levels {
            4 => level < 3,
            _ => hart.cr4 & bits::CR4_PSE != 0,
        };
        level == 0 || (entry & LARGE != 0 && large)
    }

    /// The bits that `entry` of `level` must not have.
    const fn reserved(&self, hart: &Hart, level: u32, leaf: bool) -> u64 {
        let offset = ((1 << self.shift(level)) - 1) & ADDRESS & !(1 << 12); // bit 12 is PAT
        let mut reserved = if leaf && level > 0 { offset } else { 0 };
        if self.levels == 4 {
            reserved |= !(u64::MAX >> (64 - PHYS_BITS)) & ADDRESS;
            if level == 3 {
                reserved |= LARGE;
            }
            if hart.efer & bits::EFER_NXE == 0 {
                reserved |= NO_EXECUTE;
            }
        }
        reserved
    }
}

/// Where `addr` leads, with no permission asked and no trace left; `None` where nothing is mapped.
pub fn peek(hart: &Hart, ram: &Ram, addr: u64) -> Option<Phys> {
    if !enabled(hart) {
        return Some(Phys(addr));
    }
    let format = Format::of(hart);
    let mut table = hart.cr3 & ADDRESS;
    for level in (0..format.levels).rev() {
        let entry = ram.read(format.slot(table, level, addr), format.entry)?;
        if entry & PRESENT == 0 {
            return None;
        }
        if format.leaf(hart, level, entry) {
            let mask = (1u64 << format.shift(level)) - 1;
            return Some(Phys(entry & ADDRESS & !mask | addr & mask));
        }
        table = entry & ADDRESS;
    }
    None
}

/// Walks the page table for `addr`. The entry says what each view may do with the page, judged by control registers
/// as they are; the fault is that of `access` in the current view.
///
/// `path` takes down the entries that were read, as they were before the walk marked them.
pub fn walk(
    hart: &Hart,
    ram: &mut Ram,
    addr: u64,
    access: Access,
    path: &mut Path,
) -> Result<Entry, Trap> {
    let page = addr / PAGE_SIZE;
    if !enabled(hart) {
        let all = perm::READ | perm::WRITE | perm::EXEC;
        return Ok(Entry {
            page,
            frame: page,
            allow: [all; VIEWS],
            size: 12,
            global: false,
            asid: 0,
        });
    }
    let fault = |cause: u32| Err(page_fault(hart, addr, access, cause));
    let mut table = hart.cr3 & ADDRESS;
    let mut rights = WRITABLE | USER;
    let mut executable = true;
    let format = Format::of(hart);
    for level in (0..format.levels).rev() {
        let shift = format.shift(level);
        let at = format.slot(table, level, addr);
        let Some(entry) = ram.read(at, format.entry) else {
            return fault(0);
        };
        path.push(at, entry);
        if entry & PRESENT == 0 {
            return fault(0);
        }
        let leaf = format.leaf(hart, level, entry);
        if entry & format.reserved(hart, level, leaf) != 0 {
            return fault(code::PRESENT | code::RESERVED);
        }
        rights &= entry;
        executable &= entry & NO_EXECUTE == 0;
        if leaf {
            let mask = (1u64 << shift) - 1;
            let frame = ((entry & ADDRESS & !mask) | (addr & mask)) / PAGE_SIZE;
            let dirty = entry & DIRTY != 0 || access == Access::Write;
            let global = entry & GLOBAL != 0 && hart.cr4 & bits::CR4_PGE != 0;
            let allow = allowed(hart, rights, executable);
            let needed = match access {
                Access::Fetch => perm::EXEC,
                Access::Read => perm::READ,
                Access::Write => perm::WRITE,
            };
            if allow[hart.view()] & needed == 0 {
                return fault(code::PRESENT);
            }
            let steps = path.entries();
            for (step, (at, entry)) in steps.iter().enumerate() {
                let dirties = step + 1 == steps.len() && access == Access::Write;
                let marked = entry | ACCESSED | if dirties { DIRTY } else { 0 };
                if marked != *entry {
                    ram.write(*at, format.entry, marked);
                }
            }
            let allow = allow.map(|a| if dirty { a } else { a & !perm::WRITE });
            return Ok(Entry {
                page,
                frame,
                allow,
                size: shift as u8,
                global,
                asid: asid(hart),
            });
        }
        table = entry & ADDRESS;
    }
    fault(0)
}

/// What each view may do with a page of these combined rights (SDM vol. 3, 4.6).
fn allowed(hart: &Hart, rights: u64, executable: bool) -> [u8; VIEWS] {
    let user_page = rights & USER != 0;
    let writable = rights & WRITABLE != 0;
    let smap = hart.cr4 & bits::CR4_SMAP != 0;
    let smep = hart.cr4 & bits::CR4_SMEP != 0;
    let mut allow = [0; VIEWS];
    if user_page {
        allow[view::USER] = perm::READ
            | if writable { perm::WRITE } else { 0 }
            | if executable { perm::EXEC } else { 0 };
    }
    let kernel_writes = writable || hart.cr0 & bits::CR0_WP == 0;
    let data = perm::READ | if kernel_writes { perm::WRITE } else { 0 };
    let exec = if executable && !(user_page && smep) {
        perm::EXEC
    } else {
        0
    };
    allow[view::KERNEL_AC] = data | exec;
    allow[view::KERNEL] = if user_page && smap { exec } else { data | exec };
    allow
}

fn page_fault(hart: &Hart, addr: u64, access: Access, cause: u32) -> Trap {
    let nx = hart.efer & bits::EFER_NXE != 0 && hart.cr4 & bits::CR4_PAE != 0;
    let nx_matters = nx || hart.cr4 & bits::CR4_SMEP != 0;
    let error = cause
        | match access {
            Access::Write => code::WRITE,
            Access::Fetch if nx_matters => code::FETCH,
            _ => 0,
        }
        | if hart.cpl == 3 { code::USER } else { 0 };
    Trap::Fault(Exception {
        vector: vector::PF,
        error: Some(error),
        address: Some(Virt(addr)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::{Board, FREE};

    const DIRECTORY: u64 = FREE;
    const TABLE: u64 = FREE + 0x1000;

    /// A board with 32-bit paging: one page of 4 KiB at 0x400000, one of 4 MiB at 0x800000.
    fn board() -> Board {
        let mut board = Board::new();
        board.hart.efer = 0;
        board.hart.cr4 = bits::CR4_PSE;
        board.hart.cr3 = DIRECTORY;
        let entries = [
            (DIRECTORY + 4, TABLE | PRESENT | WRITABLE | USER),
            (DIRECTORY + 8, PRESENT | WRITABLE | LARGE),
            (DIRECTORY + 12, PRESENT | LARGE | 1 << 13),
            (TABLE, 0x5000 | PRESENT),
        ];
        for (at, entry) in entries {
            board.ram.write(Phys(at), Width::B4, entry);
        }
        board
    }

    fn fault_of(board: &mut Board, addr: u64, access: Access) -> u32 {
        match walk(
            &board.hart,
            &mut board.ram,
            addr,
            access,
            &mut Path::default(),
        ) {
            Err(Trap::Fault(Exception {
                error: Some(error), ..
            })) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn two_levels_of_32_bit_entries_map_small_and_large_pages() {
        let mut board = board();
        let small = walk(
            &board.hart,
            &mut board.ram,
            0x40_0123,
            Access::Read,
            &mut Path::default(),
        )
        .unwrap();
        assert_eq!((small.frame, small.size), (5, 12));
        let large = walk(
            &board.hart,
            &mut board.ram,
            0x80_6123,
            Access::Write,
            &mut Path::default(),
        )
        .unwrap();
        assert_eq!((large.frame, large.size), (6, 22));
        for addr in [0x40_0123, 0x80_6123] {
            let phys = peek(&board.hart, &board.ram, addr).unwrap();
            assert_eq!(phys.0 & 0xfff, 0x123);
        }
        let marked = |at| board.ram.read(Phys(at), Width::B4).unwrap() & (ACCESSED | DIRTY);
        assert_eq!(marked(TABLE), ACCESSED);
        assert_eq!(marked(DIRECTORY + 4), ACCESSED);
        assert_eq!(marked(DIRECTORY + 8), ACCESSED | DIRTY);
    }

    #[test]
    fn faults_of_32_bit_paging_tell_their_cause() {
        let mut board = board();
        let (write, present) = (code::WRITE, code::PRESENT);
        assert_eq!(
            fault_of(&mut board, 0x40_0000, Access::Write),
            write | present
        );
        assert_eq!(fault_of(&mut board, 0x40_1000, Access::Read), 0);
        let reserved = present | code::RESERVED;
        assert_eq!(fault_of(&mut board, 0xc0_0000, Access::Read), reserved);
        board.hart.efer |= bits::EFER_NXE; // says nothing without PAE
        assert_eq!(fault_of(&mut board, 0, Access::Fetch), 0);
    }
}
