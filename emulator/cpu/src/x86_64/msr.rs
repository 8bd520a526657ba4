//! Model-specific registers (SDM vol. 4). Unknown ones fault; those of the local APIC are the bus's.

use super::cpu::Cpu;
use super::paging::canonical;
use super::reg::{FS_BASE, GS_BASE};
use super::state::bits;
use super::trap::Trap;
use base::event::Flush;
use base::{Bus, Observer, Space, Width};

const IA32_TSC: u32 = 0x10;
const IA32_APIC_BASE: u32 = 0x1b;
const IA32_BIOS_SIGN_ID: u32 = 0x8b;
const IA32_MTRRCAP: u32 = 0xfe;
const IA32_SYSENTER_CS: u32 = 0x174;
const IA32_SYSENTER_ESP: u32 = 0x175;
const IA32_SYSENTER_EIP: u32 = 0x176;
const IA32_MISC_ENABLE: u32 = 0x1a0;
const IA32_PAT: u32 = 0x277;
const IA32_TSC_DEADLINE: u32 = 0x6e0;
const X2APIC: std::ops::RangeInclusive<u32> = 0x800..=0x8ff;
const EFER: u32 = 0xc000_0080;
const STAR: u32 = 0xc000_0081;
const LSTAR: u32 = 0xc000_0082;
const CSTAR: u32 = 0xc000_0083;
const FMASK: u32 = 0xc000_0084;
const FS_BASE_MSR: u32 = 0xc000_0100;
const GS_BASE_MSR: u32 = 0xc000_0101;
const KERNEL_GS_BASE: u32 = 0xc000_0102;
const TSC_AUX: u32 = 0xc000_0103;

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// The time-stamp counter at the instruction in progress.
    pub fn tsc(&self, at: u64) -> u64 {
        self.bus.now(at).0.wrapping_add(self.hart.tsc_offset)
    }

    /// RDMSR.
    pub fn read_msr(&mut self, msr: u32, at: u64) -> Result<u64, Trap> {
        Ok(match msr {
            IA32_TSC => self.tsc(at),
            IA32_APIC_BASE => self.read_device(Space::Local, u64::from(msr), Width::B8, at),
            IA32_TSC_DEADLINE => {
                // The timer counts virtual time, the guest its time-stamp counter; 0 stays "not armed".
                match self.read_device(Space::Local, u64::from(msr), Width::B8, at) {
                    0 => 0,
                    armed => armed.wrapping_add(self.hart.tsc_offset),
                }
            }
            msr if X2APIC.contains(&msr) => {
                if !self.x2apic_on(at) {
                    return Err(Trap::GP0);
                }
                self.read_device(Space::Local, u64::from(msr), Width::B8, at)
            }
            IA32_BIOS_SIGN_ID | IA32_MTRRCAP => 0,
            IA32_SYSENTER_CS..=IA32_SYSENTER_EIP => {
                self.hart.sysenter[(msr - IA32_SYSENTER_CS) as usize]
            }
            IA32_MISC_ENABLE => 1,
            IA32_PAT => self.hart.pat,
            EFER => self.hart.efer,
            STAR..=FMASK => self.hart.syscall[(msr - STAR) as usize],
            FS_BASE_MSR => self.hart.regs[usize::from(FS_BASE)],
            GS_BASE_MSR => self.hart.regs[usize::from(GS_BASE)],
            KERNEL_GS_BASE => self.hart.kernel_gs_base,
            TSC_AUX => self.hart.tsc_aux,
            _ => return Err(Trap::GP0),
        })
    }

    /// WRMSR.
    pub fn write_msr(&mut self, msr: u32, value: u64, at: u64) -> Result<(), Trap> {
        let needs_canonical = matches!(
            msr,
            FS_BASE_MSR..=KERNEL_GS_BASE
                | LSTAR..=CSTAR
                | IA32_SYSENTER_ESP..=IA32_SYSENTER_EIP
        );
        if needs_canonical && !canonical(value) {
            return Err(Trap::GP0);
        }
        match msr {
            IA32_TSC => self.hart.tsc_offset = value.wrapping_sub(self.bus.now(at).0),
            IA32_APIC_BASE => self.write_device(Space::Local, u64::from(msr), Width::B8, value, at),
            IA32_TSC_DEADLINE => {
                let armed = match value {
                    0 => 0,
                    deadline => (i128::from(deadline) - i128::from(self.hart.tsc_offset as i64))
                        .clamp(1, i128::from(u64::MAX)) as u64,
                };
                self.write_device(Space::Local, u64::from(msr), Width::B8, armed, at);
            }
            msr if X2APIC.contains(&msr) => {
                if !self.x2apic_on(at) {
                    return Err(Trap::GP0);
                }
                self.write_device(Space::Local, u64::from(msr), Width::B8, value, at);
            }
            IA32_BIOS_SIGN_ID | IA32_MISC_ENABLE => {}
            IA32_SYSENTER_CS..=IA32_SYSENTER_EIP => {
                self.hart.sysenter[(msr - IA32_SYSENTER_CS) as usize] = value
            }
            IA32_PAT
                if value
                    .to_le_bytes()
                    .iter()
                    .any(|t| !matches!(t, 0 | 1 | 4..=7)) =>
            {
                return Err(Trap::GP0);
            }
            IA32_PAT => self.hart.pat = value,
            EFER => self.write_efer(value, at)?,
            STAR..=FMASK => self.hart.syscall[(msr - STAR) as usize] = value,
            FS_BASE_MSR => self.hart.regs[usize::from(FS_BASE)] = value,
            GS_BASE_MSR => self.hart.regs[usize::from(GS_BASE)] = value,
            KERNEL_GS_BASE => self.hart.kernel_gs_base = value,
            TSC_AUX => self.hart.tsc_aux = value & 0xffff_ffff,
            _ => return Err(Trap::GP0),
        }
        Ok(())
    }

    fn x2apic_on(&mut self, at: u64) -> bool {
        self.bus.own(u64::from(IA32_APIC_BASE), at) & (1 << 10) != 0
    }

    fn write_efer(&mut self, value: u64, at: u64) -> Result<(), Trap> {
        const WRITABLE: u64 = bits::EFER_SCE | bits::EFER_LME | bits::EFER_NXE;
        let paging = self.hart.cr0 & bits::CR0_PG != 0;
        if value & !(WRITABLE | bits::EFER_LMA) != 0
            || (paging && (value ^ self.hart.efer) & bits::EFER_LME != 0)
        {
            return Err(Trap::GP0);
        }
        self.hart.efer = self.hart.efer & bits::EFER_LMA | value & WRITABLE;
        self.flush(Flush::All, at);
        self.hart.refresh();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::Board;

    #[test]
    fn what_a_register_cannot_hold_faults() {
        let refused = [
            (IA32_PAT, 0x0007_0406_0007_0402),
            (LSTAR, 1 << 63),
            (IA32_SYSENTER_EIP, 1 << 63),
            (EFER, 1 << 14),
            (0x1234_5678, 0),
        ];
        let mut board = Board::new();
        for (msr, value) in refused {
            let result = board.run(|cpu| cpu.write_msr(msr, value, 0));
            assert_eq!(result, Err(Trap::GP0), "{msr:#x}");
        }
        assert_eq!(board.run(|cpu| cpu.write_msr(IA32_PAT, 0x0606, 0)), Ok(()));
    }
}
