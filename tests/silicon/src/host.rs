//! Runs instructions on this host's CPU.
//!
//! The way in loads every register from a static block and jumps to the instruction; behind it, and at the branch
//! target, stand jumps to the way out, which stores every register. An exception comes back as a signal: the handler
//! copies the registers that the kernel saved into the block and sends control to the end of the way out. Signals have
//! a stack of their own, because RSP is the test's.

#![allow(
    unsafe_code,
    reason = "running bytes on the host's CPU is what this module is for"
)]

use crate::Exit;
use crate::layout::{CODE, DATA, DATA_LEN, ENTRY, FIXED, FIXED_LEN, GS_BASE, TAKEN};
use crate::state::Registers;
use std::arch::naked_asm;
use std::mem::offset_of;
use std::sync::{Mutex, MutexGuard};

/// What the assembly and the signal handler share.
#[repr(C)]
struct Block {
    regs: Registers,
    /// Where the way in jumps.
    entry: u64,
    /// The harness's own stack pointer and MXCSR while the test runs.
    rsp: u64,
    mxcsr: u64,
    /// Whether the branch target was reached.
    taken: u64,
    /// Vector + 1 of the exception, 0 if there was none; its error code, address and RIP.
    vector: u64,
    error: u64,
    address: u64,
    rip: u64,
    /// Whether a test is running, so that a signal is the test's.
    running: u64,
}

const EMPTY: Registers = Registers {
    gpr: [0; 16],
    flags: 0,
    mxcsr: 0,
    xmm: [[0; 2]; 16],
};

static mut BLOCK: Block = Block {
    regs: EMPTY,
    entry: 0,
    rsp: 0,
    mxcsr: 0,
    taken: 0,
    vector: 0,
    error: 0,
    address: 0,
    rip: 0,
    running: 0,
};

/// The way in. Returns when the test is over.
#[unsafe(naked)]
unsafe extern "C" fn enter() {
    naked_asm!(
        "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
        "stmxcsr [rip + {b} + {own_mxcsr}]",
        "mov [rip + {b} + {own_rsp}], rsp",
        "fninit",
        "movups xmm0, [rip + {b} + {xmm} + 0]",
        "movups xmm1, [rip + {b} + {xmm} + 16]",
        "movups xmm2, [rip + {b} + {xmm} + 32]",
        "movups xmm3, [rip + {b} + {xmm} + 48]",
        "movups xmm4, [rip + {b} + {xmm} + 64]",
        "movups xmm5, [rip + {b} + {xmm} + 80]",
        "movups xmm6, [rip + {b} + {xmm} + 96]",
        "movups xmm7, [rip + {b} + {xmm} + 112]",
        "movups xmm8, [rip + {b} + {xmm} + 128]",
        "movups xmm9, [rip + {b} + {xmm} + 144]",
        "movups xmm10, [rip + {b} + {xmm} + 160]",
        "movups xmm11, [rip + {b} + {xmm} + 176]",
        "movups xmm12, [rip + {b} + {xmm} + 192]",
        "movups xmm13, [rip + {b} + {xmm} + 208]",
        "movups xmm14, [rip + {b} + {xmm} + 224]",
        "movups xmm15, [rip + {b} + {xmm} + 240]",
        "ldmxcsr [rip + {b} + {mxcsr}]",
        "push qword ptr [rip + {b} + {flags}]",
        "popfq",
        "mov rax, [rip + {b} + 0]",
        "mov rcx, [rip + {b} + 8]",
        "mov rdx, [rip + {b} + 16]",
        "mov rbx, [rip + {b} + 24]",
        "mov rsp, [rip + {b} + 32]",
        "mov rbp, [rip + {b} + 40]",
        "mov rsi, [rip + {b} + 48]",
        "mov rdi, [rip + {b} + 56]",
        "mov r8, [rip + {b} + 64]",
        "mov r9, [rip + {b} + 72]",
        "mov r10, [rip + {b} + 80]",
        "mov r11, [rip + {b} + 88]",
        "mov r12, [rip + {b} + 96]",
        "mov r13, [rip + {b} + 104]",
        "mov r14, [rip + {b} + 112]",
        "mov r15, [rip + {b} + 120]",
        "jmp qword ptr [rip + {b} + {entry}]",
        b = sym BLOCK,
        xmm = const offset_of!(Block, regs) + offset_of!(Registers, xmm),
        flags = const offset_of!(Block, regs) + offset_of!(Registers, flags),
        mxcsr = const offset_of!(Block, regs) + offset_of!(Registers, mxcsr),
        own_mxcsr = const offset_of!(Block, mxcsr),
        own_rsp = const offset_of!(Block, rsp),
        entry = const offset_of!(Block, entry),
    )
}

/// The way out at the branch target.
#[unsafe(naked)]
unsafe extern "C" fn leave_taken() {
    naked_asm!(
        "mov qword ptr [rip + {b} + {taken}], 1",
        "jmp {leave}",
        b = sym BLOCK,
        taken = const offset_of!(Block, taken),
        leave = sym leave,
    )
}

/// The way out behind the instruction.
#[unsafe(naked)]
unsafe extern "C" fn leave() {
    naked_asm!(
        "mov [rip + {b} + 0], rax",
        "mov [rip + {b} + 8], rcx",
        "mov [rip + {b} + 16], rdx",
        "mov [rip + {b} + 24], rbx",
        "mov [rip + {b} + 32], rsp",
        "mov [rip + {b} + 40], rbp",
        "mov [rip + {b} + 48], rsi",
        "mov [rip + {b} + 56], rdi",
        "mov [rip + {b} + 64], r8",
        "mov [rip + {b} + 72], r9",
        "mov [rip + {b} + 80], r10",
        "mov [rip + {b} + 88], r11",
        "mov [rip + {b} + 96], r12",
        "mov [rip + {b} + 104], r13",
        "mov [rip + {b} + 112], r14",
        "mov [rip + {b} + 120], r15",
        "mov rsp, [rip + {b} + {own_rsp}]",
        "pushfq",
        "pop qword ptr [rip + {b} + {flags}]",
        "movups [rip + {b} + {xmm} + 0], xmm0",
        "movups [rip + {b} + {xmm} + 16], xmm1",
        "movups [rip + {b} + {xmm} + 32], xmm2",
        "movups [rip + {b} + {xmm} + 48], xmm3",
        "movups [rip + {b} + {xmm} + 64], xmm4",
        "movups [rip + {b} + {xmm} + 80], xmm5",
        "movups [rip + {b} + {xmm} + 96], xmm6",
        "movups [rip + {b} + {xmm} + 112], xmm7",
        "movups [rip + {b} + {xmm} + 128], xmm8",
        "movups [rip + {b} + {xmm} + 144], xmm9",
        "movups [rip + {b} + {xmm} + 160], xmm10",
        "movups [rip + {b} + {xmm} + 176], xmm11",
        "movups [rip + {b} + {xmm} + 192], xmm12",
        "movups [rip + {b} + {xmm} + 208], xmm13",
        "movups [rip + {b} + {xmm} + 224], xmm14",
        "movups [rip + {b} + {xmm} + 240], xmm15",
        "stmxcsr [rip + {b} + {mxcsr}]",
        "jmp {back}",
        b = sym BLOCK,
        xmm = const offset_of!(Block, regs) + offset_of!(Registers, xmm),
        flags = const offset_of!(Block, regs) + offset_of!(Registers, flags),
        mxcsr = const offset_of!(Block, regs) + offset_of!(Registers, mxcsr),
        own_rsp = const offset_of!(Block, rsp),
        back = sym back,
    )
}

/// The end of the way out: the harness's own registers, and back to the caller of `enter`.
#[unsafe(naked)]
unsafe extern "C" fn back() {
    naked_asm!(
        "mov rsp, [rip + {b} + {own_rsp}]",
        "cld",
        "fninit",
        "ldmxcsr [rip + {b} + {own_mxcsr}]",
        "pop r15", "pop r14", "pop r13", "pop r12", "pop rbp", "pop rbx",
        "ret",
        b = sym BLOCK,
        own_mxcsr = const offset_of!(Block, mxcsr),
        own_rsp = const offset_of!(Block, rsp),
    )
}

/// The kernel's register numbers in the encoding's order.
const GREGS: [i32; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

/// Takes an exception of the running test; any other signal gets its default action back and happens again.
extern "C" fn on_signal(signal: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid context; BLOCK is touched by no one else while a test runs (see `Host`).
    unsafe {
        let block = &raw mut BLOCK;
        if (*block).running == 0 {
            libc::signal(signal, libc::SIG_DFL);
            return;
        }
        let machine = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext;
        for (value, index) in (*block).regs.gpr.iter_mut().zip(GREGS) {
            *value = machine.gregs[index as usize] as u64;
        }
        (*block).regs.flags = machine.gregs[libc::REG_EFL as usize] as u64;
        let float = &*machine.fpregs;
        (*block).regs.mxcsr = u64::from(float.mxcsr);
        for (value, saved) in (*block).regs.xmm.iter_mut().zip(&float._xmm) {
            let e = saved.element.map(u64::from);
            *value = [e[0] | e[1] << 32, e[2] | e[3] << 32];
        }
        (*block).vector = machine.gregs[libc::REG_TRAPNO as usize] as u64 + 1;
        (*block).error = machine.gregs[libc::REG_ERR as usize] as u64;
        (*block).address = machine.gregs[libc::REG_CR2 as usize] as u64;
        (*block).rip = machine.gregs[libc::REG_RIP as usize] as u64;
        machine.gregs[libc::REG_RIP as usize] = back as *const () as i64;
        machine.gregs[libc::REG_EFL as usize] = 0x202;
    }
}

/// The host's CPU, for one user at a time: its pages are mapped and its signal handlers installed.
pub struct Host {
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());
static READY: std::sync::Once = std::sync::Once::new();

const SIGNAL_STACK: usize = 1 << 16;
/// From the kernel's asm/prctl.h.
const ARCH_SET_GS: u64 = 0x1001;

impl Host {
    /// Waits until nobody else uses it.
    pub fn new() -> Self {
        let alone = ALONE
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        READY.call_once(prepare);
        signal_stack();
        // SAFETY: nothing in a Rust or C program of x86-64 Linux uses GS.
        let set = unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_SET_GS, GS_BASE) };
        assert_eq!(set, 0, "the kernel does not let GS be moved");
        Self { _alone: alone }
    }

    /// Puts `code` at the entry, with the ways out behind it and at the branch target.
    pub fn load(&mut self, code: &[u8]) {
        let jump = |to: u64| {
            let mut bytes = [0xff, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            bytes[6..].copy_from_slice(&to.to_le_bytes());
            bytes
        };
        let mut page = [0xcc; (TAKEN - ENTRY) as usize + 14];
        page[..code.len()].copy_from_slice(code);
        page[code.len()..code.len() + 14].copy_from_slice(&jump(leave as *const () as u64));
        page[(TAKEN - ENTRY) as usize..].copy_from_slice(&jump(leave_taken as *const () as u64));
        // SAFETY: the page at CODE is ours and writable; x86 keeps its instruction caches coherent with one CPU's writes,
        // and the jump to the code is the branch that SDM vol. 3, 8.1.3 asks for.
        unsafe { std::ptr::copy_nonoverlapping(page.as_ptr(), ENTRY as *mut u8, page.len()) };
    }

    /// Runs the loaded `len` bytes from `regs` on `data`, which both hold the outcome afterwards.
    pub fn run(
        &mut self,
        len: usize,
        regs: &mut Registers,
        data: &mut [u8; DATA_LEN as usize],
    ) -> Exit {
        let memory = DATA as *mut u8;
        // SAFETY: the data pages are ours and as long as `data`. The instruction gets at the harness's memory only
        // through addresses that the catalogue makes, all of which lie in the pages mapped by `prepare` or in holes
        // next to them. `Host` is the only user of BLOCK.
        unsafe {
            std::ptr::copy_nonoverlapping(data.as_ptr(), memory, data.len());
            let block = &raw mut BLOCK;
            (*block).regs = *regs;
            (*block).entry = ENTRY;
            (*block).taken = 0;
            (*block).vector = 0;
            (*block).running = 1;
            enter();
            (*block).running = 0;
            *regs = (*block).regs;
            std::ptr::copy_nonoverlapping(memory, data.as_mut_ptr(), data.len());
            if let Some(vector) = (*block).vector.checked_sub(1) {
                let address = if vector == 14 { (*block).address } else { 0 };
                return Exit::Trap {
                    vector: vector as u8,
                    error: (*block).error as u32,
                    address,
                    rip: (*block).rip,
                };
            }
            Exit::Done {
                rip: if (*block).taken != 0 {
                    TAKEN
                } else {
                    ENTRY + len as u64
                },
            }
        }
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

/// Maps the pages and installs the handlers.
fn prepare() {
    let map = |at: u64, len: u64, protection: i32| {
        let flags = libc::MAP_PRIVATE
            | libc::MAP_ANONYMOUS
            | libc::MAP_FIXED_NOREPLACE
            | libc::MAP_POPULATE;
        // SAFETY: a fresh mapping that replaces nothing.
        let got = unsafe {
            libc::mmap(
                at as *mut libc::c_void,
                len as usize,
                protection,
                flags,
                -1,
                0,
            )
        };
        assert_eq!(
            got as u64, at,
            "the address {at:#x} is taken in this process"
        );
    };
    let write = libc::PROT_READ | libc::PROT_WRITE;
    map(CODE, 0x1000, write | libc::PROT_EXEC);
    map(CODE + 0x1000, 0x1000, libc::PROT_NONE);
    map(DATA, DATA_LEN, write);
    map(DATA + DATA_LEN, 0x1000, libc::PROT_NONE);
    map(FIXED, FIXED_LEN, libc::PROT_READ);
    map(FIXED + FIXED_LEN, 0x1000, libc::PROT_NONE);
    for signal in [
        libc::SIGSEGV,
        libc::SIGILL,
        libc::SIGFPE,
        libc::SIGTRAP,
        libc::SIGBUS,
    ] {
        // SAFETY: the handler touches only BLOCK and its own context; all-zero is a valid `sigaction`.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
        }
    }
}

/// Gives this thread a signal stack; it lives as long as the process.
fn signal_stack() {
    let stack = libc::stack_t {
        ss_sp: Box::leak(vec![0u8; SIGNAL_STACK].into_boxed_slice())
            .as_mut_ptr()
            .cast(),
        ss_flags: 0,
        ss_size: SIGNAL_STACK,
    };
    // SAFETY: the stack is leaked, so it outlives every signal.
    unsafe { assert_eq!(libc::sigaltstack(&stack, std::ptr::null_mut()), 0) };
}
