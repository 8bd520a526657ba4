//! Address translation (Privileged spec, 4.3 to 4.5): Sv39 and Sv48, from a virtual address to a TLB entry or a fault.
//!
//! ```text
//! entry   63  62..61  60..54    53..10  9..8  7  6  5  4  3  2  1  0
//!         N   PBMT    reserved  PPN     RSW   D  A  G  U  X  W  R  V
//! ```
//!
//! With menvcfg.ADUE the walk sets A and, for a write, D; without it, it faults where they are missing. A translation
//! allows writes only once D is set, so the bit is exact.

use super::csr::{envcfg, status};
use super::state::{Hart, Privilege, view};
use super::trap::{Trap, cause};
use crate::mmu::tlb::{Entry, VIEWS, perm};
use base::event::{Access, Path};
use base::{PAGE_SIZE, Phys, Ram, Width};

pub(super) const V: u64 = 1 << 0;
pub(super) const R: u64 = 1 << 1;
pub(super) const W: u64 = 1 << 2;
pub(super) const X: u64 = 1 << 3;
pub(super) const U: u64 = 1 << 4;
pub(super) const G: u64 = 1 << 5;
pub(super) const A: u64 = 1 << 6;
pub(super) const D: u64 = 1 << 7;
/// N, PBMT and the reserved bits: Svnapot and Svpbmt are not here, so all must be zero.
const RESERVED: u64 = !0 << 54;
pub(super) const PPN: u64 = (1 << 44) - 1;

/// The identifier under which untranslated pages stand in the TLB; no address space has it.
pub const BARE: u16 = 1 << 15;
/// The bits of satp.ASID that are not implemented, so that [`BARE`] is free.
pub const ASID_UNUSED: u64 = 1 << 15;

/// How many levels translation has for accesses in `mode`; none means that addresses are physical.
pub(super) const fn levels(hart: &Hart, mode: Privilege) -> u32 {
    if matches!(mode, Privilege::Machine) {
        return 0;
    }
    match hart.satp >> 60 {
        8 => 3,
        9 => 4,
        _ => 0,
    }
}

/// The mode whose rights `access` has.
const fn mode_of(hart: &Hart, access: Access) -> Privilege {
    match access {
        Access::Fetch => hart.privilege,
        Access::Read | Access::Write => hart.data_privilege(),
    }
}

/// The current address space's identifier, for `access`.
pub const fn asid(hart: &Hart, access: Access) -> u16 {
    if levels(hart, mode_of(hart, access)) == 0 {
        BARE
    } else {
        (hart.satp >> 44) as u16 & !BARE
    }
}

/// Whether the bits above the translated ones repeat the highest of them.
const fn canonical(addr: u64, levels: u32) -> bool {
    let bits = 12 + 9 * levels;
    ((addr as i64) << (64 - bits) >> (64 - bits)) as u64 == addr
}

const fn slot(table: u64, level: u32, addr: u64) -> Phys {
    Phys(table + (addr >> (12 + 9 * level) & 0x1ff) * 8)
}

/// Where `addr` leads, with no permission asked and no trace left; `None` where nothing is mapped.
pub fn peek(hart: &Hart, ram: &Ram, addr: u64) -> Option<Phys> {
    let levels = levels(hart, hart.data_privilege());
    if levels == 0 {
        return Some(Phys(addr));
    }
    if !canonical(addr, levels) {
        return None;
    }
    let mut table = (hart.satp & PPN) << 12;
    for level in (0..levels).rev() {
        let entry = ram.read(slot(table, level, addr), Width::B8)?;
        if entry & V == 0 || entry & (R | W) == W {
            return None;
        }
        if entry & (R | X) != 0 {
            let mask = (1u64 << (12 + 9 * level)) - 1;
            return Some(Phys((entry >> 10 & PPN) << 12 & !mask | addr & mask));
        }
        table = (entry >> 10 & PPN) << 12;
    }
    None
}

/// The page fault of `access` at `addr`.
pub const fn page_fault(addr: u64, access: Access) -> Trap {
    Trap::new(
        match access {
            Access::Fetch => cause::FETCH_PAGE,
            Access::Read => cause::LOAD_PAGE,
            Access::Write => cause::STORE_PAGE,
        },
        addr,
    )
}

/// The access fault of `access` at `addr`.
pub const fn access_fault(addr: u64, access: Access) -> Trap {
    Trap::new(
        match access {
            Access::Fetch => cause::FETCH_ACCESS,
            Access::Read => cause::LOAD_ACCESS,
            Access::Write => cause::STORE_ACCESS,
        },
        addr,
    )
}

/// Walks the page table for `addr`; `path` takes down the entries that were read, as they were.
///
/// # Errors
/// The page fault or access fault of `access` in the mode that it has.
pub fn walk(
    hart: &Hart,
    ram: &mut Ram,
    addr: u64,
    access: Access,
    path: &mut Path,
) -> Result<Entry, Trap> {
    let page = addr / PAGE_SIZE;
    let levels = levels(hart, mode_of(hart, access));
    if levels == 0 {
        return Ok(Entry {
            page,
            frame: page,
            allow: [perm::READ | perm::WRITE | perm::EXEC; VIEWS],
            size: 12,
            global: false,
            asid: BARE,
        });
    }
    let fault = || Err(page_fault(addr, access));
    if !canonical(addr, levels) {
        return fault();
    }
    let hardware = hart.envcfg[0] & envcfg::ADUE != 0;
    let mut table = (hart.satp & PPN) << 12;
    let mut global = false;
    for level in (0..levels).rev() {
        let at = slot(table, level, addr);
        // Entries are read with the rights of S-mode (3.7.2).
        let readable = hart
            .pmp
            .allows(at, 8, Access::Read, Privilege::Supervisor)
            .0;
        let Some(entry) = readable.then(|| ram.read(at, Width::B8)).flatten() else {
            return Err(access_fault(addr, access));
        };
        path.push(at, entry);
        if entry & V == 0 || entry & (R | W) == W || entry & RESERVED != 0 {
            return fault();
        }
        global |= entry & G != 0;
        if entry & (R | X) == 0 {
            // In a pointer to a table, D, A and U are reserved (4.3.1).
            if entry & (D | A | U) != 0 {
                return fault();
            }
            table = (entry >> 10 & PPN) << 12;
            continue;
        }
        let mask = (1u64 << (12 + 9 * level)) - 1;
        let base = (entry >> 10 & PPN) << 12;
        if base & mask != 0 {
            return fault(); // a misaligned superpage
        }
        let allow = allowed(hart, entry);
        let (view, needed) = match access {
            Access::Fetch => (hart.fetch_view(), perm::EXEC),
            Access::Read => (hart.view(), perm::READ),
            Access::Write => (hart.view(), perm::WRITE),
        };
        if allow[view] & needed == 0 {
            return fault();
        }
        let marked = entry | A | if access == Access::Write { D } else { 0 };
        if marked != entry {
            if !hardware {
                return fault();
            }
            if !hart
                .pmp
                .allows(at, 8, Access::Write, Privilege::Supervisor)
                .0
            {
                return Err(access_fault(addr, access));
            }
            ram.write(at, Width::B8, marked);
        }
        let dirty = marked & D != 0;
        return Ok(Entry {
            page,
            frame: (base | addr & mask) / PAGE_SIZE,
            allow: allow.map(|a| if dirty { a } else { a & !perm::WRITE }),
            size: 12 + 9 * level as u8,
            global,
            asid: asid(hart, access),
        });
    }
    fault()
}

/// What each view may do with a page of these rights (4.3.1).
fn allowed(hart: &Hart, entry: u64) -> [u8; VIEWS] {
    let mxr = hart.mstatus & status::MXR != 0;
    let read = entry & R != 0 || (mxr && entry & X != 0);
    let data = if read { perm::READ } else { 0 } | if entry & W != 0 { perm::WRITE } else { 0 };
    let exec = if entry & X != 0 { perm::EXEC } else { 0 };
    let mut allow = [0; VIEWS];
    if entry & U != 0 {
        allow[view::USER] = data | exec;
        // S-mode never executes user pages.
        allow[view::SUPERVISOR_SUM] = data;
    } else {
        allow[view::SUPERVISOR] = data | exec;
        allow[view::SUPERVISOR_SUM] = data | exec;
    }
    allow
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::riscv64::testing::{Board, LEN, RAM};
    use crate::riscv64::trap::Exception;

    /// The root of the tables; the page that they map lies behind them.
    const ROOT: u64 = RAM + LEN - 0x4000;
    const PAGE: u64 = RAM + LEN - 0x1000;

    /// A hart in S-mode with Sv39: a page of 4 KiB at 0x1000 with these rights, a gigabyte's superpage at its own place.
    fn board(rights: u64) -> Board {
        let mut board = Board::new();
        let pointer = |to: u64| to >> 12 << 10 | V;
        for (at, entry) in [
            (ROOT, pointer(ROOT + 0x1000)),
            (ROOT + 0x1000, pointer(ROOT + 0x2000)),
            (ROOT + 0x2008, PAGE >> 12 << 10 | rights),
            (ROOT + 16, RAM >> 12 << 10 | V | R | W | X | A | D),
            (ROOT + 24, (RAM + 0x1000) >> 12 << 10 | V | R),
        ] {
            board.ram.write(Phys(at), Width::B8, entry);
        }
        board.hart.pmp.set_address(0, u64::MAX);
        board.hart.pmp.set_config(0, 0x1f);
        board.hart.satp = 8 << 60 | ROOT >> 12;
        board.hart.privilege = Privilege::Supervisor;
        board.hart.refresh();
        board
    }

    /// Where an access leads, or its cause.
    fn access(board: &mut Board, addr: u64, access: Access) -> Result<u64, u64> {
        let path = &mut Path::default();
        match walk(&board.hart, &mut board.ram, addr, access, path) {
            Ok(entry) => Ok(entry.frame * PAGE_SIZE),
            Err(Trap::Exception(Exception { cause, .. })) => Err(cause),
            Err(gap) => panic!("{gap:?}"),
        }
    }

    #[test]
    fn a_page_allows_what_its_entry_says() {
        let read_only = &mut board(V | R | A);
        assert_eq!(access(read_only, 0x1234, Access::Read), Ok(PAGE));
        assert_eq!(
            access(read_only, 0x1234, Access::Write),
            Err(cause::STORE_PAGE)
        );
        assert_eq!(
            access(read_only, 0x1234, Access::Fetch),
            Err(cause::FETCH_PAGE)
        );
        assert_eq!(
            access(read_only, 0x2000, Access::Read),
            Err(cause::LOAD_PAGE)
        );
        assert_eq!(
            access(read_only, 1 << 38, Access::Read),
            Err(cause::LOAD_PAGE)
        );
    }

    #[test]
    fn superpages_lead_to_their_pieces_and_misaligned_ones_nowhere() {
        let board = &mut board(0);
        assert_eq!(access(board, RAM + 0x5678, Access::Write), Ok(RAM + 0x5000));
        assert_eq!(access(board, 3 << 30, Access::Read), Err(cause::LOAD_PAGE));
    }

    #[test]
    fn supervisors_touch_user_pages_only_with_sum() {
        let board = &mut board(V | R | W | U | A | D);
        assert_eq!(access(board, 0x1000, Access::Read), Err(cause::LOAD_PAGE));
        board.hart.mstatus |= status::SUM;
        board.hart.refresh();
        assert_eq!(access(board, 0x1000, Access::Read), Ok(PAGE));
        board.hart.privilege = Privilege::User;
        board.hart.refresh();
        assert_eq!(access(board, 0x1000, Access::Write), Ok(PAGE));
    }

    #[test]
    fn accessed_and_dirty_bits_are_set_or_faulted_for() {
        let board = &mut board(V | R | W);
        assert_eq!(access(board, 0x1000, Access::Write), Ok(PAGE));
        let entry = board.ram.read(Phys(ROOT + 0x2008), Width::B8);
        assert_eq!(entry.map(|entry| entry & (A | D)), Some(A | D));
        let software = &mut self::board(V | R | W);
        software.hart.envcfg[0] &= !envcfg::ADUE;
        assert_eq!(
            access(software, 0x1000, Access::Read),
            Err(cause::LOAD_PAGE)
        );
    }

    #[test]
    fn tables_where_memory_is_closed_are_an_access_fault() {
        let board = &mut board(V | R | A);
        board.hart.pmp = crate::riscv64::pmp::Pmp::default();
        assert_eq!(access(board, 0x1000, Access::Read), Err(cause::LOAD_ACCESS));
    }
}
