//! The other CPUs: starting them, interrupting them, and making them forget translations.
//!
//! # Start-up
//! An application processor wakes in real mode at a page below 1 MiB that the start-up IPI names (SDM vol. 3,
//! 9.4). The code there goes through protected mode into long mode on the boot page tables, which still map
//! the first GiB at 0, and calls `ap_main`. That goes over to the kernel's page table, and only then to the
//! CPU's own stack, which the boot page tables do not show. They start one after another, and share a stack
//! up to that point.
//!
//! # TLB shootdown
//! Who removes a mapping or a right must make sure that no CPU still uses the old translation before
//! the frame gets a new owner. The initiator flushes its own TLB, and for CPUs that run the same address space
//! publishes a request, interrupts them, and waits until each has answered. Every CPU flushes all that is not
//! global: requests are rare and short. The initiator waits with interrupts on and without any spin lock, so
//! that it answers others meanwhile; a CPU that spins for a lock with interrupts off gets the lock from
//! somebody who is not waiting for it, and answers then. So nobody waits in a circle.

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU32, Ordering};

use super::topology::Topology;
use super::{apic, cpu, gdt, percpu, power, syscall_entry, timer, trap};
use crate::mm::address::{PAGE_SIZE, PhysAddr};
use crate::mm::kstack::KernelStack;
use crate::mm::layout::phys_to_virt;
use crate::mm::page_table;
use crate::sched::{MAX_CPUS, online_cpus};

/// Where the start-up code is copied to: a free page of conventional memory.
const START_PAGE: PhysAddr = PhysAddr::new(0x8000);

global_asm!(
    r#"
.section .rodata.ap_start, "a", @progbits
.code16
.globl ap_start
ap_start:
    cli
    cld
    movw    %cs, %ax
    movw    %ax, %ds
    lgdtl   ap_gdtr - ap_start
    movl    %cr0, %eax
    orl     $1, %eax                # PE
    movl    %eax, %cr0
    ljmpl   $0x10, $(0x8000 + ap_protected - ap_start)
.code32
ap_protected:
    movl    $0x18, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    %cr4, %eax
    orl     $0x20, %eax             # PAE
    movl    %eax, %cr4
    movl    (0x8000 + ap_cr3 - ap_start), %eax
    movl    %eax, %cr3
    movl    $0xc0000080, %ecx       # EFER
    rdmsr
    orl     $0x100, %eax            # LME
    wrmsr
    movl    %cr0, %eax
    orl     $0x80010000, %eax       # PG, WP
    movl    %eax, %cr0
    ljmpl   $0x08, $(0x8000 + ap_long - ap_start)
.code64
ap_long:
    xorl    %eax, %eax
    movl    %eax, %ss
    movl    %eax, %ds
    movl    %eax, %es
    movabsq $ap_boot_stack_top, %rsp
    movq    (0x8000 + ap_number - ap_start), %rdi
    movq    (0x8000 + ap_stack - ap_start), %rsi
    xorl    %ebp, %ebp
    movabsq $ap_main, %rax
    callq   *%rax
    ud2
.balign 8
ap_gdt:
    .quad 0
    .quad 0x00af9b000000ffff        # 64-bit code
    .quad 0x00cf9b000000ffff        # 32-bit code
    .quad 0x00cf93000000ffff        # data
ap_gdtr:
    .word 31
    .long 0x8000 + ap_gdt - ap_start
    .balign 8
ap_cr3:
    .quad boot_pml4
.globl ap_stack
ap_stack:
    .quad 0
.globl ap_number
ap_number:
    .quad 0
.globl ap_end
ap_end:

.section .bss.ap_boot_stack, "aw", @nobits
.balign 16
    .skip 8192
ap_boot_stack_top:
"#,
    options(att_syntax)
);

unsafe extern "C" {
    static ap_start: u8;
    static ap_stack: u8;
    static ap_number: u8;
    static ap_end: u8;
}

/// APIC ids by CPU number.
static APIC_IDS: [AtomicU32; MAX_CPUS] = [const { AtomicU32::new(0) }; MAX_CPUS];

/// How long to wait for a CPU to report, in nanoseconds, before asking again and before giving up.
const RETRY_AFTER: u64 = 2_000_000;
const GIVE_UP_AFTER: u64 = 100_000_000;

/// Prepares the boot CPU, number 0.
pub fn init_boot_cpu() {
    APIC_IDS[0].store(apic::id(), Ordering::Relaxed);
    syscall_entry::init();
}

/// Starts every other CPU of `topology`, one after another.
pub fn start_others(topology: &Topology) {
    let boot = APIC_IDS[0].load(Ordering::Relaxed);
    let code = &raw const ap_start;
    // SAFETY: the page is conventional memory below the kernel that nothing uses; the code fits into it.
    unsafe {
        let len = (&raw const ap_end).offset_from(code) as usize;
        assert!(len <= PAGE_SIZE);
        phys_to_virt(START_PAGE).copy_from_nonoverlapping(code, len);
    }
    for &apic_id in topology.apic_ids().iter().filter(|&&id| id != boot) {
        start(online_cpus(), apic_id);
    }
}

fn start(number: usize, apic_id: u32) {
    let Ok(stack) = KernelStack::new() else {
        crate::warning!("no memory for the stack of CPU {number}");
        return;
    };
    APIC_IDS[number].store(apic_id, Ordering::Relaxed);
    let base = phys_to_virt(START_PAGE) as usize - &raw const ap_start as usize;
    // SAFETY: the two words lie in the copied page, and no CPU reads them before the IPI below.
    unsafe {
        ((base + &raw const ap_stack as usize) as *mut usize).write_volatile(stack.top());
        ((base + &raw const ap_number as usize) as *mut usize).write_volatile(number);
    }
    core::mem::forget(stack); // its idle process runs on it for good
    let begin = timer::nanos();
    apic::send_init(apic_id);
    let mut next_try = begin;
    while online_cpus() == number {
        let now = timer::nanos();
        if now >= next_try {
            apic::send_startup(apic_id, START_PAGE);
            next_try = now + RETRY_AFTER;
        }
        if now - begin > GIVE_UP_AFTER {
            crate::warning!("CPU {number} (APIC {apic_id}) does not start");
            return;
        }
        core::hint::spin_loop();
    }
}

/// First Rust code of an application processor.
#[unsafe(no_mangle)]
extern "C" fn ap_main(number: usize, stack_top: usize) -> ! {
    percpu::init(number);
    gdt::init(number);
    trap::load();
    cpu::init();
    page_table::activate_kernel();
    // SAFETY: the stack is this CPU's own, and nothing on the present one is needed any more.
    unsafe {
        asm!("mov rsp, {}", "xor ebp, ebp", "call {}", "ud2", in(reg) stack_top, sym ap_continue, options(noreturn))
    };
}

extern "C" fn ap_continue() -> ! {
    apic::init();
    syscall_entry::init();
    crate::secondary_main()
}

/// Makes another CPU look at its run queue.
pub fn send_reschedule(target: usize) {
    apic::send_ipi(
        APIC_IDS[target].load(Ordering::Relaxed),
        apic::VECTOR_RESCHEDULE,
    );
}

/// Makes another CPU answer a shootdown (`mm::shootdown`).
pub fn send_shootdown(target: usize) {
    apic::send_ipi(
        APIC_IDS[target].load(Ordering::Relaxed),
        apic::VECTOR_SHOOTDOWN,
    );
}

/// Stops every other CPU, because this one panics.
pub fn stop_others() {
    if online_cpus() > 1 {
        apic::send_nmi_to_others();
    }
}

/// What an NMI does: nothing, or end this CPU's part in a panic.
pub(super) fn stop_if_panicking() {
    if crate::panic::is_panicking() {
        power::halt_forever();
    }
}
