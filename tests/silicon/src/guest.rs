//! Runs instructions in the emulator: a user-mode CPU with the test's pages at the same addresses.

use crate::layout::{
    CODE, CS_32, CS_64, DATA, DATA_LEN, DATA_SELECTOR, ENTRY, FIXED, FIXED_LEN, GS_BASE,
};
use crate::state::{ARITHMETIC, Registers};
use crate::{CodeSize, Exit};
use base::{Bus, PAGE_SIZE, Phys, Ram, Silent, Space, Time, Width};
use cpu::mmu::tlb::Shape;
use cpu::probes::Probes;
use cpu::x86_64::reg::{self, MXCSR, XMM0};
use cpu::x86_64::state::Topology;
use cpu::x86_64::state::{bits, seg};
use cpu::x86_64::trap::vector;
use cpu::x86_64::{Activity, Cpu, Exception, Hart, Trap};
use engine::{Engine, Stop};

/// Instructions (iterations of a repeated one) after which a test that does not end has failed.
const LIMIT: u64 = 100_000;

/// A machine without devices.
struct Nothing;

impl Bus for Nothing {
    fn read(&mut self, _: &mut Ram, _: Space, _: u64, _: Width, _: u64) -> u64 {
        u64::MAX
    }

    fn write(&mut self, _: &mut Ram, _: Space, _: u64, _: Width, _: u64, _: u64) {}

    fn now(&self, _: u64) -> Time {
        Time(0)
    }

    fn claims(&self, _: Phys) -> bool {
        false
    }
}

/// The emulated CPU and its memory.
pub struct Guest {
    hart: Hart,
    ram: Ram,
    engine: Engine,
    bus: Nothing,
    probes: Probes,
    /// Instructions that the engine may take at a turn: one by one, each is lifted by itself.
    pub turn: u64,
}

const TABLES: u64 = 0x1000;
/// Physical memory behind the pages of a test: page n of the region at `CODE` is frame `FRAMES` + n.
const FRAMES: u64 = 0x10;

const fn phys(virt: u64) -> Phys {
    Phys(virt - CODE + FRAMES * PAGE_SIZE)
}

/// Present, writable, user.
const ALL: u64 = 7;

impl Default for Guest {
    fn default() -> Self {
        Self::new()
    }
}

impl Guest {
    /// A CPU in 64-bit user mode.
    pub fn new() -> Self {
        let mut ram = Ram::new(Phys(0), 0x40_000);
        let mut map = |virt: u64, len: u64, flags: u64| {
            for page in (virt..virt + len).step_by(PAGE_SIZE as usize) {
                for (level, entry) in [
                    (3, (TABLES + 0x1000) | ALL),
                    (2, (TABLES + 0x2000) | ALL),
                    (1, (TABLES + 0x3000) | ALL),
                    (0, phys(page).0 | flags),
                ] {
                    let table = TABLES + 0x1000 * (3 - level);
                    let slot = page >> (12 + 9 * level) & 511;
                    assert!(
                        ram.write(Phys(table + 8 * slot), Width::B8, entry)
                            .is_some()
                    );
                }
            }
        };
        map(CODE, PAGE_SIZE, ALL);
        map(DATA, DATA_LEN, ALL);
        map(FIXED, FIXED_LEN, ALL & !2);
        let mut hart = Hart::new(
            Shape::default(),
            Topology {
                apic_id: 0,
                cpus: 1,
            },
        );
        hart.activity = Activity::Running;
        hart.cr0 =
            bits::CR0_PE | bits::CR0_PG | bits::CR0_WP | bits::CR0_NE | bits::CR0_MP | bits::CR0_ET;
        hart.cr3 = TABLES;
        hart.cr4 = bits::CR4_PAE | bits::CR4_OSFXSR | bits::CR4_OSXMMEXCPT;
        hart.efer = bits::EFER_LME | bits::EFER_LMA | bits::EFER_NXE | bits::EFER_SCE;
        hart.cpl = 3;
        // What Linux gives a user program, which PUSH and MOV can see.
        for index in [seg::SS, seg::DS, seg::ES] {
            hart.segs[index].selector = DATA_SELECTOR;
            hart.segs[index].attr = 0xc0f3;
            hart.segs[index].limit = u32::MAX;
        }
        for index in 0..6 {
            hart.regs[usize::from(reg::SEG_BASE) + index] = 0;
        }
        hart.regs[usize::from(reg::GS_BASE)] = GS_BASE;
        // No I/O permission map: ports are the kernel's.
        hart.tr.limit = 0;
        hart.refresh();
        Self {
            hart,
            ram,
            engine: Engine::default(),
            bus: Nothing,
            probes: Probes::default(),
            turn: 1,
        }
    }

    /// Puts `code` at the entry.
    pub fn load(&mut self, code: &[u8], size: CodeSize) {
        assert!(self.ram.write_bytes(phys(ENTRY), code).is_some());
        self.engine.clear();
        let (selector, attr) = match size {
            CodeSize::Bits64 => (CS_64, 0xa0fb),
            CodeSize::Bits32 => (CS_32, 0xc0fb),
        };
        self.hart.segs[seg::CS].selector = selector;
        self.hart.segs[seg::CS].attr = attr;
        self.hart.refresh();
    }

    /// Runs the loaded `len` bytes from `regs` on `data`, which both hold the outcome afterwards.
    pub fn run(
        &mut self,
        len: usize,
        regs: &mut Registers,
        data: &mut [u8; DATA_LEN as usize],
    ) -> Exit {
        assert!(self.ram.write_bytes(phys(DATA), data).is_some());
        let hart = &mut self.hart;
        hart.fpu.reset();
        hart.regs[..16].copy_from_slice(&regs.gpr);
        hart.set_rflags(regs.flags);
        cpu::x86_64::sse::mxcsr::set(&mut hart.regs, regs.mxcsr);
        let xmm = usize::from(XMM0);
        hart.regs[xmm..xmm + 32].copy_from_slice(regs.xmm.as_flattened());
        hart.pc = ENTRY;
        hart.host.attention = false;
        let exit = self.advance(ENTRY + len as u64);
        let hart = &mut self.hart;
        regs.gpr.copy_from_slice(&hart.regs[..16]);
        regs.flags = hart.rflags();
        regs.mxcsr = hart.regs[usize::from(MXCSR)];
        regs.xmm
            .as_flattened_mut()
            .copy_from_slice(&hart.regs[xmm..xmm + 32]);
        if let Some(bytes) = self.ram.slice(phys(DATA), DATA_LEN) {
            data.copy_from_slice(bytes);
        }
        exit
    }

    /// Runs until control leaves the loaded bytes; in turns of one a repeated instruction takes an iteration each.
    fn advance(&mut self, next: u64) -> Exit {
        for _ in 0..LIMIT {
            let mut guest = Cpu {
                hart: &mut self.hart,
                index: 0,
                ram: &mut self.ram,
                bus: &mut self.bus,
                observer: &mut Silent,
                probes: &self.probes,
            };
            let run = self.engine.run(&mut guest, self.turn);
            let rip = self.hart.pc;
            self.hart.host.attention = false;
            match run.stop {
                Stop::Trap(Trap::Gap(_)) => return Exit::Gap,
                Stop::Trap(Trap::Fault(e)) => return trap(e, rip),
                Stop::Trap(Trap::Software { exception, next }) => return trap(exception, next),
                Stop::Trap(Trap::Debug { next }) => return trap(Exception::DEBUG, next),
                Stop::Budget | Stop::Attention if (ENTRY..next).contains(&rip) => {}
                Stop::Budget | Stop::Attention => return Exit::Done { rip },
            }
        }
        Exit::Done { rip: ENTRY }
    }
}

/// How an exception looks from outside.
fn trap(exception: Exception, rip: u64) -> Exit {
    let address = if exception.vector == vector::PF {
        exception.address.map_or(0, |a| a.0)
    } else {
        0
    };
    Exit::Trap {
        vector: exception.vector,
        error: exception.error.unwrap_or(0),
        address,
        rip,
    }
}

/// The flags that are compared: arithmetic and direction.
pub const COMPARED_FLAGS: u64 = ARITHMETIC | crate::state::DF;
