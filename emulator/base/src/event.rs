//! The event vocabulary and the one way out for events.
//!
//! An [`Event`] is what the hardware knows; what the kernel means by it (processes, decisions, system calls of its own
//! ABI) comes out of [`Event::Probe`]. An observer with `ON == false` costs nothing: every emission is guarded by that
//! constant, so the compiler removes it.

use crate::addr::{Phys, Virt, Width};
use crate::bus::Space;
use crate::chooser::{Fault, Site};
use crate::time::Time;

/// Whether observing is compiled in. The feature `unobserved` takes it out altogether; it exists so that what observing
/// costs while nobody listens can be measured (`cargo xtask bench`).
pub const COMPILED_IN: bool = !cfg!(feature = "unobserved");

/// When and where something happened. Times never go back; `cpu` is the CPU's index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Virtual time.
    pub time: Time,
    /// Index of the CPU, from 0. What chips do of their own accord is stamped with the CPU whose turn it is.
    pub cpu: u8,
}

/// Who asked for an address translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// An instruction fetch.
    Fetch,
    /// A data read.
    Read,
    /// A data write.
    Write,
}

/// What made a CPU enter a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An exception of the CPU's own: a fault or a trap.
    Exception,
    /// An interrupt from outside.
    Interrupt,
    /// An instruction that asks for a numbered handler (x86: INT n).
    Software,
    /// The instruction for system calls (x86: SYSCALL).
    SystemCall,
}

/// Most levels that a page table has.
pub const LEVELS: usize = 5;

/// What a page walk read on its way, the topmost level first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// How many entries were read.
    pub len: u8,
    /// For each, its address and what was read there.
    pub entries: [(Phys, u64); LEVELS],
}

impl Path {
    /// Adds the entry read next.
    #[inline]
    pub const fn push(&mut self, at: Phys, entry: u64) {
        if (self.len as usize) < LEVELS {
            self.entries[self.len as usize] = (at, entry);
            self.len += 1;
        }
    }

    /// The entries read.
    pub fn entries(&self) -> &[(Phys, u64)] {
        &self.entries[..usize::from(self.len)]
    }
}

/// How a page walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walked {
    /// The translation went into the TLB.
    Mapped {
        /// Where the address leads.
        phys: Phys,
        /// log2 of the page's size in bytes.
        size: u8,
        /// The page whose translation made place, if one had to.
        replaced: Option<Virt>,
    },
    /// A page fault, with the ISA's number for why (x86: the error code).
    Fault(u32),
}

/// What a TLB was told to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Everything.
    All,
    /// Everything but global pages.
    NonGlobal,
    /// One address space, by its identifier.
    Space(u16),
    /// One page.
    Page(Virt),
}

/// What a disk is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskOp {
    /// Read sectors.
    Read,
    /// Write sectors.
    Write,
    /// Make what was written durable.
    Flush,
    /// Anything else, such as telling its name.
    Other,
}

/// Something that happened inside the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A handler was entered.
    Trap {
        /// What for.
        cause: Cause,
        /// The ISA's number for it (x86: the vector).
        number: u16,
        /// The error code, where the cause has one.
        error: Option<u32>,
        /// The faulting address, where the cause has one.
        address: Option<Virt>,
        /// The interrupted instruction, or the one after an instruction that asked for it.
        from: Virt,
        /// The handler.
        to: Virt,
        /// Where the interrupted code's stack was.
        stack: Virt,
        /// Whether user code was interrupted.
        user: bool,
        /// For system calls, the number and the arguments as Linux passes them on this ISA; else nothing.
        call: Option<(u64, [u64; 6])>,
    },
    /// A handler returned (x86: IRET, SYSRET).
    Return {
        /// The returning instruction.
        from: Virt,
        /// Where it returns to.
        to: Virt,
        /// Whether that is user code.
        user: bool,
        /// Where its stack is.
        stack: Virt,
        /// The register in which a system call's result is.
        result: u64,
    },
    /// A TLB miss: a page table was walked.
    PageWalk {
        /// What was translated.
        virt: Virt,
        /// Why.
        access: Access,
        /// Whether user code asked.
        user: bool,
        /// The entries on the way.
        path: Path,
        /// The end.
        end: Walked,
    },
    /// Translations were dropped.
    TlbFlush(Flush),
    /// The CPU goes over to another address space.
    SpaceSwitch {
        /// The page table's root.
        root: Phys,
        /// Its identifier.
        asid: u16,
    },
    /// A device's interrupt line changed.
    IrqLine {
        /// The interrupt controller's number of the line.
        line: u16,
        /// Whether it is asserted now.
        level: bool,
    },
    /// A CPU took an interrupt from its controller.
    IrqAck {
        /// The ISA's number for it (x86: the vector).
        number: u16,
    },
    /// A CPU sent an interrupt to others.
    Ipi {
        /// The receiver's index, or `None` for several.
        target: Option<u8>,
        /// The ISA's number for it.
        number: u16,
    },
    /// A CPU touched a device register.
    Device {
        /// The chip.
        chip: &'static str,
        /// The datasheet's name of the register.
        register: &'static str,
        /// Which address space.
        space: Space,
        /// The address in that space.
        addr: u64,
        /// How many bytes.
        width: Width,
        /// The value read or written.
        value: u64,
        /// Whether it was written.
        write: bool,
    },
    /// A disk took a request.
    DiskIssue {
        /// A number that the request has until it is complete.
        request: u64,
        /// What is to be done.
        op: DiskOp,
        /// The first sector of 512 bytes.
        sector: u64,
        /// How many sectors.
        sectors: u32,
    },
    /// A disk has finished a request.
    DiskComplete {
        /// The number it had.
        request: u64,
        /// Whether it was carried out.
        ok: bool,
    },
    /// Something goes wrong on purpose.
    Fault {
        /// Where.
        site: Site,
        /// How often that place was passed, this time included.
        count: u64,
        /// What.
        fault: Fault,
    },
    /// A character went out on the console.
    Console(u8),
    /// Control passed a probe.
    Probe {
        /// The number that the listener gave to the site.
        site: u32,
        /// Where it is.
        pc: Virt,
        /// Its arguments, as many as the site has; the rest are zero.
        args: [u64; PROBE_ARGS],
    },
    /// An instruction is about to be executed.
    Instruction {
        /// Where.
        pc: Virt,
    },
}

/// Most arguments that a probe has.
pub const PROBE_ARGS: usize = 12;

/// Guest memory as an observer reads it: no accessed bit is set, nothing enters a TLB, no event results.
pub trait Peek {
    /// Reads virtual memory of the address space that is current on the event's CPU, whatever its permissions; says how
    /// many bytes were there before the first unmapped page.
    fn peek(&self, addr: Virt, bytes: &mut [u8]) -> usize;

    /// The general registers of the event's CPU: after [`Event::Trap`] still those of the interrupted code, after
    /// [`Event::Return`] those that it goes on with. The event itself has the program counter and the stack pointer.
    fn registers(&self) -> Registers {
        Registers::default()
    }
}

/// A program's general registers, in an order of the ISA's; the rest are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// Those that a system call leaves as they are.
    pub kept: [u64; 30],
    /// Those that it may change: its result, and what the instruction itself needs.
    pub lost: [u64; 3],
}

/// A listener. The machine calls it in the order of virtual time.
///
/// What it does cannot reach the machine: a run that is listened to is the run that is not.
///
/// This is the interface for your own program to hook into a machine, and it is stable: this trait, [`Peek`], [`Stamp`]
/// and the meaning of [`Event`]s change only with a new minor version while the major one is 0, and with a new major
/// version after that. Kinds of events and their fields may be added in any version, so end a `match` with `_` and
/// patterns with `..`. See `emulator/glassbox/examples/hook.rs` for one that is whole:
///
/// ```
/// use base::event::{Event, Observer, Peek, Stamp};
///
/// /// Counts page walks.
/// struct Walks(u64);
///
/// impl Observer for Walks {
///     const ON: bool = true;
///
///     fn event(&mut self, _: Stamp, event: &Event, _: &dyn Peek) {
///         if let Event::PageWalk { .. } = event {
///             self.0 += 1;
///         }
///     }
/// }
/// ```
pub trait Observer {
    /// Whether anything is to be reported at all.
    const ON: bool;

    /// Takes one event. `memory` is the guest's at that instant.
    fn event(&mut self, stamp: Stamp, event: &Event, memory: &dyn Peek);
}

/// What a chip has to report, kept until its board passes it on. Nothing is kept unless somebody listens.
#[derive(Clone, Debug, Default)]
pub struct Log {
    on: bool,
    events: Vec<(Time, Event)>,
}

impl Log {
    /// Starts or stops keeping events.
    pub fn listen(&mut self, on: bool) {
        self.on = on;
        self.events.clear();
    }

    /// Whether somebody listens.
    #[inline]
    pub const fn on(&self) -> bool {
        COMPILED_IN && self.on
    }

    /// Keeps what `event` makes, if somebody listens.
    #[inline]
    pub fn push(&mut self, now: Time, event: impl FnOnce() -> Event) {
        if self.on() {
            self.events.push((now, event()));
        }
    }

    /// Whether there is nothing to pass on.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Takes what was kept.
    pub fn take(&mut self) -> Vec<(Time, Event)> {
        std::mem::take(&mut self.events)
    }
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    const ON: bool = false;
    fn event(&mut self, _: Stamp, _: &Event, _: &dyn Peek) {}
}
