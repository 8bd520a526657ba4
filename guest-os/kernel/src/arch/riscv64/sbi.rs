//! Calls to whoever has M-mode: firmware, or `machine` (RISC-V SBI specification 2.0).
//!
//! ```text
//! in   a7 extension, a6 function, a0 … a2 arguments         out   a0 error, a1 value
//! ```

use core::arch::asm;

/// Extension: timers.
pub const TIME: usize = 0x5449_4d45;
/// Extension: interrupts between harts.
pub const IPI: usize = 0x0073_5049;
/// Extension: hart state management.
pub const HSM: usize = 0x0048_534d;
/// Extension: system reset.
const SRST: usize = 0x5352_5354;

/// Makes call number 0, which is all that is needed, of an extension; the error it gives, 0 for none.
fn call(extension: usize, arguments: [usize; 3]) -> isize {
    let error;
    // SAFETY: firmware keeps all registers but a0 and a1. What the calls do to other harts and the machine is what
    // their callers here answer for.
    unsafe {
        asm!(
            "ecall",
            inlateout("a0") arguments[0] => error,
            inlateout("a1") arguments[1] => _,
            in("a2") arguments[2],
            in("a6") 0,
            in("a7") extension,
            options(nostack),
        );
    }
    error
}

/// Has the timer of this hart interrupt when the `time` register reaches `time`; the last wish counts.
pub fn set_timer(time: u64) {
    call(TIME, [time as usize, 0, 0]);
}

/// Interrupts another hart.
pub fn send_ipi(hart: usize) {
    call(IPI, [1, hart, 0]);
}

/// Starts a hart in S-mode at a physical address, with paging off, its number in a0 and `value` in a1. False if that
/// cannot be.
///
/// # Safety
/// The code there must be able to run on that hart.
pub unsafe fn hart_start(hart: usize, at: usize, value: usize) -> bool {
    call(HSM, [hart, at, value]) == 0
}

/// Kinds of `system_reset`.
#[derive(Clone, Copy)]
pub enum Reset {
    /// Switch off.
    Shutdown = 0,
    /// Start again.
    ColdReboot = 1,
}

/// Ends the machine, unless nobody can.
pub fn system_reset(kind: Reset) {
    call(SRST, [kind as usize, 0, 0]);
}
