//! The block of data each CPU reaches through GS.
//!
//! In the kernel GS base points to this CPU's `PerCpu`; in user mode it holds the user's value and the
//! block waits in `IA32_KERNEL_GS_BASE`. SWAPGS at each border keeps that so (`trap`, `syscall_entry`).
//! The kernel is never preempted in kernel mode, so what is read here stays true until the caller sleeps.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::mem::offset_of;
use core::ptr;

use super::cpu::{msr, wrmsr};
use crate::sched::MAX_CPUS;

/// What assembly reaches through GS. The order of fields is free: offsets are taken from the type.
#[repr(C)]
pub struct PerCpu {
    /// Its own address, so that one load gives a pointer.
    this: *const PerCpu,
    /// Top of the kernel stack of the running process: where SYSCALL starts to push.
    pub(super) kernel_stack: usize,
    /// Where SYSCALL keeps the user's stack pointer until it has a stack.
    pub(super) user_stack: usize,
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

struct Slot(UnsafeCell<PerCpu>);

// SAFETY: each slot is touched only by the CPU it belongs to (and by the boot CPU before that one starts).
unsafe impl Sync for Slot {}

static SLOTS: [Slot; MAX_CPUS] = [const {
    Slot(UnsafeCell::new(PerCpu {
        this: ptr::null(),
        kernel_stack: 0,
        user_stack: 0,
        id: 0,
        irq_depth: 0,
        irq_was_on: false,
        in_interrupt: false,
        current: ptr::null(),
    }))
}; MAX_CPUS];

/// Offset of the kernel stack pointer, for assembly.
pub const KERNEL_STACK: usize = offset_of!(PerCpu, kernel_stack);
/// Offset of the scratch place of the user's stack pointer, for assembly.
pub const USER_STACK: usize = offset_of!(PerCpu, user_stack);

/// Makes GS of the calling CPU, number `id`, point to its block.
pub fn init(id: usize) {
    let slot = SLOTS[id].0.get();
    // SAFETY: this CPU owns the slot, and GS is not used before this line.
    unsafe {
        (*slot).this = slot;
        (*slot).id = id;
        wrmsr(msr::IA32_GS_BASE, slot as u64);
        wrmsr(msr::IA32_KERNEL_GS_BASE, 0);
    }
}

#[inline(always)]
fn slot() -> *mut PerCpu {
    let slot: *mut PerCpu;
    // SAFETY: GS points to this CPU's block from `init` on.
    unsafe {
        asm!("mov {}, gs:[{}]", out(reg) slot, const offset_of!(PerCpu, this), options(nostack, preserves_flags, readonly, pure))
    };
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
    super::gdt::set_kernel_stack(top);
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
