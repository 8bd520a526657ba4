//! Kernel contexts: what is saved when one process's kernel stack is left for another's.
//!
//! A context is a stack pointer: the callee-saved registers of the System V ABI lie on the stack it
//! points to. Everything else the compiler has saved around the call, and the user's registers are in the
//! `TrapFrame` at the top of the stack.

use core::arch::naked_asm;
use core::cell::UnsafeCell;

use super::fpu::FpuState;
use super::trap::TrapFrame;
use super::{cpu, percpu};

/// What a process leaves behind when it does not run. Only the scheduler of the CPU that runs it, or is
/// about to, touches it (`Process::on_cpu` hands it over).
pub struct Context {
    stack_pointer: UnsafeCell<usize>,
    stack_top: UnsafeCell<usize>,
    fpu: UnsafeCell<FpuState>,
    thread_pointer: UnsafeCell<usize>,
}

// SAFETY: handed from CPU to CPU under the `on_cpu` protocol of `sched`.
unsafe impl Sync for Context {}
// SAFETY: as above; there is nothing tied to a CPU in it.
unsafe impl Send for Context {}

/// What a new process runs first: called on its own stack with its own frame, returns into user mode.
pub type Entry = fn(&mut TrapFrame);

impl Context {
    /// A context without a stack: for the idle processes, which run on the stack they were booted on.
    pub fn empty() -> Self {
        Context {
            stack_pointer: UnsafeCell::new(0),
            stack_top: UnsafeCell::new(0),
            fpu: UnsafeCell::new(FpuState::new()),
            thread_pointer: UnsafeCell::new(0),
        }
    }

    /// A context that will call `entry` with a copy of `frame`, and then go to user mode with what is in it.
    /// `stack_top` is the end of a kernel stack that belongs to the new process alone.
    pub fn new(stack_top: usize, frame: &TrapFrame, entry: Entry) -> Self {
        let frame_at = stack_top - size_of::<TrapFrame>();
        let words = [
            entry as usize,
            0,
            0,
            0,
            0,
            0,
            first_run as *const () as usize,
        ];
        let stack_pointer = frame_at - size_of_val(&words);
        // SAFETY: the stack is mapped, unused and large enough.
        unsafe {
            (frame_at as *mut TrapFrame).write(frame.clone());
            (stack_pointer as *mut [usize; 7]).write(words);
        }
        Context {
            stack_pointer: UnsafeCell::new(stack_pointer),
            stack_top: UnsafeCell::new(stack_top),
            ..Self::empty()
        }
    }

    /// Copies FPU state and thread pointer of the running process, whose context is `parent`, for its child.
    pub fn inherit(&mut self, parent: &Context) {
        // SAFETY: `parent` runs on this CPU, so nobody else touches its context.
        unsafe {
            (*parent.fpu.get()).save();
            *self.fpu.get_mut() = (*parent.fpu.get()).clone();
        }
        *self.thread_pointer.get_mut() = parent.thread_pointer();
    }

    /// Puts the FPU and the thread pointer of the running process into their first state, for a new program.
    pub fn reset_user_state(&self) {
        // SAFETY: the caller's process runs on this CPU.
        unsafe {
            *self.fpu.get() = FpuState::new();
            (*self.fpu.get()).restore();
        }
        self.set_thread_pointer(0);
    }

    /// Thread pointer of the running process.
    pub fn thread_pointer(&self) -> usize {
        // SAFETY: the caller's process runs on this CPU.
        unsafe { *self.thread_pointer.get() }
    }

    /// Sets the thread pointer of the running process. `address` must be a user address.
    pub fn set_thread_pointer(&self, address: usize) {
        // SAFETY: the caller's process runs on this CPU.
        unsafe { *self.thread_pointer.get() = address };
        cpu::set_thread_pointer(address);
    }

    /// Sets the thread pointer with which a new process starts.
    pub fn preset_thread_pointer(&self, address: usize) {
        // SAFETY: the process has not run yet, and its maker is the only one who knows it.
        unsafe { *self.thread_pointer.get() = address };
    }

    /// The FPU state of the running process, written out, for a signal frame.
    pub fn fpu_image(&self) -> FpuState {
        // SAFETY: the caller's process runs on this CPU.
        unsafe {
            (*self.fpu.get()).save();
            (*self.fpu.get()).clone()
        }
    }

    /// Loads an FPU state a signal frame brought back.
    pub fn set_fpu_image(&self, image: FpuState) {
        // SAFETY: the caller's process runs on this CPU.
        unsafe {
            *self.fpu.get() = image;
            (*self.fpu.get()).restore();
        }
    }
}

/// Leaves `from`, which runs on this CPU, and continues `to`. Returns when somebody switches back to `from`,
/// perhaps on another CPU. Called with interrupts off.
pub fn switch(from: &Context, to: &Context) {
    // SAFETY: `sched` makes sure that `to` runs nowhere and is saved, and that its process stays alive.
    unsafe {
        let from_is_user = *from.stack_top.get() != 0;
        let to_is_user = *to.stack_top.get() != 0;
        if from_is_user {
            (*from.fpu.get()).save();
        }
        if to_is_user {
            percpu::set_kernel_stack(*to.stack_top.get());
            (*to.fpu.get()).restore();
            cpu::set_thread_pointer(*to.thread_pointer.get());
        }
        switch_stacks(from.stack_pointer.get(), *to.stack_pointer.get());
    }
}

#[unsafe(naked)]
unsafe extern "C" fn switch_stacks(save: *mut usize, load: usize) {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi], rsp",
        "mov rsp, rsi",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

/// First instructions of a new process: R15 is its `Entry`, RSP its `TrapFrame`.
#[unsafe(naked)]
unsafe extern "C" fn first_run() {
    naked_asm!(
        "mov rdi, rsp",
        "mov rsi, r15",
        "xor ebp, ebp",
        "call {start}",
        "jmp trap_return",
        start = sym start,
    )
}

#[expect(
    improper_ctypes_definitions,
    reason = "called by the assembly above only, with what `new` put there"
)]
extern "C" fn start(frame: &mut TrapFrame, entry: Entry) {
    crate::sched::finish_switch();
    percpu::swap_irq_was_on(true);
    percpu::irq_off_leave();
    entry(frame);
    crate::arch::trap_common::before_user(frame);
}
