//! The control and status registers (Privileged spec, 2; Zicsr): numbers, fields, who may touch them, and what reading
//! and writing does. Long, because it is one list.

use super::cpu::Cpu;
use super::reg::{FFLAGS, FRM};
use super::state::Privilege;
use super::trap::Trap;
use base::event::{Event, Flush};
use base::{Bus, Observer, Phys};

/// Nanoseconds in a tick of the timer: 10 MHz, as on QEMU's `virt` board.
pub const TICK_NS: u64 = 100;

/// mstatus fields (3.1.6).
#[expect(missing_docs, reason = "the names are the manual's")]
pub mod status {
    pub const SIE: u64 = 1 << 1;
    pub const MIE: u64 = 1 << 3;
    pub const SPIE: u64 = 1 << 5;
    pub const MPIE: u64 = 1 << 7;
    pub const SPP: u64 = 1 << 8;
    pub const MPP_SHIFT: u32 = 11;
    pub const MPP: u64 = 3 << MPP_SHIFT;
    pub const FS: u64 = 3 << 13;
    pub const MPRV: u64 = 1 << 17;
    pub const SUM: u64 = 1 << 18;
    pub const MXR: u64 = 1 << 19;
    pub const TVM: u64 = 1 << 20;
    pub const TW: u64 = 1 << 21;
    pub const TSR: u64 = 1 << 22;
    pub const UXL_64: u64 = 2 << 32;
    pub const SXL_64: u64 = 2 << 34;
    /// A summary of FS (there is no other extension state).
    pub const SD: u64 = 1 << 63;
    /// What software may write in mstatus.
    pub const WRITABLE: u64 =
        SIE | MIE | SPIE | MPIE | SPP | MPP | FS | MPRV | SUM | MXR | TVM | TW | TSR;
    /// What of it sstatus shows, and what may be written through it.
    pub const SUPERVISOR: u64 = SIE | SPIE | SPP | FS | SUM | MXR;
}

/// Interrupt bits of mip and mie (3.1.9).
#[expect(missing_docs, reason = "the names are the manual's")]
pub mod interrupt {
    pub const SSIP: u64 = 1 << 1;
    pub const MSIP: u64 = 1 << 3;
    pub const STIP: u64 = 1 << 5;
    pub const MTIP: u64 = 1 << 7;
    pub const SEIP: u64 = 1 << 9;
    pub const MEIP: u64 = 1 << 11;
    /// Those of S-mode, which can be delegated.
    pub const SUPERVISOR: u64 = SSIP | STIP | SEIP;
    /// All.
    pub const ALL: u64 = SUPERVISOR | MSIP | MTIP | MEIP;
}

/// menvcfg fields (3.1.18).
#[expect(missing_docs, reason = "the names are the manual's")]
pub mod envcfg {
    pub const FIOM: u64 = 1 << 0;
    pub const CBZE: u64 = 1 << 7;
    pub const ADUE: u64 = 1 << 61;
    pub const STCE: u64 = 1 << 63;
    /// What menvcfg and senvcfg have.
    pub const WRITABLE: [u64; 2] = [FIOM | CBZE | ADUE | STCE, FIOM | CBZE];
}

/// The counters that may be opened to lower modes: cycle, time, instret and the 29 others.
pub const MCOUNTEREN: u64 = 0xffff_ffff;
/// Exceptions that can be delegated: all but calls from M-mode and what does not exist.
const DELEGABLE: u64 = 0xb3ff;
/// misa: 64 bits, A C D F I M S U.
pub const MISA: u64 = 2 << 62 | 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 8 | 1 << 12 | 1 << 18 | 1 << 20;

/// Numbers of registers that other files name.
#[expect(missing_docs, reason = "the names are the manual's")]
pub mod number {
    pub const FFLAGS: u16 = 0x001;
    pub const FRM: u16 = 0x002;
    pub const FCSR: u16 = 0x003;
    pub const SATP: u16 = 0x180;
    pub const STIMECMP: u16 = 0x14d;
}

/// A register that does not exist, or not here.
struct Absent;

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// The timer's value, in ticks, at the instruction in progress.
    pub fn ticks(&self, at: u64) -> u64 {
        (self.bus.now(at).0 / TICK_NS).wrapping_add(self.hart.time_offset)
    }

    /// Reads the register with this number for an instruction with these `bits`, then writes what `change` makes of the
    /// value, if it makes anything.
    pub(super) fn access_csr(
        &mut self,
        number: u16,
        bits: u32,
        at: u64,
        change: impl FnOnce(u64) -> Option<u64>,
        writes: bool,
    ) -> Result<u64, Trap> {
        let illegal = Trap::illegal(bits);
        // Bits 9..8 of the number are the least privilege, 11..10 == 3 means read-only (2.1).
        let least = u64::from(number >> 8 & 3);
        let read_only = number >> 10 == 3;
        if (self.hart.privilege as u64) < least || (writes && read_only) {
            return Err(illegal);
        }
        let old = self.read_csr(number, at).map_err(|Absent| illegal)?;
        // Of mip.SEIP, instructions that change bits see only what software set, not the board's line (3.1.9).
        let own = match number {
            0x344 => old & !interrupt::SEIP | self.hart.mip & interrupt::SEIP,
            _ => old,
        };
        if let Some(new) = change(own) {
            self.write_csr(number, new, at).map_err(|Absent| illegal)?;
        }
        Ok(old)
    }

    fn float_on(&self) -> Result<(), Absent> {
        if self.hart.mstatus & status::FS == 0 {
            Err(Absent)
        } else {
            Ok(())
        }
    }

    fn read_csr(&mut self, number: u16, at: u64) -> Result<u64, Absent> {
        let ticks = self.ticks(at);
        let hart = &*self.hart;
        let (fflags, frm) = (hart.regs[usize::from(FFLAGS)], hart.regs[usize::from(FRM)]);
        Ok(match number {
            0x001 => {
                self.float_on()?;
                fflags
            }
            0x002 => {
                self.float_on()?;
                frm
            }
            0x003 => {
                self.float_on()?;
                fflags | frm << 5
            }
            0x100 => self.mstatus() & (status::SUPERVISOR | status::UXL_64 | status::SD),
            0x104 => hart.mie & hart.mideleg,
            0x105 => hart.s.tvec,
            0x106 => hart.counteren[1],
            0x10a => hart.envcfg[1],
            0x140 => hart.s.scratch,
            0x141 => hart.s.epc,
            0x142 => hart.s.cause,
            0x143 => hart.s.tval,
            0x144 => hart.pending(ticks) & hart.mideleg,
            0x14d => {
                self.timer_compare()?;
                hart.stimecmp
            }
            0x180 => {
                if hart.privilege == Privilege::Supervisor && hart.mstatus & status::TVM != 0 {
                    return Err(Absent);
                }
                hart.satp
            }
            0x300 => self.mstatus(),
            0x301 => MISA,
            0x302 => hart.medeleg,
            0x303 => hart.mideleg,
            0x304 => hart.mie,
            0x305 => hart.m.tvec,
            0x306 => hart.counteren[0],
            0x30a => hart.envcfg[0],
            0x320 => hart.countinhibit,
            // The programmable counters count nothing, and their events are none (3.1.10).
            0x323..=0x33f | 0xb03..=0xb1f => 0,
            0x340 => hart.m.scratch,
            0x341 => hart.m.epc,
            0x342 => hart.m.cause,
            0x343 => hart.m.tval,
            0x344 => hart.pending(ticks),
            0x3a0 | 0x3a2 => hart.pmp.config(usize::from(number - 0x3a0)),
            0x3b0..=0x3bf => hart.pmp.address(usize::from(number - 0x3b0)),
            // tselect, tdata1 to 3: there is no trigger, as type 0 in tdata1 says (Debug, "Trigger Module").
            0x7a0..=0x7a3 => 0,
            0xb00 => self.counter(0, at),
            0xb02 => self.counter(1, at),
            0xc00..=0xc1f => {
                let which = u64::from(number - 0xc00);
                if !hart.counter_enabled(which) {
                    return Err(Absent);
                }
                match which {
                    0 => self.counter(0, at),
                    1 => ticks,
                    2 => self.counter(1, at),
                    _ => 0,
                }
            }
            // mvendorid, marchid, mimpid: not registered; mconfigptr: none.
            0xf11..=0xf13 | 0xf15 => 0,
            0xf14 => hart.id,
            _ => return Err(Absent),
        })
    }

    /// mstatus with its summary bit.
    fn mstatus(&self) -> u64 {
        let dirty = self.hart.mstatus & status::FS == status::FS;
        self.hart.mstatus | if dirty { status::SD } else { 0 }
    }

    /// Whether stimecmp may be touched (Sstc, "S-mode timer CSR access").
    fn timer_compare(&self) -> Result<(), Absent> {
        let hart = &*self.hart;
        let open = hart.envcfg[0] & envcfg::STCE != 0 && hart.counteren[0] & 2 != 0;
        if hart.privilege == Privilege::Machine || open {
            Ok(())
        } else {
            Err(Absent)
        }
    }

    /// Whether mcountinhibit stops mcycle (0) or minstret (1).
    const fn stopped(&self, which: usize) -> bool {
        self.hart.countinhibit & [1, 4][which] != 0
    }

    /// mcycle (0) or minstret (1): a cycle is an instruction.
    const fn counter(&self, which: usize, at: u64) -> u64 {
        let now = if self.stopped(which) {
            0
        } else {
            self.hart.retired.wrapping_add(at)
        };
        now.wrapping_add(self.hart.counter_offset[which])
    }

    /// Software writes mcycle (0) or minstret (1): what it writes takes the place of this instruction's own count (3.1.10).
    fn write_counter(&mut self, which: usize, value: u64, at: u64) {
        let own = u64::from(!self.stopped(which));
        self.set_counter(which, value.wrapping_sub(own), at);
    }

    fn set_counter(&mut self, which: usize, value: u64, at: u64) {
        self.hart.counter_offset[which] = 0;
        let base = self.counter(which, at);
        self.hart.counter_offset[which] = value.wrapping_sub(base);
    }

    fn write_csr(&mut self, number: u16, value: u64, at: u64) -> Result<(), Absent> {
        match number {
            0x001..=0x003 => {
                self.float_on()?;
                let regs = &mut self.hart.regs;
                if number != 0x002 {
                    regs[usize::from(FFLAGS)] = value & 0x1f;
                }
                match number {
                    0x002 => regs[usize::from(FRM)] = value & 7,
                    0x003 => regs[usize::from(FRM)] = value >> 5 & 7,
                    _ => {}
                }
                if self.hart.mstatus & status::FS != status::FS {
                    self.hart.mstatus |= status::FS;
                    self.hart.refresh();
                }
                self.hart.refresh_float();
            }
            0x100 => self.set_status(value, status::SUPERVISOR, at),
            0x104 => {
                let open = self.hart.mideleg;
                self.hart.mie = self.hart.mie & !open | value & open;
                self.hart.host.attention = true;
            }
            0x105 => self.hart.s.tvec = tvec(value, self.hart.s.tvec),
            0x106 => self.hart.counteren[1] = value & MCOUNTEREN,
            0x10a => self.hart.envcfg[1] = value & envcfg::WRITABLE[1],
            0x140 => self.hart.s.scratch = value,
            0x141 => self.hart.s.epc = value & !1,
            0x142 => self.hart.s.cause = value,
            0x143 => self.hart.s.tval = value,
            0x144 => {
                // Software may set and clear only the software interrupt, if it is delegated (4.1.3).
                let open = self.hart.mideleg & interrupt::SSIP;
                self.hart.mip = self.hart.mip & !open | value & open;
                self.hart.host.attention = true;
            }
            0x14d => {
                self.timer_compare()?;
                self.hart.stimecmp = value;
                self.hart.host.attention = true;
            }
            0x180 => {
                if self.hart.privilege == Privilege::Supervisor
                    && self.hart.mstatus & status::TVM != 0
                {
                    return Err(Absent);
                }
                self.set_satp(value, at);
            }
            0x300 => self.set_status(value, status::WRITABLE, at),
            // misa: what there is cannot be switched off.
            0x301 => {}
            0x302 => self.hart.medeleg = value & DELEGABLE,
            0x303 => {
                self.hart.mideleg = value & interrupt::SUPERVISOR;
                self.hart.host.attention = true;
            }
            0x304 => {
                self.hart.mie = value & interrupt::ALL;
                self.hart.host.attention = true;
            }
            0x305 => self.hart.m.tvec = tvec(value, self.hart.m.tvec),
            0x306 => self.hart.counteren[0] = value & MCOUNTEREN,
            0x30a => {
                self.hart.envcfg[0] = value & envcfg::WRITABLE[0];
                // Whether bits A and D fault is judged at each walk: what is in the TLB was judged otherwise.
                self.flush(Flush::All, at);
                self.hart.host.attention = true;
            }
            0x320 => {
                let before = [0, 1].map(|which| self.counter(which, at));
                self.hart.countinhibit = value & 5;
                for (which, value) in before.into_iter().enumerate() {
                    self.set_counter(which, value, at);
                }
            }
            0x323..=0x33f | 0x7a0..=0x7a3 | 0xb03..=0xb1f => {}
            0x340 => self.hart.m.scratch = value,
            0x341 => self.hart.m.epc = value & !1,
            0x342 => self.hart.m.cause = value,
            0x343 => self.hart.m.tval = value,
            0x344 => {
                // The lines of M-mode are the board's; STIP is Sstc's, if that is on (3.1.9; Sstc).
                let mut open = interrupt::SUPERVISOR;
                if self.hart.envcfg[0] & envcfg::STCE != 0 {
                    open &= !interrupt::STIP;
                }
                self.hart.mip = self.hart.mip & !open | value & open;
                self.hart.host.attention = true;
            }
            0x3a0 | 0x3a2 => {
                self.hart.pmp.set_config(usize::from(number - 0x3a0), value);
                self.flush(Flush::All, at);
                self.hart.fetch_page = None;
            }
            0x3b0..=0x3bf => {
                self.hart
                    .pmp
                    .set_address(usize::from(number - 0x3b0), value);
                self.flush(Flush::All, at);
                self.hart.fetch_page = None;
            }
            0xb00 => self.write_counter(0, value, at),
            0xb02 => self.write_counter(1, value, at),
            _ => return Err(Absent),
        }
        Ok(())
    }

    /// Writes the fields of `mask` in mstatus.
    fn set_status(&mut self, value: u64, mask: u64, at: u64) {
        let old = self.hart.mstatus;
        let mut new = old & !mask | value & mask;
        // MPP holds legal modes only: another value leaves it alone (WARL).
        if Privilege::decode(new >> status::MPP_SHIFT).is_none() {
            new = new & !status::MPP | old & status::MPP;
        }
        self.hart.mstatus = new;
        if (old ^ new) & status::MXR != 0 {
            // What is in the TLB was judged without it.
            self.flush(Flush::All, at);
        }
        const DERIVED: u64 = status::FS | status::MPRV | status::MPP | status::SUM | status::MXR;
        if (old ^ new) & DERIVED != 0 {
            let fetch_page = self.hart.fetch_page;
            self.hart.refresh();
            self.hart.fetch_page = fetch_page;
        }
        self.hart.host.attention = true;
    }

    /// Writes satp: a mode that does not exist leaves all of it as it was (4.1.11). A change of mode takes effect at once,
    /// for global translations, too. Else nothing is flushed: that is what SFENCE.VMA is for; but the fast table knows no
    /// address space.
    fn set_satp(&mut self, value: u64, at: u64) {
        const BARE: u64 = 0;
        const SV39: u64 = 8;
        const SV48: u64 = 9;
        let value = value & !(super::paging::ASID_UNUSED << 44);
        if !matches!(value >> 60, BARE | SV39 | SV48) {
            return;
        }
        let other_mode = (self.hart.satp ^ value) >> 60 != 0;
        self.hart.satp = value;
        let event = Event::SpaceSwitch {
            root: Phys((value & ((1 << 44) - 1)) << 12),
            asid: (value >> 44) as u16,
        };
        self.emit(at, &event);
        if other_mode {
            self.flush(Flush::All, at);
        }
        self.hart.tlb.forget_fast();
        self.hart.fetch_page = None;
        self.hart.host.attention = true;
    }

    /// Makes the TLB forget, and says so.
    pub(super) fn flush(&mut self, what: Flush, at: u64) {
        match what {
            Flush::All => self.hart.tlb.flush(false),
            Flush::NonGlobal => self.hart.tlb.flush(true),
            Flush::Space(asid) => self.hart.tlb.flush_asid(asid),
            Flush::Page(addr) => self.hart.tlb.flush_page(addr.0),
        }
        self.hart.fetch_page = None;
        self.emit(at, &Event::TlbFlush(what));
    }
}

/// xtvec: a base at 4 bytes, and mode 0 (direct) or 1 (vectored); a reserved mode is not taken.
const fn tvec(value: u64, old: u64) -> u64 {
    if value & 2 != 0 {
        value & !3 | old & 1
    } else {
        value
    }
}
