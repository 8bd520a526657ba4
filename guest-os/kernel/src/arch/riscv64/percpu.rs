//! The block of data each hart reaches through tp.
//!
//! In the kernel tp points to this hart's `PerCpu`, and `sscratch` is 0; in user mode tp is the program's, and
//! `sscratch` keeps the pointer. `trap` exchanges them at each border.
//! The kernel is never preempted in kernel mode, so what is read here stays true until the caller sleeps.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::mem::offset_of;
use core::ptr;

use crate::sched::MAX_CPUS;

/// Bytes of the stack on which the overflow of another one is reported.
const EMERGENCY_STACK_SIZE: usize = 8192;

#[repr(C, align(16))]
struct EmergencyStack([u8; EMERGENCY_STACK_SIZE]);

/// What assembly reaches through tp. Offsets are taken from the type.
#[repr(C)]
pub struct PerCpu {
    /// Top of the kernel stack of the running process: where a trap from user mode begins.
    kernel_stack: usize,
    /// Where a trap keeps the stack pointer until it has a stack.
    old_stack: usize,
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
    /// Behind everything that an instruction shall reach at once.
    emergency_stack: EmergencyStack,
}

struct Slot(UnsafeCell<PerCpu>);

// SAFETY: each slot is touched only by the CPU it belongs to (and by the boot CPU before that one starts).
unsafe impl Sync for Slot {}

static SLOTS: [Slot; MAX_CPUS] = [const {
    Slot(UnsafeCell::new(PerCpu {
        kernel_stack: 0,
        old_stack: 0,
        id: 0,
        irq_depth: 0,
        irq_was_on: false,
        in_interrupt: false,
        current: ptr::null(),
        emergency_stack: EmergencyStack([0; EMERGENCY_STACK_SIZE]),
    }))
}; MAX_CPUS];

/// Offset of the kernel stack pointer, for assembly.
pub const KERNEL_STACK: usize = offset_of!(PerCpu, kernel_stack);
/// Offset of the place for the old stack pointer, for assembly.
pub const OLD_STACK: usize = offset_of!(PerCpu, old_stack);
/// Offset of the end of the emergency stack, for assembly.
pub const EMERGENCY_STACK_TOP: usize = offset_of!(PerCpu, emergency_stack) + EMERGENCY_STACK_SIZE;

/// Makes tp of the calling hart, CPU number `id`, point to its block.
pub fn init(id: usize) {
    let slot = SLOTS[id].0.get();
    // SAFETY: this CPU owns the slot, and tp is not used before this line.
    unsafe {
        (*slot).id = id;
        asm!("mv tp, {}", "csrw sscratch, zero", in(reg) slot, options(nostack));
    }
}

#[inline(always)]
fn slot() -> *mut PerCpu {
    let slot: *mut PerCpu;
    // SAFETY: tp points to this CPU's block from `init` on.
    unsafe { asm!("mv {}, tp", out(reg) slot, options(nostack, preserves_flags, readonly, pure)) };
    slot
}

/// Number of the CPU this runs on. The caller must not sleep between asking and using it.
#[inline(always)]
pub fn cpu_id() -> usize {
    // SAFETY: the block belongs to this CPU.
    unsafe { (*slot()).id }
}

/// The pointer that `set_current` left.
#[inline(always)]
pub fn current() -> *const () {
    // SAFETY: as above.
    unsafe { (*slot()).current }
}

/// Leaves a pointer to the running process for `current`.
pub fn set_current(process: *const ()) {
    // SAFETY: as above.
    unsafe { (*slot()).current = process };
}

/// Sets the stack on which this CPU enters the kernel from user mode.
pub fn set_kernel_stack(top: usize) {
    // SAFETY: as above; the caller switches to that stack's process.
    unsafe { (*slot()).kernel_stack = top };
}

/// Counts one more reason to keep interrupts off.
#[inline(always)]
pub fn irq_off_enter() {
    let was_on = super::cpu::interrupts_off();
    let slot = slot();
    // SAFETY: as above, and no interrupt can come.
    unsafe {
        if (*slot).irq_depth == 0 {
            (*slot).irq_was_on = was_on;
        }
        (*slot).irq_depth += 1;
    }
}

/// One reason fewer; the last one restores what was.
#[inline(always)]
pub fn irq_off_leave() {
    let slot = slot();
    // SAFETY: as above.
    unsafe {
        debug_assert!((*slot).irq_depth > 0);
        (*slot).irq_depth -= 1;
        if (*slot).irq_depth == 0 && (*slot).irq_was_on {
            super::cpu::interrupts_on();
        }
    }
}

/// How many reasons there are now.
pub fn irq_off_depth() -> usize {
    // SAFETY: as above.
    unsafe { (*slot()).irq_depth }
}

/// Replaces the remembered interrupt state: it belongs to the process, and moves with it to another CPU.
pub fn swap_irq_was_on(value: bool) -> bool {
    // SAFETY: as above; called with interrupts off.
    unsafe { core::mem::replace(&mut (*slot()).irq_was_on, value) }
}

/// Whether an interrupt handler runs on this CPU.
#[inline(always)]
pub fn in_interrupt() -> bool {
    // SAFETY: as above.
    unsafe { (*slot()).in_interrupt }
}

/// An interrupt handler begins or ends.
pub fn set_in_interrupt(value: bool) {
    // SAFETY: as above.
    unsafe { (*slot()).in_interrupt = value };
}
