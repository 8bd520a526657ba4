//! What only a test of the kernel wants: system calls with any arguments, accesses to any address,
//! registers watched across a pause.
//!
//! None of it is sound in Rust's sense: aimed at memory in use, these functions corrupt the program.
//! Nor could they be made so, because their whole purpose is to do what a correct program never
//! does and to see the kernel refuse. Only `usertests` may use them, each case in a process of its own.

use abi::Errno;
use abi::clone::{CLONE_VFORK, CLONE_VM};
use abi::signal::{SIGCHLD, SIGILL, SIGTRAP};
use core::arch::asm;

/// A system call with arguments as they are.
pub fn syscall(number: u64, args: [u64; 6]) -> Result<u64, Errno> {
    crate::arch::syscall::result(super::raw(number, args))
}

/// Reads the byte at `address`.
pub fn load(address: u64) -> u8 {
    let byte: u64;
    // SAFETY: reads one byte and changes nothing; a bad address ends the process by a signal.
    unsafe { asm!("lbu {}, 0({})", out(reg) byte, in(reg) address, options(nostack, readonly)) };
    byte as u8
}

/// Writes a byte to `address`.
pub fn store(address: u64, byte: u8) {
    // SAFETY: not in general; see the head of this file.
    unsafe { asm!("sb {}, 0({})", in(reg) u64::from(byte), in(reg) address, options(nostack)) };
}

/// Calls the code at `address`, a function without arguments, which may have been written just now.
pub fn call(address: u64) -> u64 {
    let value;
    // SAFETY: not in general; see the head of this file.
    unsafe { asm!("fence.i", "jalr {}", in(reg) address, lateout("a0") value, clobber_abi("C")) };
    value
}

/// Machine code of a function that returns 42, for [`call`]: `li a0, 42` and `ret`.
pub const RETURN_42: &[u8] = &[0x13, 0x05, 0xa0, 0x02, 0x67, 0x80, 0x00, 0x00];

/// Instructions that end a program, and the signal that each brings. Division by zero is not among them: it gives a
/// result here.
pub const FATAL: &[(u32, fn())] = &[
    (SIGILL, illegal_instruction),
    (SIGILL, privileged_instruction),
    (SIGTRAP, breakpoint),
];

/// Executes an instruction that does not exist.
fn illegal_instruction() {
    // SAFETY: raises an exception and does nothing else.
    unsafe { asm!("unimp", options(nomem, nostack)) };
}

/// Executes an instruction that only the kernel may.
fn privileged_instruction() {
    // SAFETY: as above, in user mode.
    unsafe { asm!("csrci sstatus, 2", options(nomem, nostack)) };
}

/// Executes the instruction that debuggers put into programs.
fn breakpoint() {
    // SAFETY: as above.
    unsafe { asm!("ebreak", options(nomem, nostack)) };
}

/// Fills floating-point and general registers with values made from `seed`, spins for `rounds`, and tells
/// whether they all survived.
pub fn registers_survive(seed: u64, rounds: u64) -> bool {
    let (mut low, mut high, mut general): (u64, u64, u64);
    // SAFETY: touches only the registers it names.
    unsafe {
        asm!(
            "fmv.d.x fa3, {seed}",
            "fmv.d.x fs11, {seed}",
            "mv s11, {seed}",
            "2:",
            "addi {rounds}, {rounds}, -1",
            "bnez {rounds}, 2b",
            "fmv.x.d {low}, fa3",
            "fmv.x.d {high}, fs11",
            "mv {general}, s11",
            seed = in(reg) seed,
            rounds = inout(reg) rounds.max(1) => _,
            low = out(reg) low,
            high = out(reg) high,
            general = out(reg) general,
            out("fa3") _,
            out("fs11") _,
            out("s11") _,
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
            "ecall",
            "bnez a0, 2f",
            "mv a0, {code}",
            "li a7, {exit}",
            "ecall",
            "2:",
            exit = const abi::nr::EXIT_GROUP,
            code = in(reg) i64::from(code),
            inlateout("a7") abi::nr::CLONE => _,
            inlateout("a0") CLONE_VM | CLONE_VFORK | u64::from(SIGCHLD) => answer,
            in("a1") 0,
            in("a2") 0,
            in("a3") 0,
            in("a4") 0,
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
            "ecall",
            "bnez a0, 2f",
            "3: lbu t0, 0(a5)",
            "j 3b",
            "2:",
            in("a7") abi::nr::CLONE,
            inlateout("a0") CLONE_VM | u64::from(SIGCHLD) => answer,
            in("a1") 0,
            in("a2") 0,
            in("a3") 0,
            in("a4") 0,
            in("a5") address,
            out("t0") _,
            options(nostack),
        );
    }
    answer
}

/// The current stack pointer.
pub fn stack_pointer() -> u64 {
    let sp;
    // SAFETY: only reads a register.
    unsafe { asm!("mv {}, sp", out(reg) sp, options(nomem, nostack)) };
    sp
}
