//! The block of data each hart reaches through tp.
//!
//! In the kernel tp points to this hart's `PerCpu`, and `sscratch` is 0; in user mode tp is the program's, and
//! `sscratch` keeps the pointer. `trap` exchanges them at each border.
//! `arch::cpu_local` is what every port keeps in it.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::mem::offset_of;

use crate::arch::cpu_local::CpuLocal;
use crate::sched::MAX_CPUS;

pub use crate::arch::cpu_local::{
    cpu_id, current, in_interrupt, irq_off_depth, irq_off_enter, irq_off_leave, set_current,
    set_in_interrupt, swap_irq_was_on,
};

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
    /// What every port has.
    local: CpuLocal,
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
        local: CpuLocal::new(0),
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
        (*slot).local = CpuLocal::new(id);
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
}
