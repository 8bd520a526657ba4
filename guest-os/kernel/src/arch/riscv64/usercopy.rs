//! The only instructions of the kernel that touch user memory.
//!
//! Each may fault. A fault that demand paging cannot resolve finds the instruction in the exception table
//! (`.ex_table`: pairs of faulting address and landing place), and the copy returns an error instead of
//! harming the kernel. Callers must pass addresses below `USER_TOP` (checked in `mm::user`) and must
//! not hold a spin lock, because resolving a fault may sleep.

use core::arch::{asm, naked_asm};

use super::cpu::SSTATUS_SUM;

/// Copies `len` bytes between kernel and user memory, either way round. Returns 0, or 1 after a fault. Words are copied
/// where both sides can be aligned, 64 bytes at a time while there are as many.
///
/// # Safety
/// The kernel side must be valid for `len` bytes; the user side must lie below `USER_TOP`.
#[unsafe(naked)]
unsafe extern "C" fn copy_bytes(to: usize, from: usize, len: usize) -> usize {
    naked_asm!(
        // An instruction that may fault.
        ".macro try code:vararg",
        "99: \\code",
        ".pushsection .ex_table, \"a\"",
        ".quad 99b, 9f",
        ".popsection",
        ".endm",
        "xor t0, a0, a1",
        "andi t0, t0, 7",
        "bnez t0, 4f",
        "1: andi t0, a0, 7", // bytes up to a word's border
        "beqz t0, 2f",
        "beqz a2, 5f",
        "try lb t1, 0(a1)",
        "try sb t1, 0(a0)",
        "addi a0, a0, 1",
        "addi a1, a1, 1",
        "addi a2, a2, -1",
        "j 1b",
        "2: li t0, 64",
        "bltu a2, t0, 3f",
        ".irp n, 0, 8, 16, 24, 32, 40, 48, 56",
        "try ld t1, \\n(a1)",
        "try sd t1, \\n(a0)",
        ".endr",
        "addi a0, a0, 64",
        "addi a1, a1, 64",
        "addi a2, a2, -64",
        "j 2b",
        "3: li t0, 8",
        "bltu a2, t0, 4f",
        "try ld t1, 0(a1)",
        "try sd t1, 0(a0)",
        "addi a0, a0, 8",
        "addi a1, a1, 8",
        "addi a2, a2, -8",
        "j 3b",
        "4: beqz a2, 5f", // the bytes that are left
        "try lb t1, 0(a1)",
        "try sb t1, 0(a0)",
        "addi a0, a0, 1",
        "addi a1, a1, 1",
        "addi a2, a2, -1",
        "j 4b",
        "5: li a0, 0",
        "ret",
        "9: li a0, 1",
        "ret",
        ".purgem try",
    )
}

/// Copies `len` bytes, one side of which is user memory; false after a fault.
///
/// # Safety
/// The kernel side must be valid for `len` bytes; the user side must lie below `USER_TOP`.
pub unsafe fn copy(to: usize, from: usize, len: usize) -> bool {
    open();
    // SAFETY: promised by the caller; faults on the user side are fixed up.
    let failed = unsafe { copy_bytes(to, from, len) };
    close();
    failed == 0
}

/// Allows access to user pages (SUM, Privileged spec 4.1.1.2).
fn open() {
    // SAFETY: only sets SUM; `close` follows.
    unsafe { asm!("csrs sstatus, {}", in(reg) SSTATUS_SUM, options(nomem, nostack)) };
}

/// Forbids it again.
pub fn close() {
    // SAFETY: only clears SUM.
    unsafe { asm!("csrc sstatus, {}", in(reg) SSTATUS_SUM, options(nomem, nostack)) };
}
