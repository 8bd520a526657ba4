//! Four-level paging (SDM vol. 3, 4.5): from a linear address to a TLB entry, or to a page fault.
//!
//! ```text
//! entry   63   62..52   51..12        11..9   8   7    6   5   4    3    2    1    0
//!         XD   ignored  address       ign.    G   PS   D   A   PCD  PWT  U/S  R/W  P
//! ```
//!
//! The walk sets the accessed bits and, for a write, the dirty bit. A translation allows writes only once its dirty
//! bit is set, so the first write to a page walks again (as processors do) and the bit is exact.

use super::state::{Hart, bits, view};
use super::trap::{Exception, Trap, vector};
use crate::mmu::tlb::{Entry, VIEWS, perm};
use base::event::Access;
use base::{PAGE_SIZE, Phys, Ram, Virt, Width};

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
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

/// Walks the page table for `addr`. The entry says what each view may do with the page, judged by control registers
/// as they are; the fault is that of `access` in the current view.
pub fn walk(hart: &Hart, ram: &mut Ram, addr: u64, access: Access) -> Result<Entry, Trap> {
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
    let mut path = [(Phys(0), 0u64); 4];
    for level in (0..4u32).rev() {
        let shift = 12 + 9 * level;
        let at = Phys(table + (addr >> shift & 511) * 8);
        let Some(entry) = ram.read(at, Width::B8) else {
            return fault(0);
        };
        if entry & PRESENT == 0 {
            return fault(0);
        }
        let leaf = level == 0 || (entry & LARGE != 0 && level < 3);
        let mut reserved = !(u64::MAX >> (64 - PHYS_BITS)) & ADDRESS;
        if hart.efer & bits::EFER_NXE == 0 {
            reserved |= NO_EXECUTE;
        }
        if leaf && level > 0 {
            reserved |= ((1 << shift) - 1) & ADDRESS & !(1 << 12); // bit 12 is PAT
        }
        if (level == 3 && entry & LARGE != 0) || entry & reserved != 0 {
            return fault(code::PRESENT | code::RESERVED);
        }
        rights &= entry;
        executable &= entry & NO_EXECUTE == 0;
        path[level as usize] = (at, entry);
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
            for (step, (at, entry)) in path.iter().enumerate().skip(level as usize) {
                let dirties = step as u32 == level && access == Access::Write;
                let marked = entry | ACCESSED | if dirties { DIRTY } else { 0 };
                if marked != *entry {
                    ram.write(*at, Width::B8, marked);
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
    let nx_matters = hart.efer & bits::EFER_NXE != 0 || hart.cr4 & bits::CR4_SMEP != 0;
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
