//! What each CPU knows of what it runs, on every port: a part of the block that the port's `percpu` reaches.
//!
//! The kernel is never preempted in kernel mode, so what is read here stays true until the caller sleeps.

use core::ptr;

use super::cpu;
use super::percpu::local;

/// One CPU's.
pub struct CpuLocal {
    /// Number of this CPU, from 0.
    id: usize,
    /// How many reasons there are to keep interrupts off (`sync::irq`).
    irq_depth: usize,
    /// Whether interrupts were on when the first reason came.
    irq_was_on: bool,
    /// Whether an interrupt handler runs.
    in_interrupt: bool,
    /// The running process (`proc::current`).
    current: *const (),
}

impl CpuLocal {
    /// That of CPU number `id`, which runs nothing yet.
    pub const fn new(id: usize) -> Self {
        CpuLocal {
            id,
            irq_depth: 0,
            irq_was_on: false,
            in_interrupt: false,
            current: ptr::null(),
        }
    }
}

/// Number of the CPU this runs on. The caller must not sleep between asking and using it.
#[inline(always)]
pub fn cpu_id() -> usize {
    // SAFETY: the block belongs to this CPU.
    unsafe { (*local()).id }
}

/// The pointer that `set_current` left.
#[inline(always)]
pub fn current() -> *const () {
    // SAFETY: as above.
    unsafe { (*local()).current }
}

/// Leaves a pointer to the running process for `current`.
pub fn set_current(process: *const ()) {
    // SAFETY: as above.
    unsafe { (*local()).current = process };
}

/// Counts one more reason to keep interrupts off.
#[inline(always)]
pub fn irq_off_enter() {
    let was_on = cpu::interrupts_off();
    let local = local();
    // SAFETY: as above, and no interrupt can come.
    unsafe {
        if (*local).irq_depth == 0 {
            (*local).irq_was_on = was_on;
        }
        (*local).irq_depth += 1;
    }
}

/// One reason fewer; the last one restores what was.
#[inline(always)]
pub fn irq_off_leave() {
    let local = local();
    // SAFETY: as above.
    unsafe {
        debug_assert!((*local).irq_depth > 0);
        (*local).irq_depth -= 1;
        if (*local).irq_depth == 0 && (*local).irq_was_on {
            cpu::interrupts_on();
        }
    }
}

/// How many reasons there are now.
pub fn irq_off_depth() -> usize {
    // SAFETY: as above.
    unsafe { (*local()).irq_depth }
}

/// Replaces the remembered interrupt state: it belongs to the process, and moves with it to another CPU.
pub fn swap_irq_was_on(value: bool) -> bool {
    // SAFETY: as above; called with interrupts off.
    unsafe { core::mem::replace(&mut (*local()).irq_was_on, value) }
}

/// Whether an interrupt handler runs on this CPU.
#[inline(always)]
pub fn in_interrupt() -> bool {
    // SAFETY: as above.
    unsafe { (*local()).in_interrupt }
}

/// An interrupt handler begins or ends.
pub fn set_in_interrupt(value: bool) {
    // SAFETY: as above.
    unsafe { (*local()).in_interrupt = value };
}
