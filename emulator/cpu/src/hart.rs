//! What the shared part of a CPU needs of an ISA's: the state it works on, and the answers that only the ISA knows.
//!
//! An ISA is a folder beside this file that implements [`Hart`] for its CPU state. [`crate::guest`] is the rest of a CPU
//! at work: the TLB, page-crossing accesses, devices, probes, events.

use crate::guest::Cpu;
use crate::mmu::tlb::{Entry, Tlb};
use crate::probes::{Passed, Probes};
use crate::straddle::Straddlers;
use base::event::{Access, PROBE_ARGS, Path, Registers};
use base::{Bus, Observer, Phys, Ram, Virt};
use ir::{Block, Flow, Op, Reg, Regs};
use std::fmt;

/// Something the emulator does not implement; it stops the machine with a loud report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What is missing.
    pub what: &'static str,
    /// The instruction's address.
    pub pc: Virt,
    /// Its first bytes.
    pub bytes: [u8; 15],
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not implemented: {} at {} (bytes", self.what, self.pc)?;
        self.bytes.iter().try_for_each(|b| write!(f, " {b:02x}"))?;
        write!(f, ")")
    }
}

/// Figures for `stat`; host-side, not machine state.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Instructions retired in user mode and in more privileged ones.
    pub instructions: [u64; 2],
    /// Handlers entered, by the ISA's number for the cause; system calls aside.
    pub traps: Vec<u64>,
    /// System calls of programs.
    pub syscalls: u64,
    /// Page walks.
    pub walks: u64,
    /// Device registers read or written.
    pub device_accesses: u64,
    /// Switches of processes, as the kernel's probe tells them.
    pub switches: u64,
}

/// What came of lifting.
pub enum Lifted {
    /// A block of at least one instruction.
    Block(Block),
    /// The first instruction does not lie wholly in the bytes given.
    Straddles,
}

/// What the shared part of a CPU keeps for itself; all of it is the host's, not machine state.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Something the run loop must look at.
    pub attention: bool,
    /// Figures.
    pub counters: Counters,
    /// What the kernel's last word on a switch of processes was, as its probe put it.
    pub switched: Option<[u64; PROBE_ARGS]>,
    /// Injection points that were passed and of which the chooser has not been told.
    pub passed: Vec<Passed>,
    /// The last of them was passed in the last instruction, and the chooser has to be asked before the next one.
    pub held: bool,
    /// The injection points at which it has to be, by number.
    pub awaited: Vec<bool>,
    /// Instructions met that lie in two pages.
    pub(crate) straddlers: Straddlers,
}

/// An ISA's CPU state.
pub trait Hart: Sized {
    /// Why an instruction does not complete.
    type Trap;

    /// The longest an instruction can be, in bytes.
    const LONGEST: usize;
    /// What is fetched where there is no RAM; at least [`Hart::LONGEST`] bytes.
    const NOWHERE: &'static [u8];

    /// The register file.
    fn regs(&self) -> &Regs;
    /// The register file, to write.
    fn regs_mut(&mut self) -> &mut Regs;
    /// The program counter as lifted code has it.
    fn pc(&self) -> u64;
    /// Moves the program counter.
    fn set_pc(&mut self, pc: u64);
    /// The virtual address of the program counter, if that is not the same.
    fn linear_pc(&self) -> u64;
    /// The TLB.
    fn tlb(&self) -> &Tlb;
    /// The TLB, to change.
    fn tlb_mut(&mut self) -> &mut Tlb;
    /// The page that instructions are being fetched from: virtual and physical page number. Control that stays in it
    /// asks no TLB. Part of the machine's state.
    fn fetch_page(&mut self) -> &mut Option<(u64, u64)>;
    /// What is the host's.
    fn host(&self) -> &Host;
    /// What is the host's, to change.
    fn host_mut(&mut self) -> &mut Host;

    /// The register that an assembler calls `name`, if there is one.
    fn register(name: &str) -> Option<Reg>;
    /// The same register as a place that may be written.
    fn output(name: &str) -> Option<Reg> {
        Self::register(name)
    }
    /// From now on code is lifted with its probes, or each instruction, reported.
    fn observe(&mut self, probes: bool, instructions: bool);

    /// What data accesses may do right now, as the TLB's view.
    fn view(&self) -> usize;
    /// What fetches may do right now.
    fn fetch_view(&self) -> usize {
        self.view()
    }
    /// The current address space's identifier, for `access`.
    fn asid(&self, access: Access) -> u16;
    /// Whether user code runs.
    fn user(&self) -> bool;
    /// The general registers of the code that runs.
    fn registers(&self) -> Registers;
    /// What lifting assumes right now; part of a block's key.
    fn mode(&self) -> u32;

    /// Walks the page table, taking the way down in `path`; the entry says what each view may do with the page.
    ///
    /// # Errors
    /// The fault of `access` in the current view.
    fn walk(
        &mut self,
        ram: &mut Ram,
        addr: u64,
        access: Access,
        path: &mut Path,
    ) -> Result<Entry, Self::Trap>;
    /// Where `addr` leads, with no permission asked and no trace left.
    fn peek(&self, ram: &Ram, addr: u64) -> Option<Phys>;
    /// Refuses an address before the page table is asked (x86: not canonical).
    ///
    /// # Errors
    /// The ISA's fault for it.
    fn check_address(&self, _addr: u64, _access: Access) -> Result<(), Self::Trap> {
        Ok(())
    }
    /// Asks what guards physical memory (RISC-V: PMP) for the `len` bytes at `phys`, which `addr` led to. Whether all
    /// of the page may be accessed so, and the fast table may therefore serve it.
    ///
    /// # Errors
    /// The ISA's fault for it.
    fn check_phys(
        &self,
        _addr: u64,
        _phys: Phys,
        _len: u64,
        _access: Access,
    ) -> Result<bool, Self::Trap> {
        Ok(true)
    }
    /// The ISA's fault for an access to an address where there is nothing, if it has one; else reads are all ones.
    fn bus_fault(_addr: u64, _access: Access) -> Option<Self::Trap> {
        None
    }
    /// The ISA's trap for a misaligned operand.
    fn misaligned(&self, addr: u64) -> Self::Trap;
    /// The report of something that the emulator lacks.
    fn gap(gap: Gap) -> Self::Trap;
    /// The ISA's number for why a walk faulted, for events.
    fn fault_code(trap: &Self::Trap) -> u32;

    /// Lifts at most `limit` instructions at `pc` from `code`, the bytes from there to the end of the page.
    fn lift(code: &[u8], pc: u64, mode: u32, limit: usize, probes: &Probes) -> Lifted;
    /// Carries out a call that lifted code makes.
    ///
    /// # Errors
    /// What the instruction raises.
    fn call<B: Bus, O: Observer>(
        cpu: &mut Cpu<'_, Self, B, O>,
        op: Op,
        at: u64,
        left: u64,
    ) -> Result<Flow, Self::Trap>;
}
