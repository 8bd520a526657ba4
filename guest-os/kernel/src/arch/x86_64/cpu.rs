//! Control registers, MSRs, CPUID, and the features a CPU switches on as it starts.

use core::arch::asm;
use core::arch::x86_64::__cpuid_count;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Model-specific registers by their manual names (SDM vol. 4).
pub mod msr {
    /// Base and mode of the local APIC.
    pub const IA32_APIC_BASE: u32 = 0x1b;
    /// Deadline of the local APIC timer, in TSC ticks.
    pub const IA32_TSC_DEADLINE: u32 = 0x6e0;
    /// First x2APIC register; register at xAPIC offset `o` is `X2APIC + o / 16`.
    pub const X2APIC: u32 = 0x800;
    /// Extended features: SCE, LME, NXE.
    pub const IA32_EFER: u32 = 0xc000_0080;
    /// Segment selectors of SYSCALL and SYSRET.
    pub const IA32_STAR: u32 = 0xc000_0081;
    /// Entry point of SYSCALL.
    pub const IA32_LSTAR: u32 = 0xc000_0082;
    /// Flags that SYSCALL clears.
    pub const IA32_FMASK: u32 = 0xc000_0084;
    /// FS base: the user's thread pointer.
    pub const IA32_FS_BASE: u32 = 0xc000_0100;
    /// GS base in force.
    pub const IA32_GS_BASE: u32 = 0xc000_0101;
    /// GS base that SWAPGS exchanges.
    pub const IA32_KERNEL_GS_BASE: u32 = 0xc000_0102;
}

const EFER_SCE: u64 = 1 << 0;
const EFER_NXE: u64 = 1 << 11;
const CR0_MP: u64 = 1 << 1;
const CR0_EM: u64 = 1 << 2;
const CR0_TS: u64 = 1 << 3;
const CR0_NE: u64 = 1 << 5;
const CR0_WP: u64 = 1 << 16;
const CR4_PGE: u64 = 1 << 7;
const CR4_OSFXSR: u64 = 1 << 9;
const CR4_OSXMMEXCPT: u64 = 1 << 10;
const CR4_SMEP: u64 = 1 << 20;
const CR4_SMAP: u64 = 1 << 21;

/// Whether pages may be marked not executable.
static NX: AtomicBool = AtomicBool::new(false);
/// Whether the kernel must say STAC before it touches user memory.
static SMAP: AtomicBool = AtomicBool::new(false);
/// Whether CPUs have a local APIC in x2APIC mode.
static X2APIC: AtomicBool = AtomicBool::new(false);
/// Whether the local APIC timer takes TSC deadlines.
static TSC_DEADLINE: AtomicBool = AtomicBool::new(false);

/// Reads an MSR.
pub fn rdmsr(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reading an MSR that exists changes nothing; one that does not exist faults into a panic.
    unsafe {
        asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high, options(nomem, nostack))
    };
    u64::from(high) << 32 | u64::from(low)
}

/// Writes an MSR.
///
/// # Safety
/// The value must keep the CPU in a state the rest of the kernel relies on.
pub unsafe fn wrmsr(register: u32, value: u64) {
    // SAFETY: promised by the caller.
    unsafe {
        asm!("wrmsr", in("ecx") register, in("eax") value as u32, in("edx") (value >> 32) as u32, options(nostack))
    };
}

/// One leaf of CPUID as (EAX, EBX, ECX, EDX); zeros beyond the highest leaf of its range.
pub fn cpuid(leaf: u32) -> (u32, u32, u32, u32) {
    let highest = __cpuid_count(leaf & 0x8000_0000, 0).eax;
    if leaf > highest {
        return (0, 0, 0, 0);
    }
    let r = __cpuid_count(leaf, 0);
    (r.eax, r.ebx, r.ecx, r.edx)
}

/// What programs are told of the CPU in `AT_HWCAP`: CPUID leaf 1, EDX.
pub fn hardware_capabilities() -> u64 {
    cpuid(1).3.into()
}

/// The time-stamp counter.
pub fn rdtsc() -> u64 {
    // SAFETY: RDTSC has no effect but its result.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Switches this CPU's features on, each only if CPUID has it. Every CPU calls it before it uses the
/// kernel's page tables, which contain NX and global bits.
pub fn init() {
    let (_, _, ecx1, edx1) = cpuid(1);
    let (_, ebx7, _, _) = cpuid(7);
    let (_, _, _, edx_ext) = cpuid(0x8000_0001);

    let mut efer = rdmsr(msr::IA32_EFER) | EFER_SCE;
    if edx_ext & 1 << 20 != 0 {
        efer |= EFER_NXE;
        NX.store(true, Relaxed);
    }
    X2APIC.store(ecx1 & 1 << 21 != 0, Relaxed);
    TSC_DEADLINE.store(ecx1 & 1 << 24 != 0, Relaxed);

    let mut cr0: u64;
    let mut cr4: u64;
    // SAFETY: reads only.
    unsafe {
        asm!("mov {}, cr0", "mov {}, cr4", out(reg) cr0, out(reg) cr4, options(nomem, nostack))
    };
    cr0 = (cr0 | CR0_WP | CR0_NE | CR0_MP) & !(CR0_EM | CR0_TS);
    cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    if edx1 & 1 << 13 != 0 {
        cr4 |= CR4_PGE;
    }
    if ebx7 & 1 << 7 != 0 {
        cr4 |= CR4_SMEP;
    }
    if ebx7 & 1 << 20 != 0 {
        cr4 |= CR4_SMAP;
        SMAP.store(true, Relaxed);
    }
    // SAFETY: each bit is announced by CPUID (SSE2 is part of x86-64), and the kernel is written for them:
    // it never runs user pages, and touches them only between STAC and CLAC.
    unsafe {
        wrmsr(msr::IA32_EFER, efer);
        asm!("mov cr0, {}", "mov cr4, {}", in(reg) cr0, in(reg) cr4, options(nostack));
    }
}

/// Whether pages may be marked not executable.
pub fn has_nx() -> bool {
    NX.load(Relaxed)
}

/// Whether supervisor-mode access prevention is on.
pub fn has_smap() -> bool {
    SMAP.load(Relaxed)
}

/// Whether the local APIC has its x2APIC mode.
pub fn has_x2apic() -> bool {
    X2APIC.load(Relaxed)
}

/// Whether the local APIC timer takes TSC deadlines.
pub fn has_tsc_deadline() -> bool {
    TSC_DEADLINE.load(Relaxed)
}

/// Waits for an interrupt with interrupts on, and returns with them off. `STI` takes effect after the
/// following instruction, so no interrupt slips in between check and halt (SDM vol. 2, STI).
pub fn wait_for_interrupt() {
    // SAFETY: called with interrupts off and no spin lock held; handlers may run.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// Turns interrupts off; says whether they were on.
pub fn interrupts_off() -> bool {
    let flags: u64;
    // SAFETY: only the interrupt flag changes.
    unsafe { asm!("pushfq", "pop {}", "cli", out(reg) flags) };
    flags & 1 << 9 != 0
}

/// Turns interrupts on.
pub fn interrupts_on() {
    // SAFETY: the IDT is in place before anybody turns interrupts on.
    unsafe { asm!("sti", options(nostack)) };
}

/// The faulting address of the last page fault.
pub fn read_cr2() -> usize {
    let address: usize;
    // SAFETY: reads only.
    unsafe { asm!("mov {}, cr2", out(reg) address, options(nomem, nostack)) };
    address
}

/// Lets this CPU execute what has been written to memory: it does so by itself (SDM vol. 3, 12.6).
pub fn sync_instructions() {}

/// Frame pointer of the caller, where a backtrace starts.
#[inline(always)]
pub fn frame_pointer() -> usize {
    let frame: usize;
    // SAFETY: reads only.
    unsafe { asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack)) };
    frame
}

/// Sets the user's thread pointer (FS base).
pub fn set_thread_pointer(address: usize) {
    // SAFETY: the kernel does not use FS; `address` is checked to be a user address by arch_prctl.
    unsafe { wrmsr(msr::IA32_FS_BASE, address as u64) };
}
