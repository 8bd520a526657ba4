//! Where the kernel enters a program: the stack pointer is at argc, 16-byte aligned
//! (RISC-V ABIs, "Integer Calling Convention").

use core::arch::global_asm;

use crate::arch::vectors::entry;

global_asm!(
    ".globl _start",
    "_start:",
    "mv s0, zero",
    "mv a0, sp",
    "andi sp, sp, -16",
    "call {entry}",
    "unimp",
    entry = sym entry,
);
