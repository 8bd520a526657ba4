//! A CPU on a bare board, for this front end's own tests: no devices, the first 2 MiB identity-mapped.

use super::reg::{RSP, SEG_BASE};
use super::state::Topology;
use super::state::{Activity, bits, seg};
use super::{Cpu, Hart};
use crate::mmu::tlb::Shape;
use crate::probes::Probes;
use base::{Bus, PAGE_SIZE, Phys, Ram, Silent, Space, Time, Width};

/// Memory that tests may use begins here; the page tables lie below.
pub const FREE: u64 = 0x1_0000;

/// Where [`Board::set_descriptors`] puts them.
const GDT: u64 = 0x5000;
/// Where [`Board::set_stack`] puts it.
pub const STACK: u64 = 0x7000;

/// Descriptors of 64-bit code and of data at CPL 0.
pub const CODE64: u64 = 0x00af_9b00_0000_ffff;
/// As above.
pub const DATA: u64 = 0x00cf_9300_0000_ffff;

const PRESENT_WRITABLE: u64 = 3;
const TABLES: [u64; 4] = [0x1000, 0x2000, 0x3000, 0x4000];

/// No device anywhere.
pub struct Nothing;

impl Bus for Nothing {
    fn read(&mut self, _: &mut Ram, _: Space, _: u64, width: Width, _: u64) -> u64 {
        width.mask()
    }

    fn write(&mut self, _: &mut Ram, _: Space, _: u64, _: Width, _: u64, _: u64) {}

    fn now(&self, _: u64) -> Time {
        Time(0)
    }

    fn claims(&self, _: Phys) -> bool {
        false
    }
}

/// The board.
pub struct Board {
    /// The CPU's state: 64-bit mode at CPL 0.
    pub hart: Hart,
    /// 2 MiB of memory.
    pub ram: Ram,
}

impl Board {
    /// A board whose CPU runs 64-bit code behind its page tables.
    pub fn new() -> Self {
        let mut hart = Hart::new(
            Shape::default(),
            Topology {
                apic_id: 0,
                cpus: 1,
            },
        );
        hart.activity = Activity::Running;
        hart.cr0 |= bits::CR0_PE | bits::CR0_PG | bits::CR0_WP;
        hart.cr3 = TABLES[0];
        hart.cr4 |= bits::CR4_PAE | bits::CR4_OSFXSR;
        hart.efer |= bits::EFER_LME | bits::EFER_LMA;
        hart.segs[seg::CS].attr = 0xa09b;
        hart.regs[usize::from(SEG_BASE) + seg::CS] = 0;
        hart.refresh();
        hart.host.attention = false;
        let mut ram = Ram::new(Phys(0), 0x20_0000);
        for (&table, &next) in TABLES.iter().zip(&TABLES[1..]) {
            ram.write(Phys(table), Width::B8, next | PRESENT_WRITABLE);
        }
        for page in 0..512 {
            ram.write(
                Phys(TABLES[3] + page * 8),
                Width::B8,
                (page * PAGE_SIZE) | PRESENT_WRITABLE,
            );
        }
        Self { hart, ram }
    }

    /// Gives the CPU a descriptor table of these, the first being selector 0.
    pub fn set_descriptors(&mut self, descriptors: &[u64]) {
        for (at, &descriptor) in (GDT..).step_by(8).zip(descriptors) {
            self.ram.write(Phys(at), Width::B8, descriptor);
        }
        self.hart.gdtr = (GDT, descriptors.len() as u16 * 8 - 1);
    }

    /// Makes `words` the top of the stack.
    pub fn set_stack(&mut self, words: &[u64]) {
        for (at, &word) in (STACK..).step_by(8).zip(words) {
            self.ram.write(Phys(at), Width::B8, word);
        }
        self.hart.regs[usize::from(RSP)] = STACK;
    }

    /// Makes the page at `addr` read-only.
    pub fn protect(&mut self, addr: u64) {
        let entry = Phys(TABLES[3] + addr / PAGE_SIZE * 8);
        self.ram
            .write(entry, Width::B8, addr & !(PAGE_SIZE - 1) | 1);
        self.hart.tlb.flush(false);
    }

    /// Takes the page at `addr` away.
    pub fn unmap(&mut self, addr: u64) {
        self.ram
            .write(Phys(TABLES[3] + addr / PAGE_SIZE * 8), Width::B8, 0);
        self.hart.tlb.flush(false);
    }

    /// Hands the CPU to `work`.
    pub fn run<T>(&mut self, work: impl FnOnce(&mut Cpu<'_, Nothing, Silent>) -> T) -> T {
        let mut cpu = Cpu {
            hart: &mut self.hart,
            index: 0,
            ram: &mut self.ram,
            bus: &mut Nothing,
            observer: &mut Silent,
            probes: &Probes::default(),
        };
        work(&mut cpu)
    }
}
