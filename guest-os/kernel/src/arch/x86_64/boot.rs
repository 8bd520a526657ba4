//! From the first instruction to `main`: PVH entry, long mode, higher half, boot information.
//!
//! A PVH loader (QEMU, Glassbox) finds the 32-bit entry point in the ELF note `XEN_ELFNOTE_PHYS32_ENTRY`
//! and jumps there in flat protected mode without paging, `EBX` holding the physical address of
//! `hvm_start_info` (Xen, public/arch-x86/hvm/start_info.h). The code below, linked at its physical
//! address, maps the first GiB three times:
//!
//! | virtual                  | why                                               |
//! |--------------------------|---------------------------------------------------|
//! | `0`                      | the code that turns paging on; later the AP start |
//! | `PHYSMAP_BASE`           | all RAM at a fixed offset                         |
//! | `KERNEL_BASE`            | where the kernel is linked                        |
//!
//! `mm::init` replaces these tables by stricter ones.

use core::arch::global_asm;

use kcore::cmdline::VirtioMmio;

use crate::mm::address::PhysAddr;
use crate::mm::layout::phys_to_virt;

global_asm!(
    r#"
.section .note.Xen, "a", @note
    .long 4, 8, 18                  # name size, value size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad pvh_entry

.section .boot, "awx", @progbits
.code32
.globl pvh_entry
pvh_entry:
    cld
    movl    %ebx, %edi              # hvm_start_info: first argument of boot_main
    movl    $boot_stack_low, %esp
    movl    $boot_pml4, %eax
    movl    %eax, %cr3
    movl    %cr4, %eax
    orl     $0x20, %eax             # PAE
    movl    %eax, %cr4
    movl    $0xc0000080, %ecx       # EFER
    rdmsr
    orl     $0x100, %eax            # LME
    wrmsr
    movl    %cr0, %eax
    orl     $0x80010001, %eax       # PG, WP, PE
    movl    %eax, %cr0
    lgdt    boot_gdtr
    ljmp    $0x08, $boot_long_mode

.code64
boot_long_mode:
    xorl    %eax, %eax
    movl    %eax, %ss
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %fs
    movl    %eax, %gs
    movl    %edi, %edi
    movabsq $boot_stack_top, %rsp
    xorl    %ebp, %ebp
    movabsq $boot_main, %rax
    callq   *%rax
    ud2

.balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff        # 64-bit code
boot_gdt_end:
boot_gdtr:
    .word boot_gdt_end - boot_gdt - 1
    .quad boot_gdt
    .balign 16
    .skip 64
boot_stack_low:

.balign 4096
.globl boot_pml4
boot_pml4:
    .quad boot_pdpt_low + 3
    .skip 8 * 255
    .quad boot_pdpt_low + 3         # PHYSMAP_BASE, entry 256
    .skip 8 * 254
    .quad boot_pdpt_high + 3        # KERNEL_BASE, entry 511
boot_pdpt_low:
    .quad boot_pd + 3
    .skip 8 * 511
boot_pdpt_high:
    .skip 8 * 510
    .quad boot_pd + 3
    .skip 8
boot_pd:                            # 512 pages of 2 MiB
    .set page, 0
    .rept 512
    .quad page * 0x200000 + 0x83
    .set page, page + 1
    .endr

.section .bss.boot_stack, "aw", @nobits
.balign 4096
.globl boot_stack_bottom
boot_stack_bottom:
    .skip 32768
boot_stack_top:
"#,
    options(att_syntax)
);

/// One line of the firmware's memory map.
#[derive(Clone, Copy)]
pub struct MemoryRange {
    /// First byte.
    pub start: PhysAddr,
    /// Length in bytes.
    pub len: u64,
    /// Whether this is RAM at all: free, or holding ACPI's tables (e820 types 1, 3 and 4).
    pub ram: bool,
    /// Whether it is free for use (e820 type 1).
    pub usable: bool,
}

/// What the loader told us, copied out of its structures.
pub struct BootInfo {
    /// The kernel command line.
    pub cmdline: &'static str,
    /// The RAM disk, if one was loaded: address and bytes.
    pub ramdisk: Option<(PhysAddr, u64)>,
    /// virtio devices that the firmware announces, besides those on the command line.
    pub devices: &'static [VirtioMmio],
    /// ACPI's RSDP, if the loader names one.
    pub rsdp: Option<PhysAddr>,
    ranges: [MemoryRange; MAX_RANGES],
    range_count: usize,
}

/// More ranges than any loader we know reports; the rest is ignored.
const MAX_RANGES: usize = 32;

impl BootInfo {
    /// The firmware's memory map.
    pub fn memory(&self) -> &[MemoryRange] {
        &self.ranges[..self.range_count]
    }
}

/// `struct hvm_start_info`, version 1.
#[repr(C)]
struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    nr_modules: u32,
    modlist: u64,
    cmdline: u64,
    rsdp: u64,
    memmap: u64,
    memmap_entries: u32,
    reserved: u32,
}

/// `struct hvm_modlist_entry`.
#[repr(C)]
struct Module {
    start: u64,
    size: u64,
    cmdline: u64,
    reserved: u64,
}

/// `struct hvm_memmap_table_entry`.
#[repr(C)]
struct MemmapEntry {
    addr: u64,
    size: u64,
    kind: u32,
    reserved: u32,
}

const START_MAGIC: u32 = 0x336e_c578;

/// First Rust code: still on the boot page tables and the boot stack.
#[unsafe(no_mangle)]
extern "C" fn boot_main(start_info: u64) -> ! {
    super::console::init();
    super::percpu::init(0);
    super::gdt::init(0);
    super::trap::init();
    super::cpu::init();
    crate::main(read_start_info(PhysAddr::new(start_info)))
}

fn read_start_info(at: PhysAddr) -> BootInfo {
    // SAFETY: the PVH protocol puts a start_info at this address; it lies in the first GiB, which is mapped.
    let info = unsafe { &*phys_to_virt(at).cast::<StartInfo>() };
    assert!(
        info.magic == START_MAGIC,
        "the loader did not follow the PVH boot protocol"
    );
    let mut boot = BootInfo {
        cmdline: read_cmdline(info.cmdline),
        ramdisk: None,
        devices: &[],
        rsdp: (info.rsdp != 0).then(|| PhysAddr::new(info.rsdp)),
        // The first MiB is not always listed, but always there, and has firmware tables.
        ranges: [MemoryRange {
            start: PhysAddr::new(0),
            len: 1 << 20,
            ram: true,
            usable: false,
        }; MAX_RANGES],
        range_count: 1,
    };
    if info.nr_modules > 0 {
        // SAFETY: the loader says that there is a module list of at least one entry here.
        let module = unsafe { &*phys_to_virt(PhysAddr::new(info.modlist)).cast::<Module>() };
        boot.ramdisk = Some((PhysAddr::new(module.start), module.size));
    }
    assert!(
        info.version >= 1 && info.memmap != 0,
        "the loader gives no memory map"
    );
    // SAFETY: version 1 of the protocol has `memmap_entries` entries at `memmap`.
    let entries = unsafe {
        core::slice::from_raw_parts(
            phys_to_virt(PhysAddr::new(info.memmap)).cast::<MemmapEntry>(),
            info.memmap_entries as usize,
        )
    };
    for (slot, entry) in boot.ranges.iter_mut().skip(1).zip(entries) {
        *slot = MemoryRange {
            start: PhysAddr::new(entry.addr),
            len: entry.size,
            ram: matches!(entry.kind, 1 | 3 | 4),
            usable: entry.kind == 1,
        };
        boot.range_count += 1;
    }
    boot
}

/// Room for the kernel command line; what is longer is cut off.
const CMDLINE_MAX: usize = 1 << 16;

/// Copies the command line, because the memory it lies in will be used for other things.
fn read_cmdline(at: u64) -> &'static str {
    static mut COPY: [u8; CMDLINE_MAX] = [0; CMDLINE_MAX];
    if at == 0 {
        return "";
    }
    // SAFETY: the loader puts a NUL-terminated string here, and only the boot CPU runs, once.
    unsafe {
        let line = core::ffi::CStr::from_ptr(phys_to_virt(PhysAddr::new(at)).cast()).to_bytes();
        let len = line.len().min(CMDLINE_MAX);
        let copy = core::slice::from_raw_parts_mut((&raw mut COPY).cast::<u8>(), len);
        copy.copy_from_slice(&line[..len]);
        core::str::from_utf8(copy).unwrap_or("")
    }
}
