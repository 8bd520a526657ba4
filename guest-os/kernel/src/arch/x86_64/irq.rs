//! Interrupt lines of devices: the I/O APICs, and which driver to call (82093AA datasheet).
//!
//! `register(line, trigger, handler)` routes a line to the boot CPU and unmasks it. The handler runs with
//! interrupts off, must quiet its device, and may wake sleepers but not sleep.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::apic;
use super::percpu::cpu_id;
use super::port::outb;
use super::topology::Topology;
use crate::mm::address::PhysAddr;
use crate::mm::map_mmio;
use crate::sched::MAX_CPUS;
use crate::sync::SpinLock;

/// Vector of line 0; exceptions and what firmware may have left on the PICs lie below.
const FIRST_VECTOR: u64 = 0x30;
/// What the controllers are called in /proc/interrupts.
pub const CONTROLLER: &str = "IO-APIC";
/// Lines there is room for.
pub const MAX_LINES: usize = 96;

/// How a device signals on its line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// By a pulse (ISA devices).
    Edge,
    /// By holding it until it is served.
    Level,
}

/// What runs when a line's interrupt comes.
pub type Handler = Box<dyn Fn() + Send + Sync>;

/// A line that is in use.
struct Line {
    /// What is on it, for those who trace.
    name: &'static CStr,
    handler: Handler,
}

struct IoApic {
    base: usize,
    first_line: usize,
    lines: usize,
}

/// Index registers of an I/O APIC: version, and the first half of the redirection table.
const IOAPICVER: u32 = 0x01;
const IOREDTBL: u32 = 0x10;
const REDIRECTION_LEVEL: u32 = 1 << 15;
const REDIRECTION_MASKED: u32 = 1 << 16;

static CHIPS: SpinLock<Vec<IoApic>> = SpinLock::new(c"io_apics", Vec::new());
static LINES: [SpinLock<Option<&'static Line>>; MAX_LINES] =
    [const { SpinLock::new(c"irq_line", None) }; MAX_LINES];
static COUNTS: [[AtomicU64; MAX_CPUS]; MAX_LINES] =
    [const { [const { AtomicU64::new(0) }; MAX_CPUS] }; MAX_LINES];

impl IoApic {
    fn select(&self, index: u32) -> *mut u32 {
        // SAFETY: `base` is the mapped register page: IOREGSEL at 0, IOWIN at 0x10.
        unsafe {
            (self.base as *mut u32).write_volatile(index);
        }
        (self.base + 0x10) as *mut u32
    }

    fn read(&self, index: u32) -> u32 {
        // SAFETY: as above.
        unsafe { self.select(index).read_volatile() }
    }

    fn write(&self, index: u32, value: u32) {
        // SAFETY: as above.
        unsafe { self.select(index).write_volatile(value) };
    }
}

/// Switches on the calling CPU's part of the interrupt system.
pub fn init_cpu() {
    apic::init();
}

/// Silences the PICs and finds the I/O APICs, all lines masked.
pub fn init(topology: &Topology) {
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    let mut chips = CHIPS.lock();
    for &(address, first_line) in topology.io_apics() {
        let Ok(registers) = map_mmio(PhysAddr::new(address), 4096) else {
            crate::warning!("no I/O APIC can be at {address:#x}");
            continue;
        };
        let mut chip = IoApic {
            base: registers as usize,
            first_line,
            lines: 0,
        };
        chip.lines = (chip.read(IOAPICVER) >> 16 & 0xff) as usize + 1;
        for line in 0..chip.lines as u32 {
            chip.write(IOREDTBL + 2 * line, REDIRECTION_MASKED);
        }
        chips.push(chip);
    }
}

/// Calls `handler` whenever `line`, on which is what `name` says, interrupts. A line has one handler, kept for
/// good.
pub fn register(line: u32, name: &'static CStr, trigger: Trigger, handler: Handler) {
    let line = line as usize;
    let chips = CHIPS.lock();
    let Some(chip) = chips
        .iter()
        .find(|c| (c.first_line..c.first_line + c.lines).contains(&line))
    else {
        crate::warning!("no interrupt controller has line {line}");
        return;
    };
    let Some(slot) = LINES.get(line) else {
        crate::warning!("interrupt line {line} is beyond what the kernel handles");
        return;
    };
    *slot.lock() = Some(Box::leak(Box::new(Line { name, handler })));
    let index = IOREDTBL + 2 * (line - chip.first_line) as u32;
    let level = if trigger == Trigger::Level {
        REDIRECTION_LEVEL
    } else {
        0
    };
    chip.write(index + 1, apic::id() << 24);
    chip.write(index, level | (FIRST_VECTOR as u32 + line as u32));
}

/// Called by the trap code for a device's vector.
pub(super) fn dispatch(vector: u64) {
    let line = vector.wrapping_sub(FIRST_VECTOR) as usize;
    if let Some(slot) = LINES.get(line) {
        COUNTS[line][cpu_id()].fetch_add(1, Relaxed);
        let used = *slot.lock();
        if let Some(used) = used {
            crate::probe!(irq_handler_entry, line, used.name.as_ptr());
            (used.handler)();
            crate::probe!(irq_handler_exit, line);
        }
    }
    apic::end_of_interrupt();
}

/// How often `line` has interrupted `cpu`, for /proc/interrupts; `None` if no driver has the line.
pub fn count(line: usize, cpu: usize) -> Option<u64> {
    LINES.get(line)?.lock().as_ref()?;
    Some(COUNTS[line][cpu].load(Relaxed))
}
