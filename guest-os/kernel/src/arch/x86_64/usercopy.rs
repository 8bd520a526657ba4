//! The only instructions of the kernel that touch user memory.
//!
//! Each may fault. A fault that demand paging cannot resolve finds the instruction in the exception table
//! (`.ex_table`: pairs of faulting address and landing place), and the copy returns an error instead of
//! harming the kernel. Callers must pass addresses below `USER_TOP` (checked in `mm::user`) and must
//! not hold a spin lock, because resolving a fault may sleep.

use core::arch::{asm, naked_asm};

use super::cpu;

/// Copies `len` bytes between kernel and user memory, either way round. Returns 0, or 1 after a fault.
///
/// # Safety
/// The kernel side must be valid for `len` bytes; the user side must lie below `USER_TOP`.
#[unsafe(naked)]
unsafe extern "C" fn copy_bytes(to: usize, from: usize, len: usize) -> usize {
    naked_asm!(
        "mov eax, 1",
        "mov rcx, rdx",
        "shr rcx, 3",
        "2: rep movsq",
        "mov ecx, edx",
        "and ecx, 7",
        "3: rep movsb",
        "xor eax, eax",
        "4: ret",
        ".pushsection .ex_table, \"a\"",
        ".quad 2b, 4b",
        ".quad 3b, 4b",
        ".popsection",
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

/// Allows access to user pages (SMAP, SDM vol. 3, 4.6.1).
fn open() {
    if cpu::has_smap() {
        // SAFETY: only sets AC; `close` follows.
        unsafe { asm!("stac", options(nomem, nostack)) };
    }
}

/// Forbids it again.
pub fn close() {
    if cpu::has_smap() {
        // SAFETY: only clears AC.
        unsafe { asm!("clac", options(nomem, nostack)) };
    }
}
