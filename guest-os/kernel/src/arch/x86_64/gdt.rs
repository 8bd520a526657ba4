//! Segments and the task-state segment of each CPU (SDM vol. 3, 3.4.5 and 8.7).
//!
//! Long mode ignores most of a segment; what is left is the privilege level, the order of selectors that
//! SYSCALL and SYSRET compute with, and the stacks in the TSS.

use core::arch::asm;
use core::cell::UnsafeCell;

use super::percpu::cpu_id;
use crate::sched::MAX_CPUS;

/// Kernel code.
pub const KERNEL_CS: u16 = 0x08;
/// Kernel data and stack.
pub const KERNEL_SS: u16 = 0x10;
/// User data and stack, at privilege 3. SYSRET loads `USER_BASE + 8`.
pub const USER_SS: u16 = 0x20 | 3;
/// User code, at privilege 3. SYSRET loads `USER_BASE + 16`.
pub const USER_CS: u16 = 0x28 | 3;
/// What STAR holds for SYSRET.
pub const USER_BASE: u16 = 0x18 | 3;
const TSS: u16 = 0x30;

/// Interrupt stack of double faults: the only exception that may find the kernel stack unusable.
pub const IST_DOUBLE_FAULT: u8 = 1;
/// Interrupt stack of NMIs and machine checks, which can arrive at any instruction.
pub const IST_NMI: u8 = 2;

const IST_STACK_SIZE: usize = 8192;

/// 64-bit TSS (SDM vol. 3, figure 8-11).
#[repr(C, packed(4))]
struct TaskState {
    reserved0: u32,
    rsp: [u64; 3],
    reserved1: u64,
    ist: [u64; 7],
    reserved2: u64,
    reserved3: u16,
    io_map: u16,
}

#[repr(C, align(16))]
struct Tables {
    gdt: [u64; 8],
    tss: TaskState,
    ist_stacks: [[u8; IST_STACK_SIZE]; 2],
}

struct Slot(UnsafeCell<Tables>);

// SAFETY: each CPU touches only its own slot.
unsafe impl Sync for Slot {}

static SLOTS: [Slot; MAX_CPUS] = [const {
    Slot(UnsafeCell::new(Tables {
        gdt: [0; 8],
        tss: TaskState {
            reserved0: 0,
            rsp: [0; 3],
            reserved1: 0,
            ist: [0; 7],
            reserved2: 0,
            reserved3: 0,
            io_map: size_of::<TaskState>() as u16,
        },
        ist_stacks: [[0; IST_STACK_SIZE]; 2],
    }))
}; MAX_CPUS];

#[repr(C, packed)]
struct TableRegister {
    limit: u16,
    base: u64,
}

/// Builds and loads the tables of the calling CPU.
pub fn init(cpu: usize) {
    let tables = SLOTS[cpu].0.get();
    // SAFETY: the slot is this CPU's; the descriptors below describe what `percpu` and `trap` expect.
    unsafe {
        let tss = &raw const (*tables).tss as u64;
        for (index, stack) in (*tables).ist_stacks.iter_mut().enumerate() {
            (*tables).tss.ist[index] = stack.as_mut_ptr_range().end as u64;
        }
        (*tables).gdt = [
            0,
            0x00af_9b00_0000_ffff, // kernel code, 64-bit
            0x00cf_9300_0000_ffff, // kernel data
            0x00cf_fb00_0000_ffff, // user code, 32-bit: only a place that SYSRET counts from
            0x00cf_f300_0000_ffff, // user data
            0x00af_fb00_0000_ffff, // user code, 64-bit
            // Available 64-bit TSS (type 9, present); limit 15:0, base 23:0, base 31:24 | base 63:32.
            (size_of::<TaskState>() as u64 - 1)
                | (tss & 0xff_ffff) << 16
                | 0x89 << 40
                | (tss >> 24 & 0xff) << 56,
            tss >> 32,
        ];
        let register = TableRegister {
            limit: size_of::<[u64; 8]>() as u16 - 1,
            base: &raw const (*tables).gdt as u64,
        };
        asm!(
            "lgdt [{register}]",
            "push {code}",
            "lea {scratch}, [rip + 2f]",
            "push {scratch}",
            "retfq",
            "2: mov ss, {data:x}",
            "mov ds, {data:x}",
            "mov es, {data:x}",
            "ltr {task:x}",
            register = in(reg) &register,
            code = const KERNEL_CS,
            scratch = lateout(reg) _,
            data = in(reg) KERNEL_SS,
            task = in(reg) TSS,
        );
    }
}

/// Sets the stack that an interrupt from user mode switches to.
pub fn set_kernel_stack(top: usize) {
    let tables = SLOTS[cpu_id()].0.get();
    // SAFETY: the TSS is this CPU's, and interrupts are off while processes are switched.
    unsafe { (*tables).tss.rsp[0] = top as u64 };
}
