//! What only a test of the kernel wants: system calls with any arguments, accesses to any address,
//! registers watched across a pause.
//!
//! None of it is sound in Rust's sense: aimed at memory in use, these functions corrupt the program.
//! Nor could they be made so, because their whole purpose is to do what a correct program never
//! does and to see the kernel refuse. Only `usertests` may use them, each case in a process of its own.

use abi::Errno;
use abi::signal::{SIGFPE, SIGILL, SIGSEGV};
use core::arch::asm;

/// A system call with arguments as they are.
pub fn syscall(number: u64, args: [u64; 6]) -> Result<u64, Errno> {
    crate::arch::syscall::result(super::raw(number, args))
}

/// Reads the byte at `address`.
pub fn load(address: u64) -> u8 {
    let byte: u8;
    // SAFETY: reads one byte and changes nothing; a bad address ends the process by a signal.
    unsafe {
        asm!("mov {}, [{}]", out(reg_byte) byte, in(reg) address, options(nostack, readonly))
    };
    byte
}

/// Writes a byte to `address`.
pub fn store(address: u64, byte: u8) {
    // SAFETY: not in general; see the head of this file.
    unsafe { asm!("mov [{}], {}", in(reg) address, in(reg_byte) byte, options(nostack)) };
}

/// Calls the code at `address`, a function without arguments.
pub fn call(address: u64) -> u64 {
    let value;
    // SAFETY: not in general; see the head of this file.
    unsafe { asm!("call {}", in(reg) address, out("rax") value, clobber_abi("C")) };
    value
}

/// Machine code of a function that returns 42, for [`call`].
pub const RETURN_42: &[u8] = &[0xb8, 42, 0, 0, 0, 0xc3];

/// Instructions that end a program, and the signal that each brings.
pub const FATAL: &[(u32, fn())] = &[
    (SIGILL, illegal_instruction),
    (SIGSEGV, privileged_instruction),
    (SIGFPE, divide_by_zero),
];

/// Executes an instruction that does not exist.
fn illegal_instruction() {
    // SAFETY: raises #UD and nothing else.
    unsafe { asm!("ud2", options(nomem, nostack)) };
}

/// Executes an instruction that only the kernel may.
fn privileged_instruction() {
    // SAFETY: raises #GP in user mode and nothing else.
    unsafe { asm!("cli", options(nomem, nostack)) };
}

/// Divides by zero, in hardware.
fn divide_by_zero() {
    // SAFETY: raises #DE before any register changes.
    unsafe {
        asm!("div {}", in(reg) 0u64, inout("rax") 1u64 => _, inout("rdx") 0u64 => _, options(nomem, nostack))
    };
}

/// Fills SSE and general registers with values made from `seed`, spins for `rounds`, and tells
/// whether they all survived.
pub fn registers_survive(seed: u64, rounds: u64) -> bool {
    let (mut low, mut high, mut general): (u64, u64, u64);
    // SAFETY: touches only the registers it names.
    unsafe {
        asm!(
            "movq xmm3, {seed}",
            "movq xmm15, {seed}",
            "mov r12, {seed}",
            "2:",
            "dec {rounds}",
            "jnz 2b",
            "movq {low}, xmm3",
            "movq {high}, xmm15",
            "mov {general}, r12",
            seed = in(reg) seed,
            rounds = inout(reg) rounds.max(1) => _,
            low = out(reg) low,
            high = out(reg) high,
            general = out(reg) general,
            out("xmm3") _,
            out("xmm15") _,
            out("r12") _,
            options(nomem, nostack),
        );
    }
    low == seed && high == seed && general == seed
}

/// vfork(2), whose child exits with `code` at once: the child's id, or a negated error. Child and
/// parent share the stack, so the child must not return from here.
pub fn vfork_exit(code: i32) -> i64 {
    let answer;
    // SAFETY: the child touches no memory between the two system calls, and ends with the second.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov eax, {exit}",
            "mov edi, r8d",
            "syscall",
            "2:",
            exit = const abi::nr::EXIT_GROUP,
            inlateout("rax") abi::nr::VFORK => answer,
            in("r8") i64::from(code),
            lateout("rdi") _,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer
}

/// clone(2) of a child that shares our memory and does nothing but read the byte at `address`, for
/// ever: the child's id, or a negated error.
pub fn clone_reader(address: u64) -> i64 {
    let answer;
    // SAFETY: the child never leaves its loop, which neither writes nor uses the stack.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "3:",
            "mov al, [r9]",
            "jmp 3b",
            "2:",
            inlateout("rax") abi::nr::CLONE => answer,
            in("rdi") abi::clone::CLONE_VM | u64::from(abi::signal::SIGCHLD),
            in("rsi") 0,
            in("rdx") 0,
            in("r10") 0,
            in("r8") 0,
            in("r9") address,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer
}

/// The current stack pointer.
pub fn stack_pointer() -> u64 {
    let sp;
    // SAFETY: only reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack)) };
    sp
}
