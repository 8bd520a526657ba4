//! The SYSCALL instruction: entry, exit, and the MSRs that aim it (SDM vol. 2, SYSCALL).
//!
//! SYSCALL saves RIP in RCX and RFLAGS in R11, loads CS and SS from STAR, clears the flags in FMASK, and
//! leaves RSP alone. So the first instructions run on the user's stack pointer, with interrupts off.
//! The entry builds the same `TrapFrame` an interrupt does. A frame that still says `SYSCALL` returns by
//! SYSRET, which takes RIP and RFLAGS back from RCX and R11; signal frames and fresh programs return by
//! IRET. SYSRET to a non-canonical address faults in the kernel: `trap::before_user` has checked it.

use core::arch::global_asm;

use super::cpu::{self, msr, wrmsr};
use super::gdt::{KERNEL_CS, USER_BASE, USER_CS, USER_SS};
use super::percpu;
use super::trap::{SYSCALL, TrapFrame};

global_asm!(
    r#"
.text
.balign 16
.type syscall_entry, @function
.globl syscall_entry
syscall_entry:
    swapgs
    mov gs:[{user_stack}], rsp
    mov rsp, gs:[{kernel_stack}]
    push {user_ss}
    push qword ptr gs:[{user_stack}]
    push r11
    push {user_cs}
    push rcx
    push rax                        # the "error code": the number, for a restart
    push {syscall}
    push rax
    push rbx
    push rcx
    push rdx
    push rsi
    push rdi
    push rbp
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    mov rdi, rsp
    xor ebp, ebp
    call syscall_dispatch
    cmp qword ptr [rsp + 15 * 8], {syscall}
    jne trap_return
    pop r15
    pop r14
    pop r13
    pop r12
    add rsp, 8                      # R11 comes from the saved flags
    pop r10
    pop r9
    pop r8
    pop rbp
    pop rdi
    pop rsi
    pop rdx
    add rsp, 8                      # RCX comes from the saved RIP
    pop rbx
    pop rax
    mov rcx, [rsp + 16]
    mov r11, [rsp + 32]
    mov rsp, [rsp + 40]
    swapgs
    sysretq
"#,
    user_stack = const percpu::USER_STACK,
    kernel_stack = const percpu::KERNEL_STACK,
    user_ss = const USER_SS,
    user_cs = const USER_CS,
    syscall = const SYSCALL,
);

unsafe extern "C" {
    fn syscall_entry();
}

/// Flags that must not follow the user into the kernel: TF, IF, DF, IOPL, NT, AC.
const FMASK: u64 = 1 << 8 | 1 << 9 | 1 << 10 | 3 << 12 | 1 << 14 | 1 << 18;

/// Aims SYSCALL of the calling CPU.
pub fn init() {
    // SAFETY: the selectors are those of `gdt`, the entry is above.
    unsafe {
        wrmsr(
            msr::IA32_STAR,
            u64::from(USER_BASE) << 48 | u64::from(KERNEL_CS) << 32,
        );
        wrmsr(msr::IA32_LSTAR, syscall_entry as *const () as u64);
        wrmsr(msr::IA32_FMASK, FMASK);
    }
}

#[unsafe(no_mangle)]
extern "C" fn syscall_dispatch(frame: &mut TrapFrame) {
    cpu::interrupts_on();
    crate::syscall::dispatch(frame);
    crate::arch::trap_common::before_user(frame);
}
