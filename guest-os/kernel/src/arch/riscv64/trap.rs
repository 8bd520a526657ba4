//! Exceptions and interrupts: the one entry, the one way back, and who is asked what to do (Privileged spec 4.1).
//!
//! Every trap enters at `trap_entry`, which completes a `TrapFrame` and calls `trap_dispatch`. From user mode the frame
//! always lies at the very top of the process's kernel stack. `sscratch` says where a trap comes from: 0 is the kernel.
//!
//! Decisions above the hardware (is this page fault a demand page? which signal?) are asked of
//! `proc::fault` and `sched`, through the calls in `trap_dispatch` and nowhere else.

use core::arch::{asm, global_asm};
use core::ffi::CStr;
use core::mem::offset_of;

use super::cpu::SSTATUS_SPP;
use super::frame::reg;
use super::{cpu, irq, percpu, smp, syscall_entry, timer, usercopy};
use crate::arch::trap_common;
use crate::mm::fault::Access;
use crate::mm::layout::KSTACK_STRIDE;
use crate::proc::fault::{self, Cause};
use crate::sched;

pub use super::frame::{SYSCALL, TrapFrame};

/// Bit of `scause` that tells interrupts from exceptions.
const INTERRUPT: u64 = 1 << 63;
const SOFTWARE_INTERRUPT: u64 = INTERRUPT | 1;
const TIMER_INTERRUPT: u64 = INTERRUPT | 5;
const EXTERNAL_INTERRUPT: u64 = INTERRUPT | 9;

const INSTRUCTION_MISALIGNED: u64 = 0;
const ILLEGAL_INSTRUCTION: u64 = 2;
const BREAKPOINT: u64 = 3;
const LOAD_MISALIGNED: u64 = 4;
const STORE_MISALIGNED: u64 = 6;
const INSTRUCTION_PAGE_FAULT: u64 = 12;
const LOAD_PAGE_FAULT: u64 = 13;
const STORE_PAGE_FAULT: u64 = 15;

/// Names of the exceptions (Privileged spec, table 4.2).
const NAMES: [&str; 16] = [
    "instruction address misaligned",
    "instruction access fault",
    "illegal instruction",
    "breakpoint",
    "load address misaligned",
    "load access fault",
    "store address misaligned",
    "store access fault",
    "call from user mode",
    "call from supervisor mode",
    "reserved",
    "reserved",
    "instruction page fault",
    "load page fault",
    "reserved",
    "store page fault",
];

global_asm!(
    r#"
.text
.balign 4
.type trap_entry, @function
.globl trap_entry
trap_entry:
    csrrw   tp, sscratch, tp
    bnez    tp, 1f

    csrrw   tp, sscratch, t0        # from the kernel: tp is this hart's, t0 waits
    addi    sp, sp, -{size}
    li      t0, {stride} - 1
    and     t0, t0, sp
    srli    t0, t0, 12
    beqz    t0, 4f                  # the frame would lie in the guard page
    csrrw   t0, sscratch, zero
    sd      t0, 8 * 5(sp)
    addi    t0, sp, {size}
    sd      t0, 8 * 2(sp)
    j       2f

1:  sd      sp, {old_stack}(tp)     # from user mode
    ld      sp, {kernel_stack}(tp)
    addi    sp, sp, -{size}
    sd      t0, 8 * 5(sp)
    ld      t0, {old_stack}(tp)
    sd      t0, 8 * 2(sp)
    csrrw   t0, sscratch, zero
    sd      t0, 8 * 4(sp)

2:  sd      x1, 8 * 1(sp)
    sd      x3, 8 * 3(sp)
    .irp    n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    sd      x\n, 8 * \n(sp)
    .endr
    csrr    t0, sepc
    csrr    t1, sstatus
    csrr    t2, scause
    csrr    t3, stval
    sd      t0, {pc}(sp)
    sd      t1, {status}(sp)
    sd      t2, {cause}(sp)
    sd      t3, {value}(sp)
    mv      a0, sp
    andi    t1, t1, {spp}
    bnez    t1, 3f
    mv      s0, zero                # a backtrace ends where user code begins
3:  call    trap_dispatch

.globl trap_return
.type trap_return, @function
trap_return:                        # sp points to a TrapFrame, interrupts are off
    ld      t0, {pc}(sp)
    ld      t1, {status}(sp)
    addi    t2, sp, {pc}
    .option push
    .option arch, +a
    sc.d    zero, t0, (t2)          # gives up what LR reserved; the value is the one that is there
    .option pop
    csrw    sepc, t0
    csrw    sstatus, t1
    andi    t1, t1, {spp}
    bnez    t1, 1f
    csrw    sscratch, tp            # to user mode; in the kernel tp stays what it is on this hart
    ld      tp, 8 * 4(sp)
1:  ld      x1, 8 * 1(sp)
    ld      x3, 8 * 3(sp)
    .irp    n, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ld      x\n, 8 * \n(sp)
    .endr
    ld      sp, 8 * 2(sp)
    sret

4:  sd      sp, {old_stack}(tp)     # a stack has overflowed: report it on another one
    li      t0, {emergency}
    add     sp, tp, t0
    csrrw   t0, sscratch, zero
    ld      a0, {old_stack}(tp)
    csrr    a1, sepc
    mv      a2, s0
    call    stack_overflow
"#,
    size = const size_of::<TrapFrame>(),
    stride = const KSTACK_STRIDE,
    old_stack = const percpu::OLD_STACK,
    kernel_stack = const percpu::KERNEL_STACK,
    emergency = const percpu::EMERGENCY_STACK_TOP,
    pc = const offset_of!(TrapFrame, pc),
    status = const offset_of!(TrapFrame, status),
    cause = const offset_of!(TrapFrame, cause),
    value = const offset_of!(TrapFrame, value),
    spp = const SSTATUS_SPP,
);

unsafe extern "C" {
    fn trap_entry();
}

/// Sends the traps of the calling CPU to `trap_entry`.
pub fn init() {
    // SAFETY: the entry saves and restores everything.
    unsafe { asm!("csrw stvec, {}", in(reg) trap_entry as *const () as usize, options(nostack)) };
}

#[unsafe(no_mangle)]
extern "C" fn trap_dispatch(frame: &mut TrapFrame) {
    usercopy::close(); // an interrupted copy's right to user memory does not reach the handlers
    match frame.cause {
        SYSCALL => syscall_entry::dispatch(frame),
        INSTRUCTION_PAGE_FAULT | LOAD_PAGE_FAULT | STORE_PAGE_FAULT => page_fault(frame),
        0..INTERRUPT => exception(frame),
        cause => {
            percpu::set_in_interrupt(true);
            interrupt(cause);
            percpu::set_in_interrupt(false);
        }
    }
    if frame.is_user() {
        trap_common::before_user(frame);
    }
}

fn interrupt(cause: u64) {
    match cause {
        SOFTWARE_INTERRUPT => smp::interrupt(),
        TIMER_INTERRUPT => {
            timer::stop();
            of_this_cpu(irq::VECTOR_TIMER, c"timer", sched::timer_interrupt);
        }
        EXTERNAL_INTERRUPT => irq::dispatch(),
        _ => {}
    }
}

/// An interrupt that belongs to no device's line: the CPU's timer, or another CPU.
pub(super) fn of_this_cpu(vector: u64, name: &'static CStr, handler: fn()) {
    crate::probe!(irq_handler_entry, vector, name.as_ptr());
    handler();
    crate::probe!(irq_handler_exit, vector);
}

fn page_fault(frame: &mut TrapFrame) {
    let address = frame.value as usize;
    let access = match frame.cause {
        INSTRUCTION_PAGE_FAULT => Access::Execute,
        STORE_PAGE_FAULT => Access::Write,
        _ => Access::Read,
    };
    trap_common::page_fault(frame, address, access, frame.cause);
}

/// A kernel stack has no room for the frame of a trap.
#[unsafe(no_mangle)]
extern "C" fn stack_overflow(stack_pointer: usize, pc: usize, frame_pointer: usize) -> ! {
    crate::panic::kernel_trap(
        format_args!("kernel stack overflow (sp {stack_pointer:#x})"),
        pc,
        frame_pointer,
    );
}

fn exception(frame: &mut TrapFrame) {
    if !frame.is_user() {
        let name = NAMES.get(frame.cause as usize).copied();
        crate::panic::kernel_trap(
            format_args!("{} ({:#x})", name.unwrap_or("exception"), frame.value),
            frame.pc as usize,
            frame.x[reg::S0] as usize,
        );
    }
    let cause = match frame.cause {
        ILLEGAL_INSTRUCTION => Cause::IllegalInstruction,
        BREAKPOINT => Cause::Trap,
        INSTRUCTION_MISALIGNED | LOAD_MISALIGNED | STORE_MISALIGNED => Cause::Misaligned,
        _ => Cause::Protection,
    };
    cpu::interrupts_on();
    fault::user_exception(frame, cause);
    cpu::interrupts_off();
}
