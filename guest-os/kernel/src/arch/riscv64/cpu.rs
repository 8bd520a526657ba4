//! Control and status registers, and what a hart switches on as it starts (Privileged spec 4.1).

use core::arch::asm;

use super::boot::tree;
use crate::sync::Once;

/// The harts' instruction set, as the device tree names it: `rv64imafdc_zicsr_…`.
static ISA: Once<&str> = Once::new();

/// `sstatus`: interrupts on in S-mode.
pub const SSTATUS_SIE: u64 = 1 << 1;
/// `sstatus`: what SRET makes of SIE.
pub const SSTATUS_SPIE: u64 = 1 << 5;
/// `sstatus`: SRET goes to S-mode.
pub const SSTATUS_SPP: u64 = 1 << 8;
/// `sstatus.FS`: the FPU is on, its registers as after `fpu::FpuState::new`.
pub const SSTATUS_FS_INITIAL: u64 = 1 << 13;
/// `sstatus.FS`: both bits.
pub const SSTATUS_FS: u64 = 3 << 13;
/// `sstatus`: S-mode may reach user pages.
pub const SSTATUS_SUM: u64 = 1 << 18;
/// `sstatus.UXL`: programs have 64-bit registers.
pub const SSTATUS_UXL_64: u64 = 2 << 32;

/// `sie` and `sip`: an interrupt from another hart.
pub const SOFTWARE: u64 = 1 << 1;
/// `sie` and `sip`: the timer.
pub const TIMER: u64 = 1 << 5;
/// `sie` and `sip`: a device, by way of the PLIC.
pub const EXTERNAL: u64 = 1 << 9;

/// Puts this hart's `sstatus` into its first state: the FPU is on, for programs; user pages are out of reach.
pub fn init() {
    // SAFETY: the kernel has no floating-point code, and reaches user pages between `usercopy::open` and `close` only.
    // Programs may read the counters, among them the time.
    unsafe {
        asm!(
            "csrs sstatus, {on}",
            "csrc sstatus, {off}",
            "csrw scounteren, {counters}",
            on = in(reg) SSTATUS_FS_INITIAL,
            off = in(reg) SSTATUS_SUM,
            counters = in(reg) 7usize,
            options(nostack),
        );
    }
}

/// Enables the interrupts of this hart, one by one; SIE has the last word.
pub fn enable_interrupts() {
    // SAFETY: each has a handler.
    unsafe { asm!("csrw sie, {}", in(reg) SOFTWARE | TIMER | EXTERNAL, options(nostack)) };
}

/// What programs are told of the CPU in `AT_HWCAP`: a bit for each single-letter extension, as Linux has it.
pub fn hardware_capabilities() -> u64 {
    let extensions = isa().trim_start_matches("rv64");
    let letters = extensions.bytes().take_while(u8::is_ascii_lowercase);
    letters.fold(0, |set, letter| set | 1 << (letter - b'a'))
}

/// Reads once what the harts can do: every program that starts asks, and the tree is long.
pub fn read_isa() {
    let mut nodes = tree().nodes();
    let hart = nodes.find(|node| node.text("device_type") == Some("cpu"));
    ISA.set(hart.and_then(|node| node.text("riscv,isa")).unwrap_or(""));
}

fn isa() -> &'static str {
    ISA.get().copied().unwrap_or("")
}

/// Whether the harts have an extension with a name of several letters.
pub fn has_extension(name: &str) -> bool {
    isa().split('_').any(|extension| extension == name)
}

/// The `time` register.
pub fn read_time() -> u64 {
    let time;
    // SAFETY: reads only.
    unsafe { asm!("rdtime {}", out(reg) time, options(nomem, nostack)) };
    time
}

/// Waits for an interrupt with interrupts on, and returns with them off. WFI ends when an enabled interrupt is pending,
/// whether or not SIE is set (Privileged spec 3.3.3), so none slips in between check and halt.
pub fn wait_for_interrupt() {
    // SAFETY: called with interrupts off and no spin lock held; handlers may run.
    unsafe {
        asm!(
            "wfi",
            "csrsi sstatus, 2",
            "csrci sstatus, 2",
            options(nostack)
        )
    };
}

/// Turns interrupts off; says whether they were on.
pub fn interrupts_off() -> bool {
    let status: u64;
    // SAFETY: only SIE changes.
    unsafe { asm!("csrrci {}, sstatus, 2", out(reg) status, options(nostack)) };
    status & SSTATUS_SIE != 0
}

/// Turns interrupts on.
pub fn interrupts_on() {
    // SAFETY: `stvec` is in place before anybody turns interrupts on.
    unsafe { asm!("csrsi sstatus, 2", options(nostack)) };
}

/// Lets this hart execute what has been written to memory.
pub fn sync_instructions() {
    // SAFETY: fences have no other effect.
    unsafe { asm!("fence.i", options(nostack, preserves_flags)) };
}

/// Frame pointer of the caller, where a backtrace starts.
#[inline(always)]
pub fn frame_pointer() -> usize {
    let frame: usize;
    // SAFETY: reads only.
    unsafe { asm!("mv {}, s0", out(reg) frame, options(nomem, nostack)) };
    frame
}
