//! The way back from a signal handler: rt_sigreturn(2) with the stack as the kernel left it.

use core::arch::global_asm;

global_asm!(
    ".globl ulib_restorer",
    "ulib_restorer:",
    "mov eax, {rt_sigreturn}",
    "syscall",
    rt_sigreturn = const abi::nr::RT_SIGRETURN,
);

unsafe extern "C" {
    safe fn ulib_restorer();
}

/// Address for `sa_restorer`.
pub fn restorer() -> u64 {
    ulib_restorer as *const () as u64
}
