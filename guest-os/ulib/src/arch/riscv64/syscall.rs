//! The system-call instruction (Linux, arch/riscv: the number in a7, arguments from a0 on).

use core::arch::asm;

/// Makes a system call with arguments as they are, and gives the kernel's answer.
#[inline(always)]
pub(in crate::arch) fn raw(number: u64, args: [u64; 6]) -> u64 {
    let answer;
    // SAFETY: the instruction itself clobbers only a0. What the kernel does to memory is bounded by the arguments, which
    // `syscall` takes as borrowed slices; `wild` says why it may pass anything.
    unsafe {
        asm!(
            "ecall",
            in("a7") number,
            inlateout("a0") args[0] => answer,
            in("a1") args[1],
            in("a2") args[2],
            in("a3") args[3],
            in("a4") args[4],
            in("a5") args[5],
            options(nostack),
        );
    }
    answer
}
