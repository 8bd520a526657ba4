//! The boards as one type, for whoever finds out at run time which one it is.
//!
//! What is the same on all boards is asked here. What is not, registers and interrupt controllers above all, is asked of the
//! board itself, after a `match`.

use crate::arch::Arch;
use crate::aside::Aside;
use crate::board::{Board, ConsoleUse, CpuActivity, Step};
use crate::clock::Clock;
use crate::loader::sdt;
use crate::outcome::Outcome;
use crate::pc::Pc;
use crate::peripherals::{Output, Peripherals};
use crate::virt::Virt;
use crate::watch::{UnknownRegister, Watch};
use base::event::{PROBE_ARGS, Peek};
use base::{Chooser, Codec, CodecError, Observer, Ram, State, Struck, Time, Width};
use cpu::hart::{Counters, Hart as _};
use cpu::memory::Memory;
use cpu::mmu::tlb::Counts;
use devices::virtio::Mmio;
use devices::virtio::block::{Block, Disk};

/// A board of one kind or the other.
pub enum AnyBoard {
    /// x86-64.
    Pc(Box<Pc>),
    /// RISC-V.
    Virt(Box<Virt>),
}

impl From<Pc> for AnyBoard {
    fn from(board: Pc) -> Self {
        Self::Pc(Box::new(board))
    }
}

impl From<Virt> for AnyBoard {
    fn from(board: Virt) -> Self {
        Self::Virt(Box::new(board))
    }
}

/// The same expression for whichever board it is.
macro_rules! each {
    ($any:expr, $board:ident => $answer:expr) => {
        match $any {
            AnyBoard::Pc($board) => $answer,
            AnyBoard::Virt($board) => $answer,
        }
    };
}

impl AnyBoard {
    /// Its instruction set.
    pub const fn arch(&self) -> Arch {
        match self {
            Self::Pc(_) => Arch::X86_64,
            Self::Virt(_) => Arch::Riscv64,
        }
    }

    /// Guest memory, to look at.
    pub fn memory(&self) -> &Ram {
        each!(self, board => &board.ram)
    }

    /// The virtual memory of CPU number `cpu` as it is now, to look at; no trace is left.
    pub fn virtual_memory(&self, cpu: usize) -> Box<dyn Peek + '_> {
        each!(self, board => Box::new(Memory { hart: &board.harts[cpu], ram: &board.ram }))
    }

    /// Reads the virtual memory of CPU number `cpu`; no trace is left.
    pub fn peek(&self, cpu: usize, addr: u64, width: Width) -> Option<u64> {
        each!(self, board => cpu::memory::peek(&board.harts[cpu], &board.ram, addr, width))
    }

    /// Whether CPU number `cpu` runs user code.
    pub fn user(&self, cpu: usize) -> bool {
        each!(self, board => board.harts[cpu].user())
    }

    /// The virtual address of the instruction that CPU number `cpu` executes next.
    pub fn pc(&self, cpu: usize) -> u64 {
        each!(self, board => board.harts[cpu].linear_pc())
    }

    /// The registers of CPU number `cpu`, by the numbers that its instruction set has for them here.
    pub fn regs(&self, cpu: usize) -> &ir::Regs {
        each!(self, board => board.harts[cpu].regs())
    }

    /// What was counted of CPU number `cpu`.
    pub fn counters(&self, cpu: usize) -> &Counters {
        each!(self, board => &board.harts[cpu].host().counters)
    }

    /// What was counted of its TLB.
    pub fn tlb_counts(&self, cpu: usize) -> Counts {
        each!(self, board => board.harts[cpu].tlb().counts)
    }

    /// What the kernel's last `sched_switch` on CPU number `cpu` said, if it has that probe.
    pub fn switched(&self, cpu: usize) -> Option<&[u64; PROBE_ARGS]> {
        each!(self, board => board.switched(cpu))
    }

    /// Blocks lifted so far.
    pub fn lifted(&self) -> u64 {
        each!(self, board => board.lifted())
    }

    /// Copies of the blocks that were lifted since the last time it was asked, in order, each with its place; from the
    /// first time on.
    pub fn take_lifts(&mut self) -> Vec<(ir::Place, ir::Block)> {
        each!(self, board => board.take_lifts())
    }

    /// The probes that the kernel brought.
    pub fn sites(&self) -> &[sdt::Site] {
        each!(self, board => board.sites())
    }

    /// The names of the kernel's injection points; the number of a name is that of [`base::Site::Point`].
    pub fn points(&self) -> &[String] {
        each!(self, board => board.points())
    }

    /// The chips that every board has.
    fn peripherals(&self) -> &Peripherals {
        each!(self, board => &board.chips.peripherals)
    }

    fn peripherals_mut(&mut self) -> &mut Peripherals {
        each!(self, board => &mut board.chips.peripherals)
    }

    /// Takes what the guest wrote since the last call.
    pub fn take_output(&mut self) -> Output {
        self.peripherals_mut().take_output()
    }

    /// How many characters the serial port has room for.
    pub fn input_space(&self) -> usize {
        self.peripherals().serial.input_space()
    }

    /// The disk drive, if there is one.
    pub fn disk(&self) -> Option<&Mmio<Block>> {
        self.peripherals().disk.as_ref()
    }

    /// What is on the disk.
    pub fn disk_content(&mut self) -> Option<&mut Disk> {
        self.peripherals_mut().disk_content()
    }

    /// The pages of 4 KiB that the guest wrote to the disk, by number, as a reader sees them now.
    pub fn disk_pages(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.peripherals().disk_pages()
    }
}

impl Board for AnyBoard {
    type Aside = Aside;

    fn aside(&self) -> Aside {
        each!(self, board => board.aside())
    }

    fn set_aside(&mut self, aside: &Aside) {
        each!(self, board => board.set_aside(aside));
    }

    fn cpus(&self) -> usize {
        each!(self, board => board.cpus())
    }

    fn ram(&mut self) -> &mut Ram {
        each!(self, board => board.ram())
    }

    fn activity(&self, cpu: usize) -> CpuActivity {
        each!(self, board => board.activity(cpu))
    }

    fn interrupts_on(&self, cpu: usize) -> bool {
        each!(self, board => board.interrupts_on(cpu))
    }

    fn user_retired(&self) -> u64 {
        each!(self, board => board.user_retired())
    }

    fn disk_completions(&self) -> u64 {
        each!(self, board => board.disk_completions())
    }

    fn console_use(&self) -> ConsoleUse {
        each!(self, board => board.console_use())
    }

    fn listens(&self) -> bool {
        each!(self, board => board.listens())
    }

    fn deadline(&self) -> Time {
        each!(self, board => board.deadline())
    }

    fn advance<O: Observer>(&mut self, cpu: usize, now: Time, observer: &mut O) {
        each!(self, board => board.advance(cpu, now, observer));
    }

    fn step<O: Observer>(
        &mut self,
        cpu: usize,
        clock: &Clock,
        budget: u64,
        observer: &mut O,
    ) -> Step {
        each!(self, board => board.step(cpu, clock, budget, observer))
    }

    fn watch(&mut self, watches: &[Watch], instructions: bool) -> Result<(), UnknownRegister> {
        each!(self, board => board.watch(watches, instructions))
    }

    fn vary<O: Observer>(
        &mut self,
        cpu: usize,
        now: Time,
        chooser: &mut dyn Chooser,
        observer: &mut O,
    ) {
        each!(self, board => board.vary(cpu, now, chooser, observer));
    }

    fn await_points(&mut self, chooser: &dyn Chooser) {
        each!(self, board => board.await_points(chooser));
    }

    fn strike<O: Observer>(&mut self, cpu: usize, now: Time, struck: Struck, observer: &mut O) {
        each!(self, board => board.strike(cpu, now, struck, observer));
    }

    fn ended(&self) -> Option<Outcome> {
        each!(self, board => board.ended())
    }

    fn type_in(&mut self, bytes: &[u8], now: Time) {
        each!(self, board => board.type_in(bytes, now));
    }

    fn supply(&mut self, port: u32, bytes: &[u8], now: Time) {
        each!(self, board => board.supply(port, bytes, now));
    }

    fn wanted_input(&self) -> Option<(u32, usize)> {
        each!(self, board => board.wanted_input())
    }
}

impl State for AnyBoard {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        each!(self, board => board.state(codec))
    }
}
