//! What a CPU reaches outside RAM, and what a device is.
//!
//! A device is a pure state machine: bytes in, bytes out, an interrupt *level you read*, and its next deadline.
//! It knows neither its base address nor the interrupt line it is wired to; the board does. It sees guest memory
//! and the time only through the [`Io`] of one access, so it can keep no clock of its own.

use crate::addr::{Phys, Width};
use crate::codec::State;
use crate::ram::Ram;
use crate::time::Time;

/// The address spaces a CPU can reach beside RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Memory-mapped registers, by guest-physical address.
    Memory,
    /// x86 I/O ports.
    Port,
    /// Registers that belong to the accessing CPU's own interrupt controller and are reached by its special
    /// registers: on x86 the x2APIC MSRs (address = MSR number) and CR8.
    Local,
}

/// What one device access may touch.
pub struct Io<'a> {
    /// Guest memory, for DMA.
    pub ram: &'a mut Ram,
    /// The instant of the access.
    pub now: Time,
}

/// A chip.
pub trait Device: State {
    /// Short lower-case name for logs and counters, such as `com1`.
    fn name(&self) -> &'static str;

    /// The datasheet's name of the register at `offset`, for a log line.
    fn register(&self, offset: u64) -> &'static str;

    /// Reads `width` bytes at `offset` from the device's first register. Unimplemented registers read as the
    /// device's specification says, else as zero. The value fits in `width`.
    fn read(&mut self, offset: u64, width: Width, io: &mut Io<'_>) -> u64;

    /// Writes the low `width` bytes of `value` at `offset`.
    fn write(&mut self, offset: u64, width: Width, value: u64, io: &mut Io<'_>);

    /// The interrupt output's level right now.
    fn irq(&self) -> bool {
        false
    }

    /// When [`Device::advance`] must next be called, or [`Time::NEVER`].
    fn deadline(&self) -> Time {
        Time::NEVER
    }

    /// Brings the device to `io.now`, which is at or after its deadline.
    fn advance(&mut self, _io: &mut Io<'_>) {}
}

/// The way out of a CPU, handed to it for one run: everything but RAM.
///
/// `now` of each call is the exact instant of the accessing instruction, so that no effect is stamped before its cause.
pub trait Bus {
    /// Reads `width` bytes; nobody there reads as all ones.
    fn read(&mut self, ram: &mut Ram, space: Space, addr: u64, width: Width, retired: u64) -> u64;

    /// Writes `width` bytes; nobody there ignores it.
    fn write(
        &mut self,
        ram: &mut Ram,
        space: Space,
        addr: u64,
        width: Width,
        value: u64,
        retired: u64,
    );

    /// What a register of [`Space::Local`] holds, for what the CPU itself has to know. This is no access of the guest's:
    /// nothing follows from it and no observer hears of it.
    fn own(&mut self, _addr: u64, _retired: u64) -> u64 {
        u64::MAX
    }

    /// The virtual time at which the running CPU retires its `retired`-th instruction of this run.
    fn now(&self, retired: u64) -> Time;

    /// Whether there is a chip at `addr`, so that an access is no bus error. On boards without bus errors, always.
    fn answers(&self, _addr: Phys) -> bool {
        true
    }

    /// Whether `addr` is a device's (and so must never be treated as RAM).
    fn claims(&self, addr: Phys) -> bool;
}
