//! Interrupt lines of devices: the PLIC's sources, and which driver to call.
//!
//! `register(line, name, trigger, handler)` routes a line to the boot CPU and unmasks it. The handler runs with
//! interrupts off, must quiet its device, and may wake sleepers but not sleep.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use alloc::boxed::Box;

use super::percpu::cpu_id;
use super::topology::Topology;
use super::{cpu, plic, timer};
use crate::sched::MAX_CPUS;
use crate::sync::SpinLock;

/// Number by which observers know the timer's interrupt; there are no vectors here.
pub const VECTOR_TIMER: u64 = 0xf0;
/// "Look at your run queue."
pub const VECTOR_RESCHEDULE: u64 = 0xf1;
/// "Drop what you remember of an address space."
pub const VECTOR_SHOOTDOWN: u64 = 0xf2;

/// What the controller is called in /proc/interrupts.
pub const CONTROLLER: &str = "SiFive PLIC";
/// Lines there is room for.
pub const MAX_LINES: usize = 96;

/// How a device signals on its line; the PLIC's gateways know that themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
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

/// Lines that the controller has.
static SOURCES: AtomicUsize = AtomicUsize::new(0);
static LINES: [SpinLock<Option<&'static Line>>; MAX_LINES] =
    [const { SpinLock::new(c"irq_line", None) }; MAX_LINES];
static COUNTS: [[AtomicU64; MAX_CPUS]; MAX_LINES] =
    [const { [const { AtomicU64::new(0) }; MAX_CPUS] }; MAX_LINES];

/// Switches on the calling CPU's part of the interrupt system.
pub fn init_cpu() {
    timer::stop();
    cpu::enable_interrupts();
}

/// Finds the PLIC, all sources masked.
pub fn init(topology: &Topology) {
    match topology.plic() {
        Some(found) => {
            plic::init(&found);
            SOURCES.store(found.sources, Relaxed);
        }
        None => crate::warning!("the device tree has no interrupt controller for this CPU"),
    }
}

/// Calls `handler` whenever `line`, on which is what `name` says, interrupts. A line has one handler, kept for
/// good.
pub fn register(line: u32, name: &'static CStr, _trigger: Trigger, handler: Handler) {
    let line = line as usize;
    if !(1..=SOURCES.load(Relaxed)).contains(&line) {
        crate::warning!("no interrupt controller has line {line}");
        return;
    }
    let Some(slot) = LINES.get(line) else {
        crate::warning!("interrupt line {line} is beyond what the kernel handles");
        return;
    };
    *slot.lock() = Some(Box::leak(Box::new(Line { name, handler })));
    plic::enable(line);
}

/// Called by the trap code for an interrupt of the PLIC: serves what there is.
pub(super) fn dispatch() {
    while let Some(line) = plic::claim() {
        if let Some(slot) = LINES.get(line) {
            COUNTS[line][cpu_id()].fetch_add(1, Relaxed);
            let used = *slot.lock();
            if let Some(used) = used {
                crate::probe!(irq_handler_entry, line, used.name.as_ptr());
                (used.handler)();
                crate::probe!(irq_handler_exit, line);
            }
        }
        plic::complete(line);
    }
}

/// How often `line` has interrupted `cpu`, for /proc/interrupts; `None` if no driver has the line.
pub fn count(line: usize, cpu: usize) -> Option<u64> {
    LINES.get(line)?.lock().as_ref()?;
    Some(COUNTS[line][cpu].load(Relaxed))
}
