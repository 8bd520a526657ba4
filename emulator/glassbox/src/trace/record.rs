//! What a trace consists of: records that need the guest no more.

use super::memory::Memory;
use base::Time;
use base::event::{Access, Cause, DiskOp, Flush, PROBE_ARGS, Path, Walked};

/// Something that happened, with what was in memory then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Virtual time.
    pub time: Time,
    /// The CPU, by index.
    pub cpu: u8,
    /// The process that this CPU was running. Where nothing tells of processes, a number for the address space.
    pub pid: u32,
    /// What happened.
    pub body: Body,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A handler was entered.
    Trap {
        /// What for.
        cause: Cause,
        /// The ISA's number for it.
        number: u16,
        /// The error code, where the cause has one.
        error: Option<u32>,
        /// The faulting address, where the cause has one.
        address: Option<u64>,
        /// The interrupted instruction, or the one after it.
        from: u64,
        /// The handler.
        to: u64,
        /// Whether user code was interrupted.
        user: bool,
        /// How many handlers this CPU was in already.
        depth: u8,
    },
    /// A handler returned; the fields are those of the matching trap's way back.
    Return {
        /// The returning instruction.
        from: u64,
        /// Where it returns to.
        to: u64,
        /// Whether that is user code.
        user: bool,
        /// How many handlers the CPU is in now.
        depth: u8,
    },
    /// A TLB miss: a page table was walked.
    PageWalk {
        /// What was translated.
        virt: u64,
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
    /// Another address space.
    SpaceSwitch {
        /// The page table's root.
        root: u64,
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
    /// A CPU took an interrupt.
    IrqAck {
        /// The ISA's number for it.
        number: u16,
    },
    /// A CPU sent an interrupt to others.
    Ipi {
        /// The receiver, or `None` for several.
        target: Option<u8>,
        /// The ISA's number for it.
        number: u16,
    },
    /// A CPU touched a device register.
    Device {
        /// The address space: memory, port or the CPU's own.
        space: base::Space,
        /// The chip.
        chip: Name,
        /// The register.
        register: Name,
        /// The address.
        addr: u64,
        /// How many bytes.
        bytes: u8,
        /// The value read or written.
        value: u64,
        /// Whether it was written.
        write: bool,
    },
    /// A disk took a request.
    DiskIssue {
        /// The request's number until it is complete.
        request: u64,
        /// What is to be done.
        op: DiskOp,
        /// The first sector of 512 bytes.
        sector: u64,
        /// How many sectors.
        sectors: u32,
    },
    /// A disk finished a request.
    DiskComplete {
        /// The number it had.
        request: u64,
        /// Whether it was carried out.
        ok: bool,
    },
    /// Something went wrong on purpose.
    Fault {
        /// Where, in the words of [`crate::sites`].
        site: Name,
        /// How often that place was passed, this time included.
        count: u64,
        /// What.
        action: Name,
    },
    /// A character went out on the console.
    Console(u8),
    /// An instruction was about to be executed.
    Instruction {
        /// Where.
        pc: u64,
    },
    /// The kernel said something through a probe (not `sys_enter` and `sys_exit`).
    Kernel {
        /// Index into [`abi::probe::PROBES`].
        probe: u8,
        /// Where the probe is, or 0 if that is not known.
        pc: u64,
        /// Its arguments.
        args: [u64; PROBE_ARGS],
        /// For arguments that are addresses of text: which, and the text.
        texts: Vec<(u8, Vec<u8>)>,
    },
    /// A system call began.
    SysEnter {
        /// Its common number (see [`crate::numbers`]).
        number: u64,
        /// Its arguments.
        args: [u64; 6],
        /// What they point to, as far as the call reads it.
        memory: Memory,
    },
    /// A system call ended.
    SysExit {
        /// Its common number.
        number: u64,
        /// What the kernel returned: the value, or minus the error number.
        result: i64,
        /// What the arguments point to, as far as the call wrote it.
        memory: Memory,
    },
}

/// A name that the emulator knows or that a trace file brought.
pub type Name = std::borrow::Cow<'static, str>;

impl Body {
    /// The argument at `index` of a kernel event, if it is text.
    pub fn text(&self, index: usize) -> Option<&[u8]> {
        let Self::Kernel { texts, .. } = self else {
            return None;
        };
        texts
            .iter()
            .find(|(at, _)| usize::from(*at) == index)
            .map(|(_, text)| &text[..])
    }
}
