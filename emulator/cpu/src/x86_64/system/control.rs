//! Control registers, and what writing them makes the TLB forget (SDM vol. 3, 2.5 and 4.10.4).

use crate::x86_64::cpu::Cpu;
use crate::x86_64::cpuid;
use crate::x86_64::paging::{self, PHYS_BITS, canonical};
use crate::x86_64::state::{bits, seg};
use crate::x86_64::trap::Trap;
use base::event::{Event, Flush};
use base::{Bus, Observer, Phys, Space, Virt, Width};
use ir::Guest;

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    pub(super) fn write_cr(&mut self, n: u16, value: u64, at: u64) -> Result<(), Trap> {
        let value = if self.hart.mode().long() {
            value
        } else {
            value & 0xffff_ffff
        };
        match n {
            0 => self.write_cr0(value, at)?,
            2 => self.hart.cr2 = value,
            3 => {
                let pcid = self.hart.cr4 & bits::CR4_PCIDE != 0;
                let keep = pcid && value >> 63 != 0;
                let value = if pcid { value & !(1 << 63) } else { value };
                if self.hart.long() && value >> PHYS_BITS != 0 {
                    return Err(Trap::GP0);
                }
                self.hart.cr3 = value;
                self.emit(
                    at,
                    &Event::SpaceSwitch {
                        root: Phys(value & !0xfff),
                        asid: paging::asid(self.hart),
                    },
                );
                if pcid && !keep {
                    self.flush(Flush::Space((value & 0xfff) as u16), at);
                } else if !pcid && self.hart.cr4 & bits::CR4_PGE != 0 {
                    self.flush(Flush::NonGlobal, at);
                } else if !pcid {
                    self.flush(Flush::All, at);
                }
                self.hart.tlb.forget_fast(); // the fast table knows no address space
                self.hart.fetch_page = None;
            }
            4 => self.write_cr4(value, at)?,
            8 => {
                if value & !15 != 0 {
                    return Err(Trap::GP0);
                }
                self.write_device(Space::Local, 0x808, Width::B8, value << 4, at);
            }
            _ => return Err(Trap::UD),
        }
        Ok(())
    }

    pub(super) fn write_cr0(&mut self, value: u64, at: u64) -> Result<(), Trap> {
        const KNOWN: u64 = bits::CR0_PE
            | bits::CR0_MP
            | bits::CR0_EM
            | bits::CR0_TS
            | bits::CR0_NE
            | bits::CR0_WP
            | bits::CR0_AM
            | bits::CR0_NW
            | bits::CR0_CD
            | bits::CR0_PG;
        let paging = value & bits::CR0_PG != 0;
        let not_writethrough_but_cached = value & bits::CR0_NW != 0 && value & bits::CR0_CD == 0;
        if value >> 32 != 0 || (paging && value & bits::CR0_PE == 0) || not_writethrough_but_cached
        {
            return Err(Trap::GP0);
        }
        let turned_on = paging && self.hart.cr0 & bits::CR0_PG == 0;
        if turned_on {
            let pae = self.hart.cr4 & bits::CR4_PAE != 0;
            if self.hart.efer & bits::EFER_LME != 0 {
                if !pae || self.hart.segs[seg::CS].attr & 1 << 13 != 0 {
                    return Err(Trap::GP0);
                }
                self.hart.efer |= bits::EFER_LMA;
            } else if pae {
                return Err(self.gap("PAE paging outside long mode"));
            }
        } else if !paging && self.hart.cr0 & bits::CR0_PG != 0 {
            if self.hart.mode().long() || self.hart.cr4 & bits::CR4_PCIDE != 0 {
                return Err(Trap::GP0);
            }
            self.hart.efer &= !bits::EFER_LMA;
        }
        let flush = (value ^ self.hart.cr0) & (bits::CR0_PG | bits::CR0_WP | bits::CR0_PE) != 0;
        self.hart.cr0 = value & KNOWN | bits::CR0_ET;
        if flush {
            self.flush(Flush::All, at);
        }
        self.hart.refresh();
        Ok(())
    }

    pub(super) fn write_cr4(&mut self, value: u64, at: u64) -> Result<(), Trap> {
        let changed = value ^ self.hart.cr4;
        let pcid_on = changed & value & bits::CR4_PCIDE != 0;
        if value & !cpuid::CR4_ALLOWED != 0
            || (self.hart.long() && value & bits::CR4_PAE == 0)
            || (pcid_on && (!self.hart.long() || self.hart.cr3 & 0xfff != 0))
        {
            return Err(Trap::GP0);
        }
        if changed & bits::CR4_PAE != 0 && self.hart.cr0 & bits::CR0_PG != 0 {
            return Err(self.gap("PAE paging outside long mode"));
        }
        const TRANSLATION: u64 = bits::CR4_PSE
            | bits::CR4_PGE
            | bits::CR4_PAE
            | bits::CR4_PCIDE
            | bits::CR4_SMEP
            | bits::CR4_SMAP;
        self.hart.cr4 = value;
        if changed & TRANSLATION != 0 {
            self.flush(Flush::All, at);
        }
        self.hart.refresh();
        Ok(())
    }

    /// Which debug register a number means: 4 and 5 are 6 and 7, or nothing with CR4.DE (SDM vol. 3, 18.2.2).
    pub(super) const fn debug_register(&self, n: u16) -> Result<usize, Trap> {
        match n {
            4 | 5 if self.hart.cr4 & bits::CR4_DE != 0 => Err(Trap::UD),
            4 | 5 => Ok(n as usize + 2),
            _ => Ok((n & 7) as usize),
        }
    }

    /// MOV to a debug register. DR6 and DR7 have bits that are always set, and an upper half that must be clear.
    pub(super) fn write_dr(&mut self, n: u16, value: u64) -> Result<(), Trap> {
        let n = self.debug_register(n)?;
        let long = self.hart.mode().long();
        if n >= 6 && long && value >> 32 != 0 {
            return Err(Trap::GP0);
        }
        self.hart.dr[n] = match n {
            6 => value & 0xe00f | 0xffff_0ff0,
            7 => value & 0xffff_2bff | 0x400,
            _ if long => value,
            _ => value & 0xffff_ffff,
        };
        Ok(())
    }

    /// Makes the TLB forget, and says so.
    pub(in crate::x86_64) fn flush(&mut self, what: Flush, at: u64) {
        match what {
            Flush::All => self.hart.tlb.flush(false),
            Flush::NonGlobal => self.hart.tlb.flush(true),
            Flush::Space(asid) => self.hart.tlb.flush_asid(asid),
            Flush::Page(addr) => self.hart.tlb.flush_page(addr.0),
        }
        self.emit(at, &Event::TlbFlush(what));
    }

    /// INVPCID (SDM vol. 2): 0 one address, 1 one address space, 2 all, 3 all but global.
    pub(super) fn invpcid(&mut self, addr: u64, kind: u64, at: u64) -> Result<(), Trap> {
        let low = self.load(addr, Width::B8, false, at)?;
        let linear = self.load(addr.wrapping_add(8), Width::B8, false, at)?;
        let no_such_space = low != 0 && self.hart.cr4 & bits::CR4_PCIDE == 0;
        if low >> 12 != 0 || (kind < 2 && no_such_space) {
            return Err(Trap::GP0);
        }
        match kind {
            0 if canonical(linear) => self.flush(Flush::Page(Virt(linear)), at),
            1 => self.flush(Flush::Space((low & 0xfff) as u16), at),
            2 => self.flush(Flush::All, at),
            3 => self.flush(Flush::NonGlobal, at),
            _ => return Err(Trap::GP0),
        }
        self.hart.fetch_page = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::{Board, FREE};

    #[test]
    fn bit_63_of_cr3_means_something_only_with_address_spaces() {
        let mut board = Board::new();
        let value = board.hart.cr3 | 1 << 63;
        assert_eq!(board.run(|cpu| cpu.write_cr(3, value, 0)), Err(Trap::GP0));
        board.hart.cr4 |= bits::CR4_PCIDE;
        assert_eq!(board.run(|cpu| cpu.write_cr(3, value, 0)), Ok(()));
        assert_eq!(board.hart.cr3, value & !(1 << 63));
    }

    #[test]
    fn invpcid_refuses_what_is_reserved() {
        let mut board = Board::new();
        let invalidate = |board: &mut Board, space: u64, kind: u64| {
            board.ram.write(Phys(FREE), Width::B8, space);
            board.run(|cpu| cpu.invpcid(FREE, kind, 0))
        };
        assert_eq!(invalidate(&mut board, 0, 1), Ok(()));
        assert_eq!(invalidate(&mut board, 7, 1), Err(Trap::GP0));
        assert_eq!(invalidate(&mut board, 1 << 12, 2), Err(Trap::GP0));
        board.hart.cr4 |= bits::CR4_PCIDE;
        assert_eq!(invalidate(&mut board, 7, 1), Ok(()));
    }

    #[test]
    fn debug_registers_have_their_fixed_bits_and_aliases() {
        let mut board = Board::new();
        board.run(|cpu| {
            assert_eq!(cpu.write_dr(4, 0), Ok(()));
            assert_eq!(cpu.write_dr(7, 0), Ok(()));
            assert_eq!(cpu.write_dr(6, 1 << 32), Err(Trap::GP0));
        });
        assert_eq!(board.hart.dr[6..], [0xffff_0ff0, 0x400]);
        board.hart.cr4 |= bits::CR4_DE;
        assert_eq!(board.run(|cpu| cpu.write_dr(5, 0)), Err(Trap::UD));
    }
}
