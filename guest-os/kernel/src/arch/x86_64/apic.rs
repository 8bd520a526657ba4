//! The local APIC (SDM vol. 3, 11): who am I, timer, inter-processor interrupts, end of interrupt.
//!
//! Registers are reached by memory (xAPIC) or, if CPUID has it, by MSR (x2APIC); the names are the same.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::cpu::{self, msr, rdmsr, wrmsr};
use crate::mm::address::PhysAddr;

/// Timer.
pub const VECTOR_TIMER: u64 = 0xf0;
/// "Look at your run queue."
pub const VECTOR_RESCHEDULE: u64 = 0xf1;
/// "Drop what you remember of an address space."
pub const VECTOR_SHOOTDOWN: u64 = 0xf2;
/// Spurious interrupts; the low four bits are ones on every APIC.
pub const VECTOR_SPURIOUS: u64 = 0xff;

/// Registers by their xAPIC offset (SDM vol. 3, table 11-1).
#[derive(Clone, Copy)]
enum Register {
    Id = 0x20,
    EndOfInterrupt = 0xb0,
    SpuriousVector = 0xf0,
    InterruptCommandLow = 0x300,
    InterruptCommandHigh = 0x310,
    LvtTimer = 0x320,
    TimerInitialCount = 0x380,
    TimerCurrentCount = 0x390,
    TimerDivide = 0x3e0,
}

const SVR_ENABLE: u32 = 1 << 8;
const APIC_BASE_X2APIC: u64 = 1 << 10;
const APIC_BASE_ENABLE: u64 = 1 << 11;
const ICR_INIT: u32 = 5 << 8;
const ICR_STARTUP: u32 = 6 << 8;
const ICR_NMI: u32 = 4 << 8;
const ICR_PENDING: u32 = 1 << 12;
const ICR_ASSERT: u32 = 1 << 14;
const ICR_ALL_BUT_SELF: u32 = 3 << 18;
const LVT_MASKED: u32 = 1 << 16;
const LVT_TSC_DEADLINE: u32 = 2 << 17;
const DIVIDE_BY_1: u32 = 0b1011;

/// Virtual address of the xAPIC registers.
static BASE: AtomicUsize = AtomicUsize::new(0);

fn read(register: Register) -> u32 {
    if cpu::has_x2apic() {
        rdmsr(msr::X2APIC + register as u32 / 16) as u32
    } else {
        // SAFETY: BASE is the mapped register page.
        unsafe { ((BASE.load(Relaxed) + register as usize) as *const u32).read_volatile() }
    }
}

fn write(register: Register, value: u32) {
    // SAFETY: the values written in this file are legal for their registers; BASE is the mapped page.
    unsafe {
        if cpu::has_x2apic() {
            wrmsr(msr::X2APIC + register as u32 / 16, value.into());
        } else {
            ((BASE.load(Relaxed) + register as usize) as *mut u32).write_volatile(value);
        }
    }
}

/// Switches the calling CPU's APIC on.
pub fn init() {
    let base = rdmsr(msr::IA32_APIC_BASE);
    if cpu::has_x2apic() {
        // SAFETY: x2APIC mode is announced by CPUID, and entered from xAPIC mode as the manual asks.
        unsafe {
            wrmsr(
                msr::IA32_APIC_BASE,
                base | APIC_BASE_ENABLE | APIC_BASE_X2APIC,
            )
        };
    } else if BASE.load(Relaxed) == 0 {
        let page = PhysAddr::new(base & 0xf_ffff_ffff_f000);
        let registers = crate::mm::map_mmio(page, 4096).expect("a local APIC outside memory");
        BASE.store(registers as usize, Relaxed);
    }
    write(
        Register::SpuriousVector,
        SVR_ENABLE | VECTOR_SPURIOUS as u32,
    );
    write(Register::TimerDivide, DIVIDE_BY_1);
    let mode = if cpu::has_tsc_deadline() {
        LVT_TSC_DEADLINE
    } else {
        0
    };
    write(Register::LvtTimer, mode | VECTOR_TIMER as u32);
}

/// This CPU's APIC id.
pub fn id() -> u32 {
    let id = read(Register::Id);
    if cpu::has_x2apic() { id } else { id >> 24 }
}

/// Tells the APIC that the interrupt in service is done with.
pub fn end_of_interrupt() {
    write(Register::EndOfInterrupt, 0);
}

fn send(target: u32, command: u32) {
    if cpu::has_x2apic() {
        // SAFETY: an interrupt command built in this file.
        unsafe {
            wrmsr(
                msr::X2APIC + Register::InterruptCommandLow as u32 / 16,
                u64::from(target) << 32 | u64::from(command),
            );
        }
        return;
    }
    let _guard = crate::sync::IrqGuard::new(); // two halves, one command
    write(Register::InterruptCommandHigh, target << 24);
    write(Register::InterruptCommandLow, command);
    while read(Register::InterruptCommandLow) & ICR_PENDING != 0 {
        core::hint::spin_loop();
    }
}

/// Sends `vector` to one CPU.
pub fn send_ipi(apic_id: u32, vector: u64) {
    send(apic_id, ICR_ASSERT | vector as u32);
}

/// Sends an NMI to every other CPU.
pub fn send_nmi_to_others() {
    send(0, ICR_ASSERT | ICR_ALL_BUT_SELF | ICR_NMI);
}

/// Puts a CPU into its wait-for-SIPI state.
pub fn send_init(apic_id: u32) {
    send(apic_id, ICR_ASSERT | ICR_INIT);
}

/// Starts a waiting CPU in real mode at `page`, a physical page below 1 MiB.
pub fn send_startup(apic_id: u32, page: PhysAddr) {
    send(
        apic_id,
        ICR_ASSERT | ICR_STARTUP | (page.get() >> 12) as u32,
    );
}

/// Starts the one-shot count of the timer, or stops it with 0.
pub fn set_timer_count(count: u32) {
    write(Register::TimerInitialCount, count);
}

/// The timer's remaining count.
pub fn timer_count() -> u32 {
    read(Register::TimerCurrentCount)
}

/// Keeps the timer from interrupting while it is measured.
pub fn mask_timer(masked: bool) {
    write(
        Register::LvtTimer,
        VECTOR_TIMER as u32 | if masked { LVT_MASKED } else { 0 },
    );
}
