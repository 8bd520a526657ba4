//! Segment descriptors: reading them from the GDT or LDT and loading segment registers (SDM vol. 3, 3.4 and 5).
//!
//! Limits are kept but not enforced on data accesses: long mode has none, and the 16- and 32-bit modes are here for
//! start-up code only.
//!
//! ```text
//! descriptor   63..56  55 54 53 52  51..48  47 46..45 44 43..40  39..16  15..0
//!              base    G  D  L  AVL limit   P  DPL    S  type    base    limit
//! ```

use super::cpu::Cpu;
use super::reg::{SEG_BASE, rflags};
use super::state::{Hart, Segment, bits, seg};
use super::trap::{Trap, vector};
use base::{Bus, Observer, Width};
use ir::Guest;

/// A descriptor as it lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor(pub u64);

impl Descriptor {
    /// Base, in bytes.
    pub const fn base(self) -> u64 {
        (self.0 >> 16 & 0xff_ffff) | (self.0 >> 56 & 0xff) << 24
    }

    /// The last valid offset, granularity applied.
    pub const fn limit(self) -> u32 {
        let raw = (self.0 & 0xffff | self.0 >> 32 & 0xf_0000) as u32;
        if self.0 & 1 << 55 != 0 {
            raw << 12 | 0xfff
        } else {
            raw
        }
    }

    /// Attributes as [`Segment::attr`] holds them.
    pub const fn attr(self) -> u16 {
        (self.0 >> 40 & 0xf0ff) as u16
    }

    /// Whether the segment is present.
    pub const fn present(self) -> bool {
        self.0 & 1 << 47 != 0
    }

    /// Descriptor privilege level.
    pub const fn dpl(self) -> u8 {
        (self.0 >> 45 & 3) as u8
    }

    /// Whether it describes code or data (not a system segment).
    pub const fn code_or_data(self) -> bool {
        self.0 & 1 << 44 != 0
    }

    /// Whether it describes code.
    pub const fn code(self) -> bool {
        self.code_or_data() && self.0 & 1 << 43 != 0
    }

    /// The four type bits.
    pub const fn kind(self) -> u8 {
        (self.0 >> 40 & 15) as u8
    }

    /// For code: callable from lower privilege.
    pub const fn conforming(self) -> bool {
        self.code() && self.0 & 1 << 42 != 0
    }

    /// For code: 64-bit.
    pub const fn long(self) -> bool {
        self.0 & 1 << 53 != 0
    }

    /// For code: default size is 32 bits.
    pub const fn big(self) -> bool {
        self.0 & 1 << 54 != 0
    }
}

/// Whether real-address mode is active (segments are then selector * 16).
pub const fn real_mode(hart: &Hart) -> bool {
    hart.cr0 & bits::CR0_PE == 0
}

/// The error code that names `selector`.
pub const fn selector_error(selector: u16) -> u32 {
    (selector & 0xfffc) as u32
}

/// Puts a loaded descriptor into segment register `index` without any check.
pub fn set(hart: &mut Hart, index: usize, selector: u16, descriptor: Descriptor) {
    hart.segs[index] = Segment {
        selector,
        attr: descriptor.attr(),
        limit: descriptor.limit(),
        base: 0,
    };
    hart.regs[usize::from(SEG_BASE) + index] = descriptor.base();
    hart.refresh();
}

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// Runs `body` with the rights of CPL 0, as accesses to descriptor tables and task state have them.
    pub fn as_supervisor<T>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<T, Trap>,
    ) -> Result<T, Trap> {
        let (cpl, flags) = (
            self.hart.cpl,
            self.hart.regs[usize::from(super::reg::RFLAGS)],
        );
        self.hart.cpl = 0;
        self.hart.regs[usize::from(super::reg::RFLAGS)] &= !rflags::AC;
        self.hart.refresh_view();
        let result = body(self);
        self.hart.cpl = cpl;
        self.hart.regs[usize::from(super::reg::RFLAGS)] = flags;
        self.hart.refresh_view();
        result
    }

    /// Reads the descriptor that `selector` names. Beyond the table's limit is `fault_vector` with the selector.
    pub fn descriptor(
        &mut self,
        selector: u16,
        fault_vector: u8,
        at: u64,
    ) -> Result<Descriptor, Trap> {
        let (base, limit) = if selector & 4 != 0 {
            if self.hart.ldtr.attr & 0x80 == 0 || self.hart.ldtr.selector & 0xfffc == 0 {
                return Err(Trap::fault_code(fault_vector, selector_error(selector)));
            }
            (self.hart.ldtr.base, u64::from(self.hart.ldtr.limit))
        } else {
            (self.hart.gdtr.0, u64::from(self.hart.gdtr.1))
        };
        let offset = u64::from(selector & 0xfff8);
        if offset + 7 > limit {
            return Err(Trap::fault_code(fault_vector, selector_error(selector)));
        }
        self.as_supervisor(|cpu| cpu.load(base.wrapping_add(offset), Width::B8, false, at))
            .map(Descriptor)
    }

    /// Sets the accessed bit of a code or data descriptor in its table, as loading it does.
    pub fn mark_accessed(
        &mut self,
        selector: u16,
        descriptor: Descriptor,
        at: u64,
    ) -> Result<Descriptor, Trap> {
        if descriptor.0 & 1 << 40 != 0 {
            return Ok(descriptor);
        }
        let base = if selector & 4 != 0 {
            self.hart.ldtr.base
        } else {
            self.hart.gdtr.0
        };
        let marked = Descriptor(descriptor.0 | 1 << 40);
        let addr = base.wrapping_add(u64::from(selector & 0xfff8));
        self.as_supervisor(|cpu| cpu.store(addr, Width::B8, marked.0, at))?;
        Ok(marked)
    }

    /// MOV or POP to ES, SS, DS, FS or GS (SDM vol. 2, MOV; vol. 3, 5.5).
    pub fn load_segment(&mut self, index: usize, selector: u16, at: u64) -> Result<(), Trap> {
        if real_mode(self.hart) {
            self.hart.segs[index].selector = selector;
            self.hart.regs[usize::from(SEG_BASE) + index] = u64::from(selector) << 4;
            self.hart.refresh();
            return Ok(());
        }
        let rpl = (selector & 3) as u8;
        let error = selector_error(selector);
        if selector & 0xfffc == 0 {
            let null_ss_allowed =
                self.hart.mode().long() && self.hart.cpl != 3 && rpl == self.hart.cpl;
            if index == seg::SS && !null_ss_allowed {
                return Err(Trap::GP0);
            }
            self.hart.segs[index] = Segment {
                selector,
                attr: 0,
                limit: 0,
                base: 0,
            };
            self.hart.regs[usize::from(SEG_BASE) + index] = 0;
            self.hart.refresh();
            return Ok(());
        }
        let descriptor = self.descriptor(selector, vector::GP, at)?;
        let writable_data =
            descriptor.code_or_data() && !descriptor.code() && descriptor.kind() & 2 != 0;
        let readable =
            descriptor.code_or_data() && (!descriptor.code() || descriptor.kind() & 2 != 0);
        let allowed = if index == seg::SS {
            writable_data && rpl == self.hart.cpl && descriptor.dpl() == self.hart.cpl
        } else {
            readable && (descriptor.conforming() || descriptor.dpl() >= rpl.max(self.hart.cpl))
        };
        if !allowed {
            return Err(Trap::fault_code(vector::GP, error));
        }
        if !descriptor.present() {
            return Err(Trap::fault_code(
                if index == seg::SS {
                    vector::SS
                } else {
                    vector::NP
                },
                error,
            ));
        }
        let descriptor = self.mark_accessed(selector, descriptor, at)?;
        set(self.hart, index, selector, descriptor);
        Ok(())
    }

    /// Loads CS for a jump, call or return to `pc` at privilege `cpl`, the descriptor having been checked.
    pub fn enter_code(&mut self, selector: u16, descriptor: Descriptor, cpl: u8, pc: u64) {
        self.hart.cpl = cpl;
        self.hart.pc = pc;
        set(
            self.hart,
            seg::CS,
            selector & !3 | u16::from(cpl),
            descriptor,
        );
    }
}

/// The flat segment that SYSCALL and SYSRET load without reading a table.
pub const fn flat(code: bool, long: bool, dpl: u8) -> Descriptor {
    let kind: u64 = if code { 0b1011 } else { 0b0011 };
    let size: u64 = if code && long { 1 << 53 } else { 1 << 54 };
    Descriptor(
        0xffff | 0xf << 48 | 1 << 55 | size | 1 << 47 | (dpl as u64) << 45 | 1 << 44 | kind << 40,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptor_fields_are_where_the_manual_draws_them() {
        let d = Descriptor(0x00af_9b00_0000_ffff);
        assert!(d.present() && d.code() && d.long() && !d.big());
        assert_eq!((d.base(), d.limit(), d.attr()), (0, 0xffff_ffff, 0xa09b));
        assert_eq!(Descriptor(0x12cf_9334_5678_ffff).base(), 0x1234_5678);
        assert_eq!(flat(true, true, 3).0, 0x00af_fb00_0000_ffff);
        assert_eq!(flat(false, false, 3).0, 0x00cf_f300_0000_ffff);
    }
}
