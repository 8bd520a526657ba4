//! The way into a test and out of it, in assembly; [`Block`] is what it shares with the rest.

use crate::state::Registers;
use std::arch::naked_asm;
use std::mem::offset_of;

/// What the assembly and the signal handler share.
#[repr(C)]
pub struct Block {
    pub regs: Registers,
    /// Where the way in jumps.
    pub entry: u64,
    /// Where it goes on with 32-bit code: offset, then selector.
    pub far: [u32; 2],
    /// The harness's own stack pointer and MXCSR while the test runs.
    pub rsp: u64,
    pub mxcsr: u64,
    /// Whether the branch target was reached.
    pub taken: u64,
    /// Vector + 1 of the exception, 0 if there was none; its error code, address and RIP.
    pub vector: u64,
    pub error: u64,
    pub address: u64,
    pub rip: u64,
    /// Whether a test is running, so that a signal is the test's.
    pub running: u64,
}

const EMPTY: Registers = Registers {
    gpr: [0; 16],
    flags: 0,
    mxcsr: 0,
    xmm: [[0; 2]; 16],
};

pub static mut BLOCK: Block = Block {
    regs: EMPTY,
    entry: 0,
    far: [0; 2],
    rsp: 0,
    mxcsr: 0,
    taken: 0,
    vector: 0,
    error: 0,
    address: 0,
    rip: 0,
    running: 0,
};

/// The way in. Returns when the test is over.
///
/// # Safety
/// `BLOCK` holds the test, whose code ends in one of the ways out and whose faults the signal handler takes.
#[unsafe(naked)]
pub unsafe extern "C" fn enter() {
    naked_asm!(
        "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
        "stmxcsr [rip + {b} + {own_mxcsr}]",
        "mov [rip + {b} + {own_rsp}], rsp",
        "fninit",
        "movups xmm0, [rip + {b} + {xmm} + 0]",
        "movups xmm1, [rip + {b} + {xmm} + 16]",
        "movups xmm2, [rip + {b} + {xmm} + 32]",
        "movups xmm3, [rip + {b} + {xmm} + 48]",
        "movups xmm4, [rip + {b} + {xmm} + 64]",
        "movups xmm5, [rip + {b} + {xmm} + 80]",
        "movups xmm6, [rip + {b} + {xmm} + 96]",
        "movups xmm7, [rip + {b} + {xmm} + 112]",
        "movups xmm8, [rip + {b} + {xmm} + 128]",
        "movups xmm9, [rip + {b} + {xmm} + 144]",
        "movups xmm10, [rip + {b} + {xmm} + 160]",
        "movups xmm11, [rip + {b} + {xmm} + 176]",
        "movups xmm12, [rip + {b} + {xmm} + 192]",
        "movups xmm13, [rip + {b} + {xmm} + 208]",
        "movups xmm14, [rip + {b} + {xmm} + 224]",
        "movups xmm15, [rip + {b} + {xmm} + 240]",
        "ldmxcsr [rip + {b} + {mxcsr}]",
        "push qword ptr [rip + {b} + {flags}]",
        "popfq",
        "mov rax, [rip + {b} + 0]",
        "mov rcx, [rip + {b} + 8]",
        "mov rdx, [rip + {b} + 16]",
        "mov rbx, [rip + {b} + 24]",
        "mov rsp, [rip + {b} + 32]",
        "mov rbp, [rip + {b} + 40]",
        "mov rsi, [rip + {b} + 48]",
        "mov rdi, [rip + {b} + 56]",
        "mov r8, [rip + {b} + 64]",
        "mov r9, [rip + {b} + 72]",
        "mov r10, [rip + {b} + 80]",
        "mov r11, [rip + {b} + 88]",
        "mov r12, [rip + {b} + 96]",
        "mov r13, [rip + {b} + 104]",
        "mov r14, [rip + {b} + 112]",
        "mov r15, [rip + {b} + 120]",
        "jmp qword ptr [rip + {b} + {entry}]",
        b = sym BLOCK,
        xmm = const offset_of!(Block, regs) + offset_of!(Registers, xmm),
        flags = const offset_of!(Block, regs) + offset_of!(Registers, flags),
        mxcsr = const offset_of!(Block, regs) + offset_of!(Registers, mxcsr),
        own_mxcsr = const offset_of!(Block, mxcsr),
        own_rsp = const offset_of!(Block, rsp),
        entry = const offset_of!(Block, entry),
    )
}

/// The second half of the way in to 32-bit code: a far jump, which moves CS.
///
/// # Safety
/// Only [`enter`] goes here.
#[unsafe(naked)]
pub unsafe extern "C" fn enter_short() {
    naked_asm!(
        "ljmpl *{b} + {far}(%rip)",
        b = sym BLOCK,
        far = const offset_of!(Block, far),
        options(att_syntax)
    )
}

/// The way out at the branch target.
///
/// # Safety
/// Only a test's code that [`enter`] started goes here.
#[unsafe(naked)]
pub unsafe extern "C" fn leave_taken() {
    naked_asm!(
        "mov qword ptr [rip + {b} + {taken}], 1",
        "jmp {leave}",
        b = sym BLOCK,
        taken = const offset_of!(Block, taken),
        leave = sym leave,
    )
}

/// The way out behind the instruction.
///
/// # Safety
/// Only a test's code that [`enter`] started goes here.
#[unsafe(naked)]
pub unsafe extern "C" fn leave() {
    naked_asm!(
        "mov [rip + {b} + 0], rax",
        "mov [rip + {b} + 8], rcx",
        "mov [rip + {b} + 16], rdx",
        "mov [rip + {b} + 24], rbx",
        "mov [rip + {b} + 32], rsp",
        "mov [rip + {b} + 40], rbp",
        "mov [rip + {b} + 48], rsi",
        "mov [rip + {b} + 56], rdi",
        "mov [rip + {b} + 64], r8",
        "mov [rip + {b} + 72], r9",
        "mov [rip + {b} + 80], r10",
        "mov [rip + {b} + 88], r11",
        "mov [rip + {b} + 96], r12",
        "mov [rip + {b} + 104], r13",
        "mov [rip + {b} + 112], r14",
        "mov [rip + {b} + 120], r15",
        "mov rsp, [rip + {b} + {own_rsp}]",
        "pushfq",
        "pop qword ptr [rip + {b} + {flags}]",
        "movups [rip + {b} + {xmm} + 0], xmm0",
        "movups [rip + {b} + {xmm} + 16], xmm1",
        "movups [rip + {b} + {xmm} + 32], xmm2",
        "movups [rip + {b} + {xmm} + 48], xmm3",
        "movups [rip + {b} + {xmm} + 64], xmm4",
        "movups [rip + {b} + {xmm} + 80], xmm5",
        "movups [rip + {b} + {xmm} + 96], xmm6",
        "movups [rip + {b} + {xmm} + 112], xmm7",
        "movups [rip + {b} + {xmm} + 128], xmm8",
        "movups [rip + {b} + {xmm} + 144], xmm9",
        "movups [rip + {b} + {xmm} + 160], xmm10",
        "movups [rip + {b} + {xmm} + 176], xmm11",
        "movups [rip + {b} + {xmm} + 192], xmm12",
        "movups [rip + {b} + {xmm} + 208], xmm13",
        "movups [rip + {b} + {xmm} + 224], xmm14",
        "movups [rip + {b} + {xmm} + 240], xmm15",
        "stmxcsr [rip + {b} + {mxcsr}]",
        "jmp {back}",
        b = sym BLOCK,
        xmm = const offset_of!(Block, regs) + offset_of!(Registers, xmm),
        flags = const offset_of!(Block, regs) + offset_of!(Registers, flags),
        mxcsr = const offset_of!(Block, regs) + offset_of!(Registers, mxcsr),
        own_rsp = const offset_of!(Block, rsp),
        back = sym back,
    )
}

/// The end of the way out: the harness's own registers, and back to the caller of `enter`.
///
/// # Safety
/// Only the ways out, and the signal handler while a test runs, go here.
#[unsafe(naked)]
pub unsafe extern "C" fn back() {
    naked_asm!(
        "mov rsp, [rip + {b} + {own_rsp}]",
        "cld",
        "fninit",
        "ldmxcsr [rip + {b} + {own_mxcsr}]",
        "pop r15", "pop r14", "pop r13", "pop r12", "pop rbp", "pop rbx",
        "ret",
        b = sym BLOCK,
        own_mxcsr = const offset_of!(Block, mxcsr),
        own_rsp = const offset_of!(Block, rsp),
    )
}
