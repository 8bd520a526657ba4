//! Exceptions and interrupts: the IDT, the stubs, and who is asked what to do.
//!
//! Every vector enters through a 16-byte stub that pushes what is missing and joins `trap_entry`, which
//! completes a `TrapFrame` and calls `trap_dispatch`. From user mode the frame always lies at the very top
//! of the process's kernel stack. GS is exchanged exactly when the saved CS says user mode.
//!
//! Decisions above the hardware (is this page fault a demand page? which signal?) are asked of
//! `proc::fault` and `sched`, through the calls in `trap_dispatch` and nowhere else.

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::ffi::CStr;

use super::gdt::{IST_DOUBLE_FAULT, IST_NMI, KERNEL_CS};
use super::{apic, cpu, irq, percpu, smp, usercopy};
use crate::arch::{fixups, trap_common};
use crate::mm::fault::Access;
use crate::mm::{layout, shootdown};
use crate::proc::fault::{self, Cause};
use crate::sched;

pub use super::frame::{SYSCALL, TrapFrame};

const DEBUG: u64 = 1;
const NMI: u64 = 2;
const BREAKPOINT: u64 = 3;
const DOUBLE_FAULT: u64 = 8;
const PAGE_FAULT: u64 = 14;
const MACHINE_CHECK: u64 = 18;

/// Names of the exceptions (SDM vol. 3, table 6-1).
const NAMES: [&str; 22] = [
    "#DE divide error",
    "#DB debug",
    "NMI",
    "#BP breakpoint",
    "#OF overflow",
    "#BR bound range",
    "#UD invalid opcode",
    "#NM device not available",
    "#DF double fault",
    "coprocessor overrun",
    "#TS invalid TSS",
    "#NP segment not present",
    "#SS stack fault",
    "#GP general protection",
    "#PF page fault",
    "reserved",
    "#MF x87 error",
    "#AC alignment check",
    "#MC machine check",
    "#XM SIMD error",
    "#VE virtualization",
    "#CP control protection",
];

global_asm!(
    r#"
.text
.balign 16
.globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21
    push 0
    .endif
    push vector
    jmp trap_entry
    .set vector, vector + 1
    .endr

.balign 16
.type trap_entry, @function
trap_entry:
    test byte ptr [rsp + 24], 3     # CS, above vector, error code and RIP
    jz 2f
    swapgs
2:  push rax
    push rbx
    push rcx
    push rdx
    push rsi
    push rdi
    push rbp
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    cld
    mov rdi, rsp
    test byte ptr [rsp + 18 * 8], 3
    jz 3f
    xor ebp, ebp                    # a backtrace ends where user code begins
3:  call trap_dispatch

.globl trap_return
.type trap_return, @function
trap_return:                        # RSP points to a TrapFrame, interrupts are off
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rbp
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rbx
    pop rax
    add rsp, 16
    test byte ptr [rsp + 8], 3
    jz 2f
    swapgs
2:  iretq
"#
);

unsafe extern "C" {
    fn trap_stubs();
}

/// One gate of the IDT (SDM vol. 3, 6.14.1).
#[repr(C)]
#[derive(Clone, Copy)]
struct Gate {
    //  63           48 47 46-45 44-40 39-35 34-32 31           16 15            0
    //  offset 31:16    P   DPL  type   0    IST     selector        offset 15:0
    low: u64,
    /// Offset 63:32.
    high: u64,
}

struct Idt(UnsafeCell<[Gate; 256]>);

// SAFETY: written once by the boot CPU before the others start, and only read by hardware afterwards.
unsafe impl Sync for Idt {}

static IDT: Idt = Idt(UnsafeCell::new([Gate { low: 0, high: 0 }; 256]));

/// Fills the IDT and loads it.
pub fn init() {
    // SAFETY: only the boot CPU is running.
    let table = unsafe { &mut *IDT.0.get() };
    for (vector, gate) in table.iter_mut().enumerate() {
        let stub = trap_stubs as *const () as u64 + 16 * vector as u64;
        let ist = match vector as u64 {
            DOUBLE_FAULT => IST_DOUBLE_FAULT,
            NMI | MACHINE_CHECK => IST_NMI,
            _ => 0,
        };
        // Interrupt gate (type 14), and privilege 3 for INT3 so that a program may use it.
        let dpl = if vector as u64 == BREAKPOINT { 3 } else { 0 };
        gate.low = stub & 0xffff
            | u64::from(KERNEL_CS) << 16
            | u64::from(ist) << 32
            | 14 << 40
            | dpl << 45
            | 1 << 47
            | (stub >> 16 & 0xffff) << 48;
        gate.high = stub >> 32;
    }
    load();
}

/// Loads the IDT on the calling CPU.
pub fn load() {
    #[repr(C, packed)]
    struct TableRegister {
        limit: u16,
        base: u64,
    }
    let register = TableRegister {
        limit: size_of::<[Gate; 256]>() as u16 - 1,
        base: IDT.0.get() as u64,
    };
    // SAFETY: every gate leads to a stub.
    unsafe { asm!("lidt [{}]", in(reg) &register, options(nostack, readonly)) };
}

#[unsafe(no_mangle)]
extern "C" fn trap_dispatch(frame: &mut TrapFrame) {
    usercopy::close(); // neither a user program's AC flag nor an interrupted copy's reaches the handlers
    match frame.vector {
        PAGE_FAULT => page_fault(frame),
        DOUBLE_FAULT => double_fault(frame),
        NMI => smp::stop_if_panicking(),
        0..32 => exception(frame),
        vector => {
            percpu::set_in_interrupt(true);
            interrupt(vector);
            percpu::set_in_interrupt(false);
        }
    }
    if frame.is_user() {
        trap_common::before_user(frame);
    }
}

fn interrupt(vector: u64) {
    match vector {
        apic::VECTOR_SPURIOUS => {}
        apic::VECTOR_TIMER => of_this_cpu(vector, c"timer", sched::timer_interrupt),
        apic::VECTOR_RESCHEDULE => of_this_cpu(vector, c"reschedule", sched::reschedule_interrupt),
        apic::VECTOR_SHOOTDOWN => of_this_cpu(vector, c"tlb_shootdown", shootdown::answer),
        _ => irq::dispatch(vector),
    }
}

/// An interrupt that belongs to no device's line: the CPU's timer, or another CPU.
fn of_this_cpu(vector: u64, name: &'static CStr, handler: fn()) {
    crate::probe!(irq_handler_entry, vector, name.as_ptr());
    apic::end_of_interrupt();
    handler();
    crate::probe!(irq_handler_exit, vector);
}

//  4        3        2      1       0
//  I/D    RSVD      U/S    W/R      P
const PF_WRITE: u64 = 1 << 1;
const PF_FETCH: u64 = 1 << 4;

fn page_fault(frame: &mut TrapFrame) {
    let address = cpu::read_cr2();
    let access = if frame.error & PF_FETCH != 0 {
        Access::Execute
    } else if frame.error & PF_WRITE != 0 {
        Access::Write
    } else {
        Access::Read
    };
    trap_common::page_fault(frame, address, access, frame.error);
}

/// A double fault is what a kernel stack overflow becomes: pushing the page fault's frame faults again.
fn double_fault(frame: &mut TrapFrame) {
    let address = cpu::read_cr2();
    let what = if layout::is_stack_guard(address) {
        "kernel stack overflow"
    } else {
        "double fault"
    };
    crate::panic::kernel_trap(
        format_args!("{what} (rsp {:#x}, cr2 {address:#x})", frame.rsp),
        frame.rip as usize,
        frame.rbp as usize,
    );
}

fn exception(frame: &mut TrapFrame) {
    let name = NAMES
        .get(frame.vector as usize)
        .copied()
        .unwrap_or("exception");
    if !frame.is_user() {
        if fixups::fix_up(frame) {
            return; // a non-canonical user pointer raises #GP rather than #PF
        }
        crate::panic::kernel_trap(
            format_args!("{name} (error {:#x})", frame.error),
            frame.rip as usize,
            frame.rbp as usize,
        );
    }
    let cause = match frame.vector {
        0 | 16 | 19 => Cause::Arithmetic,
        DEBUG | BREAKPOINT => Cause::Trap,
        6 => Cause::IllegalInstruction,
        17 => Cause::Misaligned,
        _ => Cause::Protection,
    };
    cpu::interrupts_on();
    fault::user_exception(frame, cause);
    cpu::interrupts_off();
}
