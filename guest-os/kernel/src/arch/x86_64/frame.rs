//! Trap frames: the registers of an interrupted program, as `trap` and `syscall_entry` push them, and what the
//! rest of the kernel may read and change in them.

use super::gdt::{USER_CS, USER_SS};
use crate::mm::layout::USER_TOP;

/// The registers of an interrupted program, in the order the stubs push them.
#[repr(C)]
#[derive(Clone, Default)]
#[allow(missing_docs, reason = "register names")]
pub struct TrapFrame {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rbp: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rdx: u64,
    pub rcx: u64,
    pub rbx: u64,
    pub rax: u64,
    /// Exception or interrupt number, or `SYSCALL`.
    pub vector: u64,
    /// The exception's error code; after SYSCALL the system call's number, kept for a restart.
    pub error: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

/// `TrapFrame::vector` of a system call: such a frame may return by SYSRET.
pub const SYSCALL: u64 = 0x100;

/// Flags a user program may set for itself: CF PF AF ZF SF TF DF OF AC ID.
const USER_FLAGS: u64 = 0x24_0dd5;
/// Always one, and interrupts on.
const FIXED_FLAGS: u64 = 0x202;

impl TrapFrame {
    /// The state in which a program starts: everything zero but where it runs and its stack.
    pub fn new_user(entry: usize, stack: usize) -> Self {
        TrapFrame {
            rip: entry as u64,
            rsp: stack as u64,
            cs: USER_CS.into(),
            ss: USER_SS.into(),
            rflags: FIXED_FLAGS,
            ..Default::default()
        }
    }

    /// Whether the processor was in user mode.
    pub fn is_user(&self) -> bool {
        self.cs & 3 == 3
    }

    /// Number of the system call, if the frame is one's.
    pub fn syscall_number(&self) -> Option<usize> {
        (self.vector == SYSCALL).then_some(self.error as usize)
    }

    /// The six arguments of a system call.
    pub fn syscall_args(&self) -> [usize; 6] {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9].map(|r| r as usize)
    }

    /// The value the program finds where a system call's result is.
    pub fn set_result(&mut self, value: usize) {
        self.rax = value as u64;
    }

    /// What `set_result` left.
    pub fn result(&self) -> usize {
        self.rax as usize
    }

    /// Puts the program back before its system-call instruction, so that it asks again.
    pub fn restart_syscall(&mut self) {
        self.rax = self.error;
        self.rip -= 2; // SYSCALL is 0f 05
    }

    /// The program's stack pointer.
    pub fn stack_pointer(&self) -> usize {
        self.rsp as usize
    }

    /// Sets the program's stack pointer.
    pub fn set_stack_pointer(&mut self, at: usize) {
        self.rsp = at as u64;
    }

    /// Whether interrupts were on.
    pub fn had_interrupts_on(&self) -> bool {
        self.rflags & 1 << 9 != 0
    }

    /// The frame pointer, where a backtrace starts.
    pub fn frame_pointer(&self) -> usize {
        self.rbp as usize
    }

    /// Where the program runs.
    pub fn program_counter(&self) -> usize {
        self.rip as usize
    }

    /// Sets where the program runs.
    pub fn set_program_counter(&mut self, at: usize) {
        self.rip = at as u64;
    }

    /// Removes from a frame that a program composed (a signal frame) what it may not have: other segments,
    /// privileged flags. From here on IRET with this frame cannot fault in the kernel, except for `rip`,
    /// which the return path checks.
    pub fn sanitize(&mut self) {
        self.cs = USER_CS.into();
        self.ss = USER_SS.into();
        self.rflags = self.rflags & USER_FLAGS | FIXED_FLAGS;
        self.vector = 0; // SYSRET would lose RCX and R11
    }

    /// Whether the return address lies where user code can be. IRET and SYSRET to a non-canonical address
    /// would fault in the kernel, with the user's GS.
    pub fn returns_to_user_space(&self) -> bool {
        (self.rip as usize) < USER_TOP
    }
}
