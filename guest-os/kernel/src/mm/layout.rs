//! The map of virtual memory.
//!
//! ```text
//! 0000_0000_0000_0000  user: program, heap ... mappings ... stack
//! 0000_7fff_ffff_f000  USER_TOP: the last canonical page stays empty, so that no return address
//!                      can run off the end of user space
//! ffff_8000_0000_0000  PHYSMAP_BASE: all RAM, and device registers (uncached), at a fixed offset
//! ffff_c000_0000_0000  KSTACK_BASE: kernel stacks, each below an unmapped guard page
//! ffff_ffff_8000_0000  KERNEL_BASE: the kernel image
//! ```

use super::address::PhysAddr;

/// End of user space.
pub const USER_TOP: usize = 0x0000_7fff_ffff_f000;
/// Lowest address a program may map.
pub const USER_BOTTOM: usize = 0x1_0000;
/// Where physical address 0 appears.
pub const PHYSMAP_BASE: usize = 0xffff_8000_0000_0000;
/// Bytes of physical address space the physical map can show.
pub const PHYSMAP_SIZE: u64 = 1 << 39;
/// First kernel stack.
pub const KSTACK_BASE: usize = 0xffff_c000_0000_0000;
/// Distance between kernel stacks: the guard page and the stack.
pub const KSTACK_STRIDE: usize = 32 * 1024;
/// Kernel stacks there is address space for.
pub const KSTACK_COUNT: usize = 32 * 1024;
/// Where the kernel is linked (kernel.ld).
pub const KERNEL_BASE: usize = 0xffff_ffff_8000_0000;

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
