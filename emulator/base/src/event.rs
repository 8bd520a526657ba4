//! The event vocabulary and the one way out for events.
//!
//! Names follow Linux tracepoints where one exists. An observer with `ON == false` costs nothing: every emission
//! is guarded by that constant, so the compiler removes it.

use crate::addr::{Phys, Virt, Width};
use crate::bus::Space;
use crate::time::Time;

/// When and where something happened. Times never go back; `cpu` is the CPU's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Virtual time.
    pub time: Time,
    /// Index of the CPU, from 0.
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

/// Something that happened inside the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An exception, interrupt or software interrupt was delivered.
    Trap {
        /// The ISA's number for it (x86: the vector).
        vector: u16,
        /// The error code, where the cause has one.
        error: Option<u32>,
        /// The faulting address, where the cause has one.
        address: Option<Virt>,
        /// The interrupted instruction.
        from: Virt,
        /// The handler.
        to: Virt,
    },
    /// A page-table walk ended; `phys` is `None` if it faulted.
    PageWalk {
        /// What was translated.
        virt: Virt,
        /// Why.
        access: Access,
        /// Where it leads.
        phys: Option<Phys>,
    },
    /// A CPU touched a device register.
    Device {
        /// Which address space.
        space: Space,
        /// The address in that space.
        addr: u64,
        /// How many bytes.
        width: Width,
        /// The value written, or `None` for a read.
        written: Option<u64>,
    },
    /// Control passed one of the kernel's probes.
    Probe {
        /// Index of the probe site in the kernel's notes.
        site: u32,
        /// Its arguments, as many as the site has.
        args: [u64; 6],
    },
}

/// A listener. The machine calls it in the order of virtual time.
pub trait Observer {
    /// Whether anything is to be reported at all.
    const ON: bool;

    /// Takes one event.
    fn event(&mut self, stamp: Stamp, event: &Event);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    const ON: bool = false;
    fn event(&mut self, _: Stamp, _: &Event) {}
}
