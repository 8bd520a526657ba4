//! From the first instruction of S-mode to `main`: paging, higher half, boot information.
//!
//! Firmware, or `machine`, enters `supervisor_start` with the hart's number in a0 and the physical address of the device
//! tree in a1, paging and interrupts off (Linux, arch/riscv/boot.rst). The code there, linked at its physical
//! address, shows memory in gigabytes:
//!
//! | virtual                  | why                                                |
//! |--------------------------|----------------------------------------------------|
//! | `0x8000_0000`            | the code that turns paging on                      |
//! | `PHYSMAP_BASE`           | all physical addresses at a fixed offset           |
//! | `KERNEL_BASE + …`        | where the kernel is linked                         |
//!
//! `mm::init` replaces this table by a stricter one.

use core::arch::global_asm;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kcore::cmdline::VirtioMmio;
use kcore::fdt::{self, Fdt};

use crate::mm::address::{PAGE_SIZE, PhysAddr};
use crate::mm::layout::{KSTACK_STRIDE, phys_to_virt};
use crate::sync::Once;

global_asm!(
    r#"
.section .boot, "awx", @progbits
.balign 4
.globl supervisor_start
supervisor_start:
    la      t0, boot_main_at
    ld      t1, 0(t0)
    ld      sp, 8(t0)
    j       boot_paging

.globl secondary_start
secondary_start:                    # a1: the StartBlock of `smp`
    la      t0, boot_secondary_at
    ld      t1, 0(t0)

boot_paging:                        # and on to the address in t1
    csrci   sstatus, 2              # SIE
    csrw    sie, zero
    la      t0, boot_root
    srli    t0, t0, 12
    li      t2, 8 << 60             # Sv39
    or      t0, t0, t2
    sfence.vma
    csrw    satp, t0
    sfence.vma
    mv      s0, zero                # a backtrace ends here
    mv      ra, zero
    jr      t1

.balign 8
boot_main_at:
    .quad   boot_main
    .quad   boot_stack_top
boot_secondary_at:
    .quad   secondary_high

//  63     54 53        10 9 8 7 6 5 4 3 2 1 0
//  reserved  page number  RSW D A G U X W R V
.balign 4096
boot_root:
    .skip   8 * 2
    .quad   (0x80000000 >> 2) + 0xcf    # D A X W R V
    .skip   8 * 253
    .set gigabyte, 0
    .rept 128                       # PHYSMAP_BASE, entry 256
    .quad   (gigabyte << 28) + 0xc7 # D A W R V
    .set gigabyte, gigabyte + 1
    .endr
    .skip   8 * 126
    .quad   (0x80000000 >> 2) + 0xcf    # KERNEL_BASE + 0x8000_0000, entry 510
    .skip   8

.section .bss.boot_stack, "aw", @nobits
.balign {stack}                     # as kernel stacks are, so that `trap` sees when it overflows
    .skip   {stack}
boot_stack_top:
"#,
    stack = const KSTACK_STRIDE,
);

/// One piece of memory.
#[derive(Clone, Copy)]
pub struct MemoryRange {
    /// First byte.
    pub start: PhysAddr,
    /// Length in bytes.
    pub len: u64,
    /// Whether this is RAM at all.
    pub ram: bool,
    /// Whether it is free for use.
    pub usable: bool,
}

/// What the device tree told us that is needed first.
pub struct BootInfo {
    /// The kernel command line.
    pub cmdline: &'static str,
    /// The RAM disk, if one was loaded: address and bytes.
    pub ramdisk: Option<(PhysAddr, u64)>,
    /// virtio devices that the device tree announces.
    pub devices: &'static [VirtioMmio],
    ranges: [MemoryRange; MAX_RANGES],
    range_count: usize,
}

/// More pieces than any board we know has; the rest is ignored.
const MAX_RANGES: usize = 16;
/// More virtio devices than that are ignored, too.
const MAX_DEVICES: usize = 32;

impl BootInfo {
    /// Memory.
    pub fn memory(&self) -> &[MemoryRange] {
        &self.ranges[..self.range_count]
    }

    fn add_memory(&mut self, start: u64, end: u64, usable: bool) {
        if start < end && self.range_count < MAX_RANGES {
            self.ranges[self.range_count] = MemoryRange {
                start: PhysAddr::new(start),
                len: end - start,
                ram: true,
                usable,
            };
            self.range_count += 1;
        }
    }
}

static TREE: Once<Fdt<'static>> = Once::new();
static BOOT_HART: AtomicUsize = AtomicUsize::new(0);

/// The device tree, for whoever looks for his device. It stays where the loader put it.
pub fn tree() -> &'static Fdt<'static> {
    TREE.get().expect("the device tree is read first")
}

/// The number that the hardware has for the boot CPU.
pub fn boot_hart() -> usize {
    BOOT_HART.load(Relaxed)
}

/// First Rust code: still on the boot page table and the boot stack.
#[unsafe(no_mangle)]
extern "C" fn boot_main(hart: usize, tree_at: u64) -> ! {
    super::percpu::init(0);
    super::trap::init();
    super::cpu::init();
    BOOT_HART.store(hart, Relaxed);
    let blob = read_tree(tree_at);
    TREE.set(Fdt::new(blob).expect("a device tree"));
    super::cpu::read_isa();
    super::console::init();
    super::power::init();
    crate::main(boot_info(tree_at, blob.len() as u64))
}

fn read_tree(at: u64) -> &'static [u8] {
    let start = phys_to_virt(PhysAddr::new(at));
    // SAFETY: the boot protocol puts a device tree at this address, and the boot page table shows it; its header says how
    // long it is. Nobody writes to it.
    unsafe {
        let header = core::slice::from_raw_parts(start, fdt::HEADER_SIZE);
        core::slice::from_raw_parts(start, fdt::total_size(header).unwrap_or(0))
    }
}

fn boot_info(tree_at: u64, tree_len: u64) -> BootInfo {
    let chosen = tree().node("/chosen");
    let address = |name| chosen.as_ref()?.number(name);
    let initrd = address("linux,initrd-start").zip(address("linux,initrd-end"));
    let mut boot = BootInfo {
        cmdline: chosen
            .as_ref()
            .and_then(|chosen| chosen.text("bootargs"))
            .unwrap_or(""),
        ramdisk: initrd.map(|(start, end)| (PhysAddr::new(start), end.saturating_sub(start))),
        devices: find_devices(),
        ranges: [MemoryRange {
            start: PhysAddr::new(0),
            len: 0,
            ram: false,
            usable: false,
        }; MAX_RANGES],
        range_count: 0,
    };
    // The device tree stays; its pages are the only hole that a board's memory has above the kernel.
    let page = PAGE_SIZE as u64;
    let (hole, behind) = (
        tree_at & !(page - 1),
        (tree_at + tree_len).next_multiple_of(page),
    );
    let memory = tree().nodes();
    let memory = memory.filter(|node| node.text("device_type") == Some("memory"));
    for (start, len) in memory.flat_map(|node| node.reg()) {
        let end = start.saturating_add(len);
        boot.add_memory(start, end.min(hole), true);
        boot.add_memory(start.max(hole), end.min(behind), false);
        boot.add_memory(start.max(behind), end, true);
    }
    boot
}

/// The virtio devices of the tree, by address.
fn find_devices() -> &'static [VirtioMmio] {
    static DEVICES: Once<([VirtioMmio; MAX_DEVICES], usize)> = Once::new();
    let mut devices = [VirtioMmio {
        base: 0,
        size: 0,
        irq: 0,
    }; MAX_DEVICES];
    let mut count = 0;
    let found = tree().compatible("virtio,mmio").filter_map(|node| {
        let (base, size) = node.reg().next()?;
        let irq = node.cell("interrupts")?;
        Some(VirtioMmio { base, size, irq })
    });
    for (slot, device) in devices.iter_mut().zip(found) {
        *slot = device;
        count += 1;
    }
    devices[..count].sort_unstable_by_key(|device| device.base);
    DEVICES.set((devices, count));
    DEVICES
        .get()
        .map_or(&[], |(devices, count)| &devices[..*count])
}
