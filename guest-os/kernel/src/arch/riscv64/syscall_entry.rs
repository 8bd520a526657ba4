//! The ECALL instruction in user mode: a trap like any other, whose frame says what is asked (`frame`).

use super::cpu;
use super::frame::reg;
use super::trap::TrapFrame;

/// Performs a system call; `trap` does what is due before the program goes on.
pub(super) fn dispatch(frame: &mut TrapFrame) {
    frame.value = frame.x[reg::A0];
    frame.pc += 4; // behind the ECALL
    cpu::interrupts_on();
    crate::syscall::dispatch(frame);
}
