//! One x86-64 CPU's state: what a manual calls the processor, without the chips around it.

use super::fpu::Fpu;
use super::mode::Mode;
use super::reg::{self, SEG_BASE, rflags};
use super::sse::mxcsr;
use crate::hart::{Counters, Host};
use crate::mmu::tlb::{Shape, Tlb};
use base::{Codec, CodecError, State};
use ir::Regs;

/// Control-register and EFER bits (SDM vol. 3, 2.5 and 2.2.1).
#[expect(missing_docs, reason = "the names are the manual's")]
pub mod bits {
    pub const CR0_PE: u64 = 1 << 0;
    pub const CR0_MP: u64 = 1 << 1;
    pub const CR0_EM: u64 = 1 << 2;
    pub const CR0_TS: u64 = 1 << 3;
    pub const CR0_ET: u64 = 1 << 4;
    pub const CR0_NE: u64 = 1 << 5;
    pub const CR0_WP: u64 = 1 << 16;
    pub const CR0_AM: u64 = 1 << 18;
    pub const CR0_NW: u64 = 1 << 29;
    pub const CR0_CD: u64 = 1 << 30;
    pub const CR0_PG: u64 = 1 << 31;
    pub const CR4_TSD: u64 = 1 << 2;
    pub const CR4_DE: u64 = 1 << 3;
    pub const CR4_PSE: u64 = 1 << 4;
    pub const CR4_PAE: u64 = 1 << 5;
    pub const CR4_MCE: u64 = 1 << 6;
    pub const CR4_PGE: u64 = 1 << 7;
    pub const CR4_PCE: u64 = 1 << 8;
    pub const CR4_OSFXSR: u64 = 1 << 9;
    pub const CR4_OSXMMEXCPT: u64 = 1 << 10;
    pub const CR4_FSGSBASE: u64 = 1 << 16;
    pub const CR4_PCIDE: u64 = 1 << 17;
    pub const CR4_SMEP: u64 = 1 << 20;
    pub const CR4_SMAP: u64 = 1 << 21;
    pub const EFER_SCE: u64 = 1 << 0;
    pub const EFER_LME: u64 = 1 << 8;
    pub const EFER_LMA: u64 = 1 << 10;
    pub const EFER_NXE: u64 = 1 << 11;
}

/// Segment registers, in the encoding's order.
#[expect(missing_docs, reason = "the names are the manual's")]
pub mod seg {
    pub const ES: usize = 0;
    pub const CS: usize = 1;
    pub const SS: usize = 2;
    pub const DS: usize = 3;
    pub const FS: usize = 4;
    pub const GS: usize = 5;
}

/// A segment register's visible and hidden parts; the bases of the first six live in the register file.
///
/// ```text
/// attr   12  11..8  7   6..5  4   3..0       (bits 8..23 of a descriptor's upper half, limit bits left out)
///        G   D L A  P   DPL   S   type       15 = G, 14 = D/B, 13 = L, 12 = AVL
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// The selector.
    pub selector: u16,
    /// Attribute bits 8..15 and 20..23 of the descriptor's upper half, as bits 0..7 and 12..15.
    pub attr: u16,
    /// The last valid offset, in bytes.
    pub limit: u32,
    /// For LDTR and TR, the base.
    pub base: u64,
}

/// What the CPU is doing between instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Activity {
    /// Executing.
    #[default]
    Running = 0,
    /// HLT: waits for an interrupt.
    Halted = 1,
    /// After INIT: waits for a start-up IPI.
    WaitForSipi = 2,
    /// A triple fault ended it.
    Shutdown = 3,
}

/// What the board tells CPUID: this CPU's APIC ID and how many CPUs there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// Initial APIC ID of this CPU.
    pub apic_id: u8,
    /// Logical processors in the package.
    pub cpus: u8,
}

/// A CPU.
pub struct Hart {
    /// The register file that lifted code works on.
    pub regs: Regs,
    /// RIP, as an offset into CS.
    pub pc: u64,
    /// CPL.
    pub cpl: u8,
    /// Selectors and attributes of ES CS SS DS FS GS.
    pub segs: [Segment; 6],
    /// The local descriptor table.
    pub ldtr: Segment,
    /// The task register.
    pub tr: Segment,
    /// The global descriptor table: base and limit.
    pub gdtr: (u64, u16),
    /// The interrupt descriptor table: base and limit.
    pub idtr: (u64, u16),
    /// CR0, CR2, CR3, CR4.
    pub cr0: u64,
    /// The address of the last page fault.
    pub cr2: u64,
    /// The page table's root and, with PCID, the address space.
    pub cr3: u64,
    /// Extensions in use.
    pub cr4: u64,
    /// Extended features.
    pub efer: u64,
    /// Debug registers; kept, never acted on.
    pub dr: [u64; 8],
    /// STAR, LSTAR, CSTAR, FMASK.
    pub syscall: [u64; 4],
    /// The other GS base.
    pub kernel_gs_base: u64,
    /// TSC_AUX, what RDTSCP and RDPID give.
    pub tsc_aux: u64,
    /// What software added to the time-stamp counter.
    pub tsc_offset: u64,
    /// Page attribute table.
    pub pat: u64,
    /// SYSENTER_CS, ESP, EIP: kept, not acted on.
    pub sysenter: [u64; 3],
    /// x87 and what FXSAVE saves beside XMM.
    pub fpu: Fpu,
    /// The TLB.
    pub tlb: Tlb,
    /// The page that instructions are being fetched from: virtual and physical page number. Control that stays in
    /// it asks no TLB.
    pub fetch_page: Option<(u64, u64)>,
    /// What the CPU does.
    pub activity: Activity,
    /// Interrupts wait for one more instruction (after STI and loads of SS).
    pub shadow: bool,
    /// An NMI is being handled.
    pub nmi_blocked: bool,
    /// An NMI waits.
    pub nmi_pending: bool,
    /// What CPUID says of this CPU's place; given by the board.
    pub topology: Topology,
    /// Whether probes are lifted; chosen by the host, no machine state.
    pub probes_on: bool,
    /// Whether each instruction is reported; chosen by the host, no machine state.
    pub instructions_on: bool,
    /// What is the host's: figures, marks, what was met.
    pub host: Host,
    mode: Mode,
    view: usize,
}

/// View numbers for the TLB.
pub mod view {
    /// CPL 3.
    pub const USER: usize = 0;
    /// CPL 0, kept out of user pages if SMAP is on.
    pub const KERNEL: usize = 1;
    /// CPL 0 with RFLAGS.AC set.
    pub const KERNEL_AC: usize = 2;
}

impl Hart {
    /// A CPU after power-on (SDM vol. 3, 9.1); CPUs other than the first wait for a start-up IPI.
    pub fn new(shape: Shape, topology: Topology) -> Self {
        let mut hart = Self {
            regs: [0; 256],
            pc: 0,
            cpl: 0,
            segs: [Segment::default(); 6],
            ldtr: Segment::default(),
            tr: Segment::default(),
            gdtr: (0, 0),
            idtr: (0, 0),
            cr0: 0,
            cr2: 0,
            cr3: 0,
            cr4: 0,
            efer: 0,
            dr: [0; 8],
            syscall: [0; 4],
            kernel_gs_base: 0,
            tsc_aux: 0,
            tsc_offset: 0,
            pat: 0x0007_0406_0007_0406,
            sysenter: [0; 3],
            fpu: Fpu::default(),
            tlb: Tlb::new(shape),
            fetch_page: None,
            activity: Activity::WaitForSipi,
            shadow: false,
            nmi_blocked: false,
            nmi_pending: false,
            topology,
            probes_on: false,
            instructions_on: false,
            host: Host {
                counters: Counters {
                    traps: vec![0; 256],
                    ..Counters::default()
                },
                ..Host::default()
            },
            mode: Mode(0),
            view: 0,
        };
        mxcsr::set(&mut hart.regs, mxcsr::RESET);
        hart.init();
        hart
    }

    /// What INIT does: the state of SDM vol. 3, table 9-1, and waiting for a start-up IPI.
    pub fn init(&mut self) {
        for r in 0..16 {
            self.regs[r] = 0;
        }
        self.regs[usize::from(reg::RDX)] = 0x600;
        self.regs[usize::from(reg::RFLAGS)] = rflags::FIXED;
        self.set_flag_word(0);
        self.pc = 0xfff0;
        for index in 0..6 {
            self.segs[index] = Segment {
                selector: 0,
                attr: 0x93,
                limit: 0xffff,
                base: 0,
            };
            self.regs[usize::from(SEG_BASE) + index] = 0;
        }
        self.segs[seg::CS] = Segment {
            selector: 0xf000,
            attr: 0x9b,
            limit: 0xffff,
            base: 0,
        };
        self.regs[usize::from(SEG_BASE) + seg::CS] = 0xffff_0000;
        self.ldtr = Segment {
            selector: 0,
            attr: 0x82,
            limit: 0xffff,
            base: 0,
        };
        self.tr = Segment {
            selector: 0,
            attr: 0x8b,
            limit: 0xffff,
            base: 0,
        };
        self.gdtr = (0, 0xffff);
        self.idtr = (0, 0xffff);
        self.cr0 = bits::CR0_ET | bits::CR0_NW | bits::CR0_CD;
        (self.cr2, self.cr3, self.cr4, self.efer) = (0, 0, 0, 0);
        self.dr = [0, 0, 0, 0, 0, 0, 0xffff_0ff0, 0x400];
        self.cpl = 0;
        self.shadow = false;
        self.nmi_blocked = false;
        self.nmi_pending = false;
        self.activity = Activity::WaitForSipi;
        self.tlb.flush(false);
        self.refresh();
    }

    /// What a start-up IPI with `vector` does to a CPU that waits for one: real mode at `vector` * 4 KiB.
    pub fn sipi(&mut self, vector: u8) {
        if self.activity == Activity::WaitForSipi {
            self.segs[seg::CS].selector = u16::from(vector) << 8;
            self.regs[usize::from(SEG_BASE) + seg::CS] = u64::from(vector) << 12;
            self.pc = 0;
            self.activity = Activity::Running;
            self.refresh();
        }
    }

    /// What lifting assumes right now.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// What data accesses may do right now, as the TLB's view.
    pub const fn view(&self) -> usize {
        self.view
    }

    /// The base of segment register `index`.
    pub const fn base(&self, index: usize) -> u64 {
        self.regs[SEG_BASE as usize + index]
    }

    /// The linear address of the next instruction; 64-bit code has no segment base (SDM vol. 3, 3.2.4).
    pub const fn linear_pc(&self) -> u64 {
        if self.mode.long() {
            self.pc
        } else {
            self.pc.wrapping_add(self.base(seg::CS)) & 0xffff_ffff
        }
    }

    /// Whether 64-bit or compatibility mode is active.
    pub const fn long(&self) -> bool {
        self.efer & bits::EFER_LMA != 0
    }

    /// RFLAGS, arithmetic flags included.
    pub const fn rflags(&self) -> u64 {
        let r = &self.regs;
        let word = ir::flags::word(
            r[ir::reg::FLAG_KIND as usize],
            r[ir::reg::FLAG_A as usize],
            r[ir::reg::FLAG_B as usize],
        );
        r[reg::RFLAGS as usize] | word
    }

    /// Sets all of RFLAGS (reserved bits are corrected). RF is not kept: there are no instruction breakpoints.
    pub const fn set_rflags(&mut self, value: u64) {
        const KEPT: u64 = rflags::TF
            | rflags::IF
            | rflags::DF
            | rflags::IOPL
            | rflags::NT
            | rflags::AC
            | rflags::ID
            | 3 << 19;
        self.set_flag_word(value & ir::flags::ALL);
        self.regs[reg::RFLAGS as usize] = value & KEPT | rflags::FIXED;
        self.refresh_view();
    }

    /// Sets the six arithmetic flags.
    pub const fn set_flag_word(&mut self, word: u64) {
        self.regs[ir::reg::FLAG_KIND as usize] = ir::FlagKind::Raw as u64 * 4;
        self.regs[ir::reg::FLAG_A as usize] = word;
        self.regs[ir::reg::FLAG_B as usize] = 0;
    }

    /// Whether RFLAGS.IF is set.
    pub const fn interrupts_on(&self) -> bool {
        self.regs[reg::RFLAGS as usize] & rflags::IF != 0
    }

    /// Derives what depends on control registers, code segment and privilege, after any of them changed.
    pub fn refresh(&mut self) {
        let cs = self.segs[seg::CS].attr;
        let (l, d) = (cs & 1 << 13 != 0, cs & 1 << 14 != 0);
        let size = match (self.long() && l, d) {
            (true, _) => 64,
            (false, true) => 32,
            (false, false) => 16,
        };
        let sse = self.cr0 & (bits::CR0_TS | bits::CR0_EM) == 0 && self.cr4 & bits::CR4_OSFXSR != 0;
        let flat = size == 64
            || [seg::ES, seg::CS, seg::SS, seg::DS]
                .iter()
                .all(|&s| self.base(s) == 0);
        let stack32 = self.segs[seg::SS].attr & 1 << 14 != 0;
        self.mode = Mode::new(size, self.cpl == 0, stack32, sse, self.probes_on, flat)
            .reporting(self.instructions_on);
        self.refresh_view();
        self.fetch_page = None;
        self.host.attention = true;
    }

    /// Derives the view after CPL or RFLAGS.AC changed.
    pub const fn refresh_view(&mut self) {
        self.view = match (
            self.cpl == 3,
            self.regs[reg::RFLAGS as usize] & rflags::AC != 0,
        ) {
            (true, _) => view::USER,
            (false, false) => view::KERNEL,
            (false, true) => view::KERNEL_AC,
        };
    }
}

fn segment(codec: &mut Codec<'_>, s: &mut Segment) -> Result<(), CodecError> {
    codec.u16(&mut s.selector)?;
    codec.u16(&mut s.attr)?;
    codec.u32(&mut s.limit)?;
    codec.u64(&mut s.base)
}

impl State for Hart {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("x86-64 cpu", 1)?;
        for r in (0..56).chain([
            ir::reg::FLAG_KIND,
            ir::reg::FLAG_A,
            ir::reg::FLAG_B,
            ir::reg::FP_FAST,
        ]) {
            codec.u64(&mut self.regs[usize::from(r)])?;
        }
        codec.u64(&mut self.pc)?;
        codec.u8(&mut self.cpl)?;
        self.segs.iter_mut().try_for_each(|s| segment(codec, s))?;
        segment(codec, &mut self.ldtr)?;
        segment(codec, &mut self.tr)?;
        for (base, limit) in [&mut self.gdtr, &mut self.idtr] {
            codec.u64(base)?;
            codec.u16(limit)?;
        }
        for r in [
            &mut self.cr0,
            &mut self.cr2,
            &mut self.cr3,
            &mut self.cr4,
            &mut self.efer,
        ] {
            codec.u64(r)?;
        }
        for r in self
            .dr
            .iter_mut()
            .chain(&mut self.syscall)
            .chain(&mut self.sysenter)
        {
            codec.u64(r)?;
        }
        for r in [
            &mut self.kernel_gs_base,
            &mut self.tsc_aux,
            &mut self.tsc_offset,
            &mut self.pat,
        ] {
            codec.u64(r)?;
        }
        self.fpu.state(codec)?;
        self.tlb.state(codec)?;
        let mut fetch_page = self.fetch_page;
        codec.option(&mut fetch_page, |c, (virt, phys)| {
            c.u64(virt)?;
            c.u64(phys)
        })?;
        let mut activity = self.activity as u8;
        codec.u8(&mut activity)?;
        self.activity = match activity {
            0 => Activity::Running,
            1 => Activity::Halted,
            2 => Activity::WaitForSipi,
            3 => Activity::Shutdown,
            _ => return Err(CodecError::BadValue { field: "activity" }),
        };
        for flag in [
            &mut self.shadow,
            &mut self.nmi_blocked,
            &mut self.nmi_pending,
        ] {
            codec.bool(flag)?;
        }
        if codec.loading() {
            self.cpl &= 3;
            self.refresh();
            self.fetch_page = fetch_page;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::Board;
    use base::codec;

    #[test]
    fn every_part_that_the_future_depends_on_is_saved() {
        type Change = fn(&mut Hart);
        let changes: [Change; 26] = [
            |h| h.pc ^= 1,
            |h| h.cpl ^= 3,
            |h| h.segs[seg::SS].attr ^= 1,
            |h| h.ldtr.base ^= 1,
            |h| h.tr.limit ^= 1,
            |h| h.gdtr.0 ^= 1,
            |h| h.idtr.1 ^= 1,
            |h| h.cr0 ^= 1 << 18,
            |h| h.cr2 ^= 1,
            |h| h.cr3 ^= 1 << 12,
            |h| h.cr4 ^= 1 << 2,
            |h| h.efer ^= 1,
            |h| h.dr[3] ^= 1,
            |h| h.syscall[2] ^= 1,
            |h| h.kernel_gs_base ^= 1,
            |h| h.tsc_aux ^= 1,
            |h| h.tsc_offset ^= 1,
            |h| h.pat ^= 1,
            |h| h.sysenter[1] ^= 1,
            |h| h.fetch_page = Some((1, 2)),
            |h| h.activity = Activity::Halted,
            |h| h.shadow ^= true,
            |h| h.nmi_blocked ^= true,
            |h| h.nmi_pending ^= true,
            |h| h.regs[usize::from(ir::reg::FLAG_B)] ^= 1,
            |h| h.regs[usize::from(ir::reg::FP_FAST)] ^= 1,
        ];
        let saved = codec::save(&mut Board::new().hart);
        for (number, change) in changes.iter().enumerate() {
            let mut hart = Board::new().hart;
            change(&mut hart);
            let changed = codec::save(&mut hart);
            assert_ne!(changed, saved, "change {number}");
            let mut loaded = Board::new().hart;
            assert_eq!(codec::load(&mut loaded, &changed), Ok(()));
            assert_eq!(codec::save(&mut loaded), changed, "change {number}");
        }
        for r in 0..=usize::from(reg::MXCSR) {
            let mut hart = Board::new().hart;
            hart.regs[r] ^= 1 << 7;
            assert_ne!(codec::save(&mut hart), saved, "register {r}");
        }
    }

    #[test]
    fn init_leaves_the_vector_unit_alone() {
        let mut hart = Board::new().hart;
        mxcsr::set(&mut hart.regs, 0x1f00);
        hart.init();
        assert_eq!(hart.regs[usize::from(reg::MXCSR)], 0x1f00);
    }

    #[test]
    fn code_has_a_segment_base_outside_64_bit_mode_only_and_wraps_there() {
        let mut hart = Board::new().hart;
        hart.pc = 0x10_0000;
        hart.regs[usize::from(SEG_BASE) + seg::CS] = 0xfff0_1000;
        assert_eq!(hart.linear_pc(), 0x10_0000);
        hart.segs[seg::CS].attr = 0xc09b;
        hart.refresh();
        assert_eq!(hart.linear_pc(), 0x1000);
    }
}
