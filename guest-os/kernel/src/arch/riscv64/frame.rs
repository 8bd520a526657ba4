//! Trap frames: the registers of an interrupted program, as `trap` stores them, and what the rest of the kernel may read
//! and change in them.

use super::cpu::{SSTATUS_FS, SSTATUS_FS_INITIAL, SSTATUS_SPIE, SSTATUS_SPP, SSTATUS_UXL_64};
use crate::mm::layout::USER_TOP;

/// Numbers of registers that have a role (RISC-V ABIs, "Integer Register Convention").
pub mod reg {
    /// Return address.
    pub const RA: usize = 1;
    /// Stack pointer.
    pub const SP: usize = 2;
    /// Thread pointer.
    pub const TP: usize = 4;
    /// Frame pointer.
    pub const S0: usize = 8;
    /// First argument, and result.
    pub const A0: usize = 10;
    /// Second argument.
    pub const A1: usize = 11;
    /// Third argument.
    pub const A2: usize = 12;
    /// Number of a system call.
    pub const A7: usize = 17;
}

/// The registers of an interrupted program.
#[repr(C)]
#[derive(Clone, Default)]
pub struct TrapFrame {
    /// x0 to x31 by number; the first means nothing.
    pub x: [u64; 32],
    /// `sepc`: where the program was.
    pub pc: u64,
    /// `sstatus`: among others from which mode it came.
    pub status: u64,
    /// `scause`.
    pub cause: u64,
    /// `stval`: the address of a fault. Of a system call its first argument, kept for a restart.
    pub value: u64,
}

/// `TrapFrame::cause` of a system call: ECALL in user mode.
pub const SYSCALL: u64 = 8;
/// `TrapFrame::cause` of a frame that no trap made: not one of the hardware's.
const NO_TRAP: u64 = u64::MAX;

impl TrapFrame {
    /// The state in which a program starts: everything zero but where it runs and its stack.
    pub fn new_user(entry: usize, stack: usize) -> Self {
        let mut frame = TrapFrame {
            pc: entry as u64,
            ..Default::default()
        };
        frame.set_stack_pointer(stack);
        frame.sanitize();
        frame
    }

    /// Whether the processor was in user mode.
    pub fn is_user(&self) -> bool {
        self.status & SSTATUS_SPP == 0
    }

    /// Number of the system call, if the frame is one's.
    pub fn syscall_number(&self) -> Option<usize> {
        (self.cause == SYSCALL).then_some(self.x[reg::A7] as usize)
    }

    /// The six arguments of a system call.
    pub fn syscall_args(&self) -> [usize; 6] {
        core::array::from_fn(|index| self.x[reg::A0 + index] as usize)
    }

    /// The value the program finds where a system call's result is.
    pub fn set_result(&mut self, value: usize) {
        self.x[reg::A0] = value as u64;
    }

    /// What `set_result` left.
    pub fn result(&self) -> usize {
        self.x[reg::A0] as usize
    }

    /// Puts the program back before its system-call instruction, so that it asks again.
    pub fn restart_syscall(&mut self) {
        self.x[reg::A0] = self.value;
        self.pc -= 4; // ECALL has no compressed form
    }

    /// The program's stack pointer.
    pub fn stack_pointer(&self) -> usize {
        self.x[reg::SP] as usize
    }

    /// Sets the program's stack pointer.
    pub fn set_stack_pointer(&mut self, at: usize) {
        self.x[reg::SP] = at as u64;
    }

    /// Whether interrupts were on.
    pub fn had_interrupts_on(&self) -> bool {
        self.status & SSTATUS_SPIE != 0
    }

    /// The frame pointer, where a backtrace starts.
    pub fn frame_pointer(&self) -> usize {
        self.x[reg::S0] as usize
    }

    /// Where the program runs.
    pub fn program_counter(&self) -> usize {
        self.pc as usize
    }

    /// Sets where the program runs.
    pub fn set_program_counter(&mut self, at: usize) {
        self.pc = at as u64;
    }

    /// Gives the frame, which a program may have composed (a signal frame), the status of user mode: interrupts on, the
    /// FPU too. From here on SRET with this frame cannot fault in the kernel.
    pub fn sanitize(&mut self) {
        let fpu = match self.status & SSTATUS_FS {
            0 => SSTATUS_FS_INITIAL,
            state => state,
        };
        self.status = SSTATUS_SPIE | SSTATUS_UXL_64 | fpu;
        self.cause = NO_TRAP;
    }

    /// Whether the return address lies where user code can be.
    pub fn returns_to_user_space(&self) -> bool {
        (self.pc as usize) < USER_TOP
    }
}
