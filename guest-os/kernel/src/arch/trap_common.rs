//! What every port does with a trap: page faults, and what is due before a return to user mode.

use super::frame::TrapFrame;
use super::{cpu, fixups};
use crate::mm::fault::{Access, Fault};
use crate::mm::layout::{self, USER_TOP};
use crate::proc;
use crate::proc::fault::{self, Cause};

/// What is due before a return to user mode: signals, a switch if another process should run. Leaves with
/// interrupts off.
pub fn before_user(frame: &mut TrapFrame) {
    loop {
        cpu::interrupts_on();
        proc::before_user(frame);
        if !frame.returns_to_user_space() {
            let cause = Cause::BadAddress(frame.program_counter());
            fault::user_exception(frame, cause);
        }
        cpu::interrupts_off();
        // An interrupt may have brought something since; with interrupts off, no more can come.
        if !proc::has_work_before_user() {
            return;
        }
    }
}

/// An access to memory that the page tables do not allow; `code` is the hardware's own description.
pub fn page_fault(frame: &mut TrapFrame, address: usize, access: Access, code: u64) {
    let page_fault = Fault {
        address,
        access,
        code,
    };
    let pc = frame.program_counter();
    if frame.is_user() {
        cpu::interrupts_on();
        fault::user_page_fault(page_fault);
    } else if fixups::is_user_access(pc) && address < USER_TOP {
        // The kernel copies from or to user memory. The copy holds no spin lock, so this may sleep.
        // The frame brings the right to user memory back.
        assert!(
            frame.had_interrupts_on(),
            "user memory is copied with interrupts off (pc {pc:#x})"
        );
        cpu::interrupts_on();
        let resolved = fault::kernel_page_fault(page_fault);
        cpu::interrupts_off();
        if !resolved {
            fixups::fix_up(frame);
        }
    } else if layout::is_stack_guard(address) {
        panic!("kernel stack overflow (at {address:#x}, pc {pc:#x})");
    } else {
        crate::panic::kernel_trap(
            format_args!("page fault: {access:?} of {address:#x} (code {code:#x})"),
            pc,
            frame.frame_pointer(),
        );
    }
}
