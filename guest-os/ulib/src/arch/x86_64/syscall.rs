//! The system-call instruction (System V ABI AMD64 supplement, A.2.1).

use core::arch::asm;

/// Makes a system call with arguments as they are, and gives the kernel's answer.
#[inline(always)]
pub(in crate::arch) fn raw(number: u64, args: [u64; 6]) -> u64 {
    let answer;
    // SAFETY: the instruction itself clobbers only rax, rcx and r11. What the kernel does to memory
    // is bounded by the arguments, which `syscall` takes as borrowed slices; `wild` says why it may
    // pass anything.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => answer,
            in("rdi") args[0],
            in("rsi") args[1],
            in("rdx") args[2],
            in("r10") args[3],
            in("r8") args[4],
            in("r9") args[5],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer
}
