//! The other CPUs: starting them, interrupting them, and making them forget translations.
//!
//! # Start-up
//! Firmware, or `machine`, starts a hart in S-mode with paging off (`sbi::hart_start`), at `secondary_start`. The code there
//! (`boot`) turns the boot page table on and jumps to `secondary_high`, which takes the kernel's own table and a stack
//! from the `StartBlock`. They start one after another and share the block.
//!
//! # Interrupts
//! A hart has one software interrupt. What it is for is a word beside it, a bit each.
//!
//! # TLB shootdown
//! Who removes a mapping or a right must make sure that no CPU still uses the old translation before
//! the frame gets a new owner. The initiator flushes its own TLB, and for CPUs that run the same address space
//! publishes a request, interrupts them, and waits until each has answered. Every CPU flushes all that is not
//! global: requests are rare and short. The initiator waits with interrupts on and without any spin lock, so
//! that it answers others meanwhile; a CPU that spins for a lock with interrupts off gets the lock from
//! somebody who is not waiting for it, and answers then. So nobody waits in a circle.

use core::arch::{asm, global_asm};
use core::mem::offset_of;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::boot::boot_hart;
use super::percpu::cpu_id;
use super::topology::Topology;
use super::{cpu, irq, paging, percpu, power, sbi, timer, trap};
use crate::mm::kstack::KernelStack;
use crate::mm::{page_table, shootdown};
use crate::sched::{MAX_CPUS, online_cpus};

/// What a hart that starts is told.
struct StartBlock {
    stack_top: AtomicUsize,
    satp: AtomicU64,
    number: AtomicUsize,
}

static START: StartBlock = StartBlock {
    stack_top: AtomicUsize::new(0),
    satp: AtomicU64::new(0),
    number: AtomicUsize::new(0),
};

global_asm!(
    r#"
.text
.globl secondary_high
secondary_high:                     # a1: the StartBlock
    ld      sp, {stack_top}(a1)
    ld      t0, {satp}(a1)
    ld      a0, {number}(a1)
    csrw    satp, t0
    sfence.vma
    call    secondary_main

.section .rodata.secondary_start, "a", @progbits
.balign 8
.globl secondary_start_at
secondary_start_at:                 # physical: out of reach for the code that wants to know
    .quad   secondary_start
"#,
    stack_top = const offset_of!(StartBlock, stack_top),
    satp = const offset_of!(StartBlock, satp),
    number = const offset_of!(StartBlock, number),
);

unsafe extern "C" {
    static secondary_start_at: usize;
}

/// The hardware's numbers of the harts, by CPU number.
static HARTS: [AtomicUsize; MAX_CPUS] = [const { AtomicUsize::new(0) }; MAX_CPUS];

/// How long to wait for a CPU to report, in nanoseconds, before giving up.
const GIVE_UP_AFTER: u64 = 100_000_000;

/// Prepares the boot CPU, number 0.
pub fn init_boot_cpu() {
    HARTS[0].store(boot_hart(), Ordering::Relaxed);
}

/// Starts every other CPU of `topology`, one after another.
pub fn start_others(topology: &Topology) {
    for &hart in topology.harts().iter().filter(|&&hart| hart != boot_hart()) {
        start(online_cpus(), hart);
    }
}

fn start(number: usize, hart: usize) {
    let Ok(stack) = KernelStack::new() else {
        crate::warning!("no memory for the stack of CPU {number}");
        return;
    };
    HARTS[number].store(hart, Ordering::Relaxed);
    START.stack_top.store(stack.top(), Ordering::Relaxed);
    START
        .satp
        .store(paging::satp(page_table::kernel_root()), Ordering::Relaxed);
    START.number.store(number, Ordering::Relaxed);
    core::mem::forget(stack); // its idle process runs on it for good
    let begin = timer::nanos();
    // SAFETY: `secondary_start` is what a hart can start at, and the block says where it goes on.
    let accepted = unsafe {
        let entry = (&raw const secondary_start_at).read();
        sbi::hart_start(hart, entry, &raw const START as usize)
    };
    while online_cpus() == number {
        if !accepted || timer::nanos() - begin > GIVE_UP_AFTER {
            crate::warning!("CPU {number} (hart {hart}) does not start");
            return;
        }
        core::hint::spin_loop();
    }
}

/// First Rust code of another CPU, on its own stack and the kernel's page table.
#[unsafe(no_mangle)]
extern "C" fn secondary_main(number: usize) -> ! {
    percpu::init(number);
    trap::init();
    cpu::init();
    irq::init_cpu();
    crate::secondary_main()
}

/// "Look at your run queue."
const RESCHEDULE: u32 = 1 << 0;
/// "Drop what you remember of an address space."
const SHOOTDOWN: u32 = 1 << 1;

/// What each CPU's software interrupt is for.
static REASONS: [AtomicU32; MAX_CPUS] = [const { AtomicU32::new(0) }; MAX_CPUS];

fn send(target: usize, reason: u32) {
    REASONS[target].fetch_or(reason, Ordering::SeqCst);
    sbi::send_ipi(HARTS[target].load(Ordering::Relaxed));
}

/// Takes a software interrupt.
pub(super) fn interrupt() {
    // SAFETY: only takes back what is being served. The reasons are read afterwards, so none is lost.
    unsafe { asm!("csrc sip, {}", in(reg) cpu::SOFTWARE, options(nostack)) };
    let reasons = REASONS[cpu_id()].swap(0, Ordering::SeqCst);
    if crate::panic::is_panicking() {
        power::halt_forever();
    }
    if reasons & SHOOTDOWN != 0 {
        trap::of_this_cpu(irq::VECTOR_SHOOTDOWN, c"tlb_shootdown", shootdown::answer);
    }
    if reasons & RESCHEDULE != 0 {
        trap::of_this_cpu(
            irq::VECTOR_RESCHEDULE,
            c"reschedule",
            crate::sched::reschedule_interrupt,
        );
    }
}

/// Makes another CPU look at its run queue.
pub fn send_reschedule(target: usize) {
    send(target, RESCHEDULE);
}

/// Makes another CPU answer a shootdown (`mm::shootdown`).
pub fn send_shootdown(target: usize) {
    send(target, SHOOTDOWN);
}

/// Stops every other CPU, because this one panics: each as soon as it has its interrupts on.
pub fn stop_others() {
    for target in (0..online_cpus()).filter(|&cpu| cpu != cpu_id()) {
        send(target, 0);
    }
}
