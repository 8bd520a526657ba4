//! Exceptions of a test, which the kernel turns into signals.

use super::gate::{BLOCK, back};
use crate::layout::CS_64;

/// The kernel's register numbers in the encoding's order.
const GREGS: [i32; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

/// Takes an exception of the running test; any other signal gets its default action back and happens again.
pub extern "C" fn on_signal(signal: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid context; BLOCK is touched by no one else while a test runs (see `Host`).
    unsafe {
        let block = &raw mut BLOCK;
        if (*block).running == 0 {
            libc::signal(signal, libc::SIG_DFL);
            return;
        }
        let machine = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext;
        for (value, index) in (*block).regs.gpr.iter_mut().zip(GREGS) {
            *value = machine.gregs[index as usize] as u64;
        }
        (*block).regs.flags = machine.gregs[libc::REG_EFL as usize] as u64;
        let float = &*machine.fpregs;
        (*block).regs.mxcsr = u64::from(float.mxcsr);
        for (value, saved) in (*block).regs.xmm.iter_mut().zip(&float._xmm) {
            let e = saved.element.map(u64::from);
            *value = [e[0] | e[1] << 32, e[2] | e[3] << 32];
        }
        (*block).vector = machine.gregs[libc::REG_TRAPNO as usize] as u64 + 1;
        (*block).error = machine.gregs[libc::REG_ERR as usize] as u64;
        (*block).address = machine.gregs[libc::REG_CR2 as usize] as u64;
        (*block).rip = machine.gregs[libc::REG_RIP as usize] as u64;
        machine.gregs[libc::REG_RIP as usize] = back as *const () as i64;
        machine.gregs[libc::REG_EFL as usize] = 0x202;
        // The test may have been in 32-bit code; the way out is not.
        let selectors = &mut machine.gregs[libc::REG_CSGSFS as usize];
        *selectors = *selectors & !0xffff | i64::from(CS_64);
    }
}
