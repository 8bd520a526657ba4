//! Places in virtual memory. The map of them is each instruction set's own (`arch::layout`).
//!
//! User space begins at 0, the kernel half has the physical map (all RAM, and device registers), the kernel stacks
//! and the kernel's image, from low to high.

use super::address::PhysAddr;
pub use crate::arch::layout::{
    BOOT_MAPPED, KERNEL_BASE, KSTACK_BASE, PHYSMAP_BASE, PHYSMAP_SIZE, USER_TOP,
};

/// Lowest address a program may map.
pub const USER_BOTTOM: usize = 0x1_0000;
/// Distance between kernel stacks: the guard page and the stack.
pub const KSTACK_STRIDE: usize = 32 * 1024;
/// Kernel stacks there is address space for.
pub const KSTACK_COUNT: usize = 32 * 1024;

/// Where the physical map shows `at`.
pub fn phys_to_virt(at: PhysAddr) -> *mut u8 {
    (PHYSMAP_BASE + at.get() as usize) as *mut u8
}

/// Physical address behind a pointer into the physical map (frames, the kernel heap) or the kernel image.
pub fn virt_to_phys<T: ?Sized>(pointer: *const T) -> PhysAddr {
    let address = pointer.cast::<u8>() as usize;
    if address >= KERNEL_BASE {
        PhysAddr::new((address - KERNEL_BASE) as u64)
    } else {
        debug_assert!((PHYSMAP_BASE..KSTACK_BASE).contains(&address));
        PhysAddr::new((address - PHYSMAP_BASE) as u64)
    }
}

/// Whether `address` lies in the guard page below a kernel stack.
pub fn is_stack_guard(address: usize) -> bool {
    (KSTACK_BASE..KSTACK_BASE + KSTACK_COUNT * KSTACK_STRIDE).contains(&address)
        && (address - KSTACK_BASE) % KSTACK_STRIDE < super::address::PAGE_SIZE
}
