//! The map of virtual memory: Sv39, 39 bits of address, sign-extended (Privileged spec 4.4).
//!
//! ```text
//! 0000_0000_0000_0000  user: program, heap ... mappings ... stack
//! 0000_003f_ffff_f000  USER_TOP: the last page stays empty, as on the other port
//! ffff_ffc0_0000_0000  PHYSMAP_BASE: all RAM, and device registers, at a fixed offset
//! ffff_fff0_0000_0000  KSTACK_BASE: kernel stacks, each below an unmapped guard page
//! ffff_ffff_8020_0000  the kernel image: KERNEL_BASE + its physical address
//! ```

/// End of user space.
pub const USER_TOP: usize = 0x0000_003f_ffff_f000;
/// Where physical address 0 appears.
pub const PHYSMAP_BASE: usize = 0xffff_ffc0_0000_0000;
/// Bytes of physical address space the physical map can show.
pub const PHYSMAP_SIZE: u64 = 1 << 37;
/// First kernel stack.
pub const KSTACK_BASE: usize = 0xffff_fff0_0000_0000;
/// Where physical address 0 would be if the kernel's image began there (kernel.ld).
pub const KERNEL_BASE: usize = 0xffff_ffff_0000_0000;
/// Bytes of physical address space, from 0, that the boot page table shows in the physical map.
pub const BOOT_MAPPED: u64 = PHYSMAP_SIZE;
