//! Descriptor tables and system segments, segment bases, and the instructions that only look at descriptors.

use crate::x86_64::cpu::Cpu;
use crate::x86_64::paging::canonical;
use crate::x86_64::reg::{FS_BASE, GS_BASE};
use crate::x86_64::segment::selector_error;
use crate::x86_64::state::{Segment, bits};
use crate::x86_64::trap::{Exception, Trap, vector};
use base::{Bus, Observer, Width};
use ir::{Guest, Op};

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    pub(super) fn load_table(&mut self, addr: u64, payload: u16, at: u64) -> Result<(), Trap> {
        let limit = self.load(addr, Width::B2, false, at)? as u16;
        let base_width = if payload & 2 != 0 {
            Width::B8
        } else {
            Width::B4
        };
        let mut base = self.load(addr.wrapping_add(2), base_width, false, at)?;
        if payload & 4 != 0 {
            base &= 0xff_ffff; // an operand size of 16 bits leaves the base 24 (SDM vol. 2, LGDT)
        }
        if payload & 2 != 0 && !canonical(base) {
            return Err(Trap::GP0);
        }
        *(if payload & 1 == 0 {
            &mut self.hart.gdtr
        } else {
            &mut self.hart.idtr
        }) = (base, limit);
        Ok(())
    }

    /// LLDT and LTR: `kind` is the descriptor type they want (an available TSS becomes busy).
    pub(super) fn load_system_segment(
        &mut self,
        selector: u16,
        kind: u8,
        at: u64,
    ) -> Result<(), Trap> {
        let error = selector_error(selector);
        if selector & 0xfffc == 0 {
            if kind == 2 {
                self.hart.ldtr = Segment {
                    selector,
                    ..Segment::default()
                };
                return Ok(());
            }
            return Err(Trap::GP0);
        }
        let low = self.descriptor(selector, vector::GP, at)?;
        if selector & 4 != 0 || low.code_or_data() || low.kind() != kind {
            return Err(Trap::fault_code(vector::GP, error));
        }
        if !low.present() {
            return Err(Trap::fault_code(vector::NP, error));
        }
        let table = self.hart.gdtr.0;
        let addr = table.wrapping_add(u64::from(selector & 0xfff8));
        let mut base = low.base();
        if self.hart.long() {
            let high =
                self.as_supervisor(|cpu| cpu.load(addr.wrapping_add(8), Width::B8, false, at))?;
            base |= high << 32;
        }
        let mut attr = low.attr();
        if kind == 9 {
            self.as_supervisor(|cpu| cpu.store(addr, Width::B8, low.0 | 1 << 41, at))?;
            attr |= 2;
        }
        let loaded = Segment {
            selector,
            attr,
            limit: low.limit(),
            base,
        };
        *(if kind == 2 {
            &mut self.hart.ldtr
        } else {
            &mut self.hart.tr
        }) = loaded;
        Ok(())
    }

    pub(super) fn fsgsbase(&mut self, payload: u16, op: Op, a: u64) -> Result<(), Trap> {
        if self.hart.cr4 & bits::CR4_FSGSBASE == 0 || !self.hart.mode().long() {
            return Err(Trap::UD);
        }
        let base = usize::from(if payload & 1 == 0 { FS_BASE } else { GS_BASE });
        let mask = if payload & 4 != 0 {
            u64::MAX
        } else {
            0xffff_ffff
        };
        if payload & 2 != 0 {
            if !canonical(a & mask) {
                return Err(Trap::GP0);
            }
            self.hart.regs[base] = a & mask;
        } else {
            self.hart.regs[usize::from(op.d)] = self.hart.regs[base] & mask;
        }
        Ok(())
    }

    /// LAR (0), LSL (1), VERR (2), VERW (3): ZF and, if set, a result.
    pub(super) fn inspect(
        &mut self,
        what: u16,
        selector: u16,
        d: usize,
        at: u64,
    ) -> Result<(), Trap> {
        let flags = self.hart.rflags() & ir::flags::ALL & !ir::flags::ZF;
        let descriptor = match self.descriptor(selector, vector::GP, at) {
            Ok(descriptor) if selector & 0xfffc != 0 => Some(descriptor),
            Ok(_)
            | Err(Trap::Fault(Exception {
                vector: vector::GP, ..
            })) => None,
            Err(trap) => return Err(trap),
        };
        let ok = descriptor.filter(|t| {
            let reachable = t.conforming() || t.dpl() >= self.hart.cpl.max((selector & 3) as u8);
            let system =
                !t.code_or_data() && matches!((what, t.kind()), (0 | 1, 2 | 9 | 11) | (0, 12));
            reachable
                && match what {
                    0 | 1 => t.code_or_data() || system,
                    2 => t.code_or_data() && (!t.code() || t.kind() & 2 != 0),
                    _ => t.code_or_data() && !t.code() && t.kind() & 2 != 0,
                }
        });
        if let Some(t) = ok {
            match what {
                0 => self.hart.regs[d] = t.0 >> 32 & 0x00f0_ff00,
                1 => self.hart.regs[d] = u64::from(t.limit()),
                _ => {}
            }
        }
        self.hart
            .set_flag_word(flags | if ok.is_some() { ir::flags::ZF } else { 0 });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::{Board, FREE};
    use base::Phys;

    #[test]
    fn a_table_base_has_24_32_or_64_bits() {
        let bases = [(4, 0x33_4455), (0, 0x2233_4455), (2, 0x0000_7000_2233_4455)];
        for (payload, base) in bases {
            let mut board = Board::new();
            board.ram.write(Phys(FREE), Width::B2, 0x77);
            let stored = Phys(FREE + 2);
            board.ram.write(stored, Width::B8, 0x0000_7000_2233_4455);
            assert_eq!(board.run(|cpu| cpu.load_table(FREE, payload, 0)), Ok(()));
            assert_eq!(board.hart.gdtr, (base, 0x77));
        }
    }
}
