//! Memory: page frames, the kernel heap, kernel stacks, address spaces, and copies to and from programs.
//!
//! | file         | what                                                          |
//! |--------------|---------------------------------------------------------------|
//! | `layout`     | the map of virtual memory                                     |
//! | `frame`      | page frames with reference counts                             |
//! | `heap`       | the kernel's `Box` and `Vec`: size classes on frames          |
//! | `page_table` | the trees that the hardware walks, of a program and of the kernel  |
//! | `kstack`     | kernel stacks with guard pages                                |
//! | `protection` | what a program may do with a page                             |
//! | `shootdown`  | other CPUs forget what a page table no longer says            |
//! | `space`      | address spaces: `mmap`, `brk`, fork                           |
//! | `region`     | a range of pages of one kind, and where they come from        |
//! | `regions`    | all of them: what is free, gaps, stack growth                 |
//! | `fault`      | demand paging and copy-on-write                               |
//! | `user`       | checked pointers into a program's memory                      |
//! | `dma`        | memory that devices see                                       |

pub mod address;
pub mod dma;
pub mod fault;
pub mod frame;
pub mod heap;
pub mod kstack;
pub mod layout;
pub mod page_table;
pub mod protection;
pub mod region;
mod regions;
pub mod shootdown;
pub mod space;
pub mod user;

use abi::Errno;
use address::{PAGE_SIZE, PhysAddr};
use frame::Frame;
use layout::phys_to_virt;

use crate::arch::boot::BootInfo;
use crate::sync::SpinLock;

/// Ranges of RAM in the physical map: start and end.
static RAM: SpinLock<([(u64, u64); MAX_RAM], usize)> =
    SpinLock::new(c"ram_map", ([(0, 0); MAX_RAM], 0));
const MAX_RAM: usize = 32;

/// Guards changes of the kernel half of the page tables.
static KERNEL_MAP: SpinLock<()> = SpinLock::new(c"kernel_map", ());

/// Takes over memory: frames from the firmware's map, then the kernel's own page table.
pub fn init(boot: &BootInfo) {
    let mut ram = RAM.lock();
    for range in boot.memory().iter().filter(|r| r.ram).take(MAX_RAM) {
        let count = ram.1;
        ram.0[count] = (range.start.get(), range.start.get() + range.len);
        ram.1 += 1;
    }
    let (ranges, count) = (ram.0, ram.1);
    drop(ram);
    frame::init(boot, |alloc| {
        page_table::init_kernel(&ranges[..count], alloc)
    });
}

/// Makes sure that the page at `address`, in a region of the kernel half, has a frame; it keeps it for good.
fn map_kernel_page(address: usize) -> Result<(), Errno> {
    let _guard = KERNEL_MAP.lock();
    if page_table::is_unmapped(address) {
        let frame = Frame::alloc()?;
        page_table::map_kernel_page(address, frame.address())?;
        frame.into_raw();
    }
    Ok(())
}

/// Whether the physical map shows `len` bytes at `at`.
pub fn physmap_covers(at: PhysAddr, len: u64) -> bool {
    let ram = RAM.lock();
    ram.0[..ram.1].iter().any(|&(start, end)| {
        start <= at.get() && at.get().checked_add(len).is_some_and(|e| e <= end)
    })
}

/// Makes the registers of a device at physical `at` reachable, uncached; gives their virtual address. `EINVAL`
/// if that is memory, or beyond what the physical map can show.
pub fn map_mmio(at: PhysAddr, len: usize) -> Result<*mut u8, Errno> {
    let end = at.get().checked_add(len as u64).ok_or(Errno::EINVAL)?;
    if end > layout::PHYSMAP_SIZE {
        return Err(Errno::EINVAL);
    }
    let _guard = KERNEL_MAP.lock();
    let first = address::page_floor(at.get() as usize);
    for page in (first..end as usize).step_by(PAGE_SIZE) {
        page_table::map_device_page(PhysAddr::new(page as u64))?;
    }
    Ok(phys_to_virt(at))
}

/// The module (RAM disk) that the loader put into memory, which the frame allocator leaves alone.
pub fn boot_module(boot: &BootInfo) -> Option<&'static [u8]> {
    let (at, len) = boot.ramdisk?;
    // SAFETY: the loader put it there, and nobody else uses that memory.
    physmap_covers(at, len)
        .then(|| unsafe { core::slice::from_raw_parts(phys_to_virt(at), len as usize) })
}
