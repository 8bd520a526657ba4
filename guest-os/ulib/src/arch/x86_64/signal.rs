//! The way back from a signal handler: rt_sigreturn(2) with the stack as the kernel left it.

use abi::signal::{SA_RESTORER, Sigaction};
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

/// An action as rt_sigaction(2) takes it.
pub(crate) fn action(handler: u64, flags: u32, mask: u64) -> Sigaction {
    Sigaction {
        handler,
        flags: u64::from(flags | SA_RESTORER),
        restorer: ulib_restorer as *const () as u64,
        mask,
    }
}
