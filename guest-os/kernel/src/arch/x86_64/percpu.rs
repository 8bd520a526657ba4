//! The block of data each CPU reaches through GS.
//!
//! In the kernel GS base points to this CPU's `PerCpu`; in user mode it holds the user's value and the
//! block waits in `IA32_KERNEL_GS_BASE`. SWAPGS at each border keeps that so (`trap`, `syscall_entry`).
//! `arch::cpu_local` is what every port keeps in it.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::mem::offset_of;
use core::ptr;

use super::cpu::{msr, wrmsr};
use crate::arch::cpu_local::CpuLocal;
use crate::sched::MAX_CPUS;

pub use crate::arch::cpu_local::{
    cpu_id, current, in_interrupt, irq_off_depth, irq_off_enter, irq_off_leave, set_current,
    set_in_interrupt, swap_irq_was_on,
};

/// What assembly reaches through GS. The order of fields is free: offsets are taken from the type.
#[repr(C)]
pub struct PerCpu {
    /// Its own address, so that one load gives a pointer.
    this: *const PerCpu,
    /// Top of the kernel stack of the running process: where SYSCALL starts to push.
    pub(super) kernel_stack: usize,
    /// Where SYSCALL keeps the user's stack pointer until it has a stack.
    pub(super) user_stack: usize,
    /// What every port has.
    local: CpuLocal,
}

struct Slot(UnsafeCell<PerCpu>);

// SAFETY: each slot is touched only by the CPU it belongs to (and by the boot CPU before that one starts).
unsafe impl Sync for Slot {}

static SLOTS: [Slot; MAX_CPUS] = [const {
    Slot(UnsafeCell::new(PerCpu {
        this: ptr::null(),
        kernel_stack: 0,
        user_stack: 0,
        local: CpuLocal::new(0),
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
        (*slot).local = CpuLocal::new(id);
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

/// The part of the calling CPU's block that every port has.
#[inline(always)]
pub fn local() -> *mut CpuLocal {
    // SAFETY: the block belongs to this CPU.
    unsafe { &raw mut (*slot()).local }
}

/// Sets the stack on which this CPU enters the kernel from user mode.
pub fn set_kernel_stack(top: usize) {
    // SAFETY: as above; the caller switches to that stack's process.
    unsafe { (*slot()).kernel_stack = top };
    super::gdt::set_kernel_stack(top);
}
