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

use super::gdt::{IST_DOUBLE_FAULT, IST_NMI, KERNEL_CS, USER_CS, USER_SS};
use super::{apic, cpu, irq, smp, usercopy};
use crate::mm::fault::{Access, Fault};
use crate::mm::layout::{self, USER_TOP};
use crate::proc;
use crate::proc::fault::{self, Cause};

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

    /// Sets the program's stack pointer.
    pub fn set_stack_pointer(&mut self, at: usize) {
        self.rsp = at as u64;
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
        apic::VECTOR_SPURIOUS => {}
        apic::VECTOR_TIMER => {
            apic::end_of_interrupt();
            crate::sched::timer_interrupt();
        }
        apic::VECTOR_RESCHEDULE => {
            apic::end_of_interrupt();
            crate::sched::reschedule_interrupt();
        }
        apic::VECTOR_SHOOTDOWN => {
            apic::end_of_interrupt();
            smp::shootdown_interrupt();
        }
        vector => irq::dispatch(vector),
    }
    if frame.is_user() {
        before_user(frame);
    }
}

/// What is due before a return to user mode: signals, a switch if another process should run. Leaves with
/// interrupts off.
pub(super) fn before_user(frame: &mut TrapFrame) {
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
    let page_fault = Fault {
        address,
        access,
        code: frame.error,
    };
    if frame.is_user() {
        cpu::interrupts_on();
        fault::user_page_fault(page_fault);
    } else if usercopy::is_user_access(frame.program_counter()) && address < USER_TOP {
        // The kernel copies from or to user memory. The copy holds no spin lock, so this may sleep.
        // The frame's flags bring AC (SMAP) back.
        assert!(
            frame.rflags & 1 << 9 != 0,
            "user memory is copied with interrupts off (pc {:#x})",
            frame.rip
        );
        cpu::interrupts_on();
        let resolved = fault::kernel_page_fault(page_fault);
        cpu::interrupts_off();
        if !resolved {
            usercopy::fix_up(frame);
        }
    } else if layout::is_stack_guard(address) {
        panic!(
            "kernel stack overflow (at {address:#x}, pc {:#x})",
            frame.rip
        );
    } else {
        crate::panic::kernel_trap(
            format_args!(
                "page fault: {access:?} of {address:#x} (error {:#x})",
                frame.error
            ),
            frame.rip as usize,
            frame.rbp as usize,
        );
    }
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
        if usercopy::fix_up(frame) {
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
