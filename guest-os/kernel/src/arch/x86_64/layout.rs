//! The map of virtual memory: 48 bits of address, sign-extended (SDM vol. 1, 3.3.7.1).
//!
//! ```text
//! 0000_0000_0000_0000  user: program, heap ... mappings ... stack
//! 0000_7fff_ffff_f000  USER_TOP: the last canonical page stays empty, so that no return address
//!                      can run off the end of user space
//! ffff_8000_0000_0000  PHYSMAP_BASE: all RAM, and device registers (uncached), at a fixed offset
//! ffff_c000_0000_0000  KSTACK_BASE: kernel stacks, each below an unmapped guard page
//! ffff_ffff_8000_0000  KERNEL_BASE: the kernel image
//! ```

/// End of user space.
pub const USER_TOP: usize = 0x0000_7fff_ffff_f000;
/// Where physical address 0 appears.
pub const PHYSMAP_BASE: usize = 0xffff_8000_0000_0000;
/// Bytes of physical address space the physical map can show.
pub const PHYSMAP_SIZE: u64 = 1 << 39;
/// First kernel stack.
pub const KSTACK_BASE: usize = 0xffff_c000_0000_0000;
/// Where physical address 0 would be if the kernel's image began there (kernel.ld).
pub const KERNEL_BASE: usize = 0xffff_ffff_8000_0000;
/// Bytes of physical address space, from 0, that the boot page table shows in the physical map.
pub const BOOT_MAPPED: u64 = 1 << 30;
