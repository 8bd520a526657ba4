//! Where the kernel enters a program: the stack pointer is at argc, 16-byte aligned
//! (System V ABI AMD64 supplement, 3.4.1).

use core::arch::global_asm;

use crate::arch::vectors::entry;

global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {entry}",
    "ud2",
    entry = sym entry,
);
