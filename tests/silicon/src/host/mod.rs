//! Runs instructions on this host's CPU.
//!
//! The way in ([`gate`]) loads every register from a static block and jumps to the instruction; behind it, and at the branch
//! target, stand jumps to the way out, which stores every register. An exception comes back as a signal: the handler
//! ([`signal`]) copies the registers that the kernel saved into the block and sends control to the end of the way out. Signals have
//! a stack of their own, because RSP is the test's.

#![allow(
    unsafe_code,
    reason = "running bytes on the host's CPU is what this module is for"
)]

mod gate;
mod signal;
mod vendor;

pub use vendor::Vendor;

use crate::layout::{
    CODE, CS_32, CS_64, DATA, DATA_LEN, DATA_SELECTOR, ENTRY, FIXED, FIXED_LEN, GS_BASE, OUT,
    OUT_TAKEN, TAKEN,
};
use crate::state::Registers;
use crate::{CodeSize, Exit};
use gate::{BLOCK, enter, enter_short, leave, leave_taken};
use signal::on_signal;
use std::sync::{Mutex, MutexGuard};

/// The host's CPU, for one user at a time: its pages are mapped and its signal handlers installed.
pub struct Host {
    _alone: MutexGuard<'static, ()>,
    size: CodeSize,
    vendor: Vendor,
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
        // SAFETY: 64-bit code ignores DS and ES; 32-bit code needs what every 32-bit program has in them.
        unsafe {
            std::arch::asm!("mov ds, {0:x}", "mov es, {0:x}", in(reg) u32::from(DATA_SELECTOR))
        };
        Self {
            _alone: alone,
            size: CodeSize::Bits64,
            vendor: Vendor::of_host(),
        }
    }

    /// Who made it.
    pub const fn vendor(&self) -> Vendor {
        self.vendor
    }

    /// Puts `code` at the entry, with the ways out behind it and at the branch target.
    pub fn load(&mut self, code: &[u8], size: CodeSize) {
        match size {
            CodeSize::Bits64 => {
                poke(ENTRY, code);
                poke(ENTRY + code.len() as u64, &jump(leave as *const () as u64));
                poke(TAKEN, &jump(leave_taken as *const () as u64));
            }
            CodeSize::Bits32 => {
                poke(ENTRY, code);
                poke(ENTRY + code.len() as u64, &far_jump(OUT));
                poke(TAKEN, &far_jump(OUT_TAKEN));
                poke(OUT, &jump(leave as *const () as u64));
                poke(OUT_TAKEN, &jump(leave_taken as *const () as u64));
            }
        }
        self.size = size;
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
            (*block).entry = match self.size {
                CodeSize::Bits64 => ENTRY,
                CodeSize::Bits32 => enter_short as *const () as u64,
            };
            (*block).far = [ENTRY as u32, u32::from(CS_32)];
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

/// A jump of 64-bit code to anywhere.
fn jump(to: u64) -> [u8; 14] {
    let mut bytes = [0xff, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes[6..].copy_from_slice(&to.to_le_bytes());
    bytes
}

/// A jump of 32-bit code into 64-bit code.
fn far_jump(to: u64) -> [u8; 7] {
    let [a, b, c, d] = (to as u32).to_le_bytes();
    let [e, f] = CS_64.to_le_bytes();
    [0xea, a, b, c, d, e, f]
}

/// Writes code.
fn poke(at: u64, bytes: &[u8]) {
    assert!(at >= CODE && at + bytes.len() as u64 <= CODE + 0x1000);
    // SAFETY: the page at CODE is ours and writable; x86 keeps its instruction caches coherent with one CPU's writes,
    // and the jump to the code is the branch that SDM vol. 3, 8.1.3 asks for.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), at as *mut u8, bytes.len()) };
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
