//! The routines that compilers call by name. String instructions do the work: short in code, and
//! one iteration moves eight bytes.

use core::arch::asm;

/// Copies `n` bytes between areas that do not overlap.
///
/// # Safety
/// As for C's memcpy.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(dest: *mut u8, src: *const u8, n: usize) -> *mut u8 {
    // SAFETY: the caller vouches for both areas; the direction flag is clear by the ABI.
    unsafe {
        asm!(
            "rep movsq",
            "mov ecx, {tail:e}",
            "rep movsb",
            tail = in(reg) n & 7,
            inout("rcx") n >> 3 => _,
            inout("rdi") dest => _,
            inout("rsi") src => _,
            options(nostack, preserves_flags),
        );
    }
    dest
}

/// Copies `n` bytes between areas that may overlap.
///
/// # Safety
/// As for C's memmove.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(dest: *mut u8, src: *const u8, n: usize) -> *mut u8 {
    if (dest as usize).wrapping_sub(src as usize) >= n {
        // SAFETY: copying upwards never reads what it has written.
        return unsafe { memcpy(dest, src, n) };
    }
    // SAFETY: as above, downwards from the last byte; the direction flag is restored.
    unsafe {
        asm!(
            "std",
            "rep movsb",
            "lea rdi, [rdi - 7]",
            "lea rsi, [rsi - 7]",
            "mov rcx, {words}",
            "rep movsq",
            "cld",
            words = in(reg) n >> 3,
            inout("rcx") n & 7 => _,
            inout("rdi") dest.wrapping_add(n).wrapping_sub(1) => _,
            inout("rsi") src.wrapping_add(n).wrapping_sub(1) => _,
            options(nostack),
        );
    }
    dest
}

/// Fills `n` bytes.
///
/// # Safety
/// As for C's memset.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(dest: *mut u8, byte: i32, n: usize) -> *mut u8 {
    let pattern = u64::from(byte as u8) * 0x0101_0101_0101_0101;
    // SAFETY: the caller vouches for the area; the direction flag is clear by the ABI.
    unsafe {
        asm!(
            "rep stosq",
            "mov ecx, {tail:e}",
            "rep stosb",
            tail = in(reg) n & 7,
            inout("rcx") n >> 3 => _,
            inout("rdi") dest => _,
            in("rax") pattern,
            options(nostack, preserves_flags),
        );
    }
    dest
}

/// Compares `n` bytes as unsigned numbers.
///
/// # Safety
/// As for C's memcmp.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    let mut i = 0;
    // SAFETY: every offset read is below `n`, as the caller allows.
    unsafe {
        while n - i >= 8
            && a.add(i).cast::<u64>().read_unaligned() == b.add(i).cast::<u64>().read_unaligned()
        {
            i += 8;
        }
        while i < n {
            let (x, y) = (*a.add(i), *b.add(i));
            if x != y {
                return i32::from(x) - i32::from(y);
            }
            i += 1;
        }
    }
    0
}

/// Compares `n` bytes for equality.
///
/// # Safety
/// As for memcmp.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: the same contract.
    unsafe { memcmp(a, b, n) }
}

/// Length of a NUL-terminated string.
///
/// # Safety
/// As for C's strlen.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(string: *const u8) -> usize {
    let mut n = 0;
    // SAFETY: the loop stops at the NUL that the caller promises.
    while unsafe { *string.add(n) } != 0 {
        n += 1;
    }
    n
}
