//! Kernel contexts: what is saved when one process's kernel stack is left for another's.
//!
//! A context is a stack pointer: the callee-saved registers of the RISC-V calling convention lie on the stack it
//! points to. Everything else the compiler has saved around the call, and the user's registers are in the
//! `TrapFrame` at the top of the stack.

use core::arch::naked_asm;
use core::cell::UnsafeCell;

use super::fpu::FpuState;
use super::frame::reg;
use super::percpu;
use super::trap::TrapFrame;

/// What a process leaves behind when it does not run. Only the scheduler of the CPU that runs it, or is
/// about to, touches it (`Process::on_cpu` hands it over).
pub struct Context {
    stack_pointer: UnsafeCell<usize>,
    stack_top: UnsafeCell<usize>,
    fpu: UnsafeCell<FpuState>,
}

// SAFETY: handed from CPU to CPU under the `on_cpu` protocol of `sched`.
unsafe impl Sync for Context {}
// SAFETY: as above; there is nothing tied to a CPU in it.
unsafe impl Send for Context {}

/// What a new process runs first: called on its own stack with its own frame, returns into user mode.
pub type Entry = fn(&mut TrapFrame);

/// Words that `switch_stacks` saves: ra, s0 to s11, and one to keep the stack aligned to 16 bytes.
const SAVED: usize = 14;

impl Context {
    /// A context without a stack: for the idle processes, which run on the stack they were booted on.
    pub fn empty() -> Self {
        Context {
            stack_pointer: UnsafeCell::new(0),
            stack_top: UnsafeCell::new(0),
            fpu: UnsafeCell::new(FpuState::new()),
        }
    }

    /// A context that will call `entry` with a copy of `frame`, and then go to user mode with what is in it.
    /// `stack_top` is the end of a kernel stack that belongs to the new process alone.
    pub fn new(stack_top: usize, frame: &TrapFrame, entry: Entry) -> Self {
        let frame_at = stack_top - size_of::<TrapFrame>();
        let mut words = [0; SAVED];
        words[0] = first_run as *const () as usize; // ra
        words[2] = entry as usize; // s1
        let stack_pointer = frame_at - size_of_val(&words);
        // SAFETY: the stack is mapped, unused and large enough.
        unsafe {
            (frame_at as *mut TrapFrame).write(frame.clone());
            (stack_pointer as *mut [usize; SAVED]).write(words);
        }
        Context {
            stack_pointer: UnsafeCell::new(stack_pointer),
            stack_top: UnsafeCell::new(stack_top),
            ..Self::empty()
        }
    }

    /// Copies the FPU state of the running process, whose context is `parent`, for its child. The thread pointer is among
    /// the registers that the child has got.
    pub fn inherit(&mut self, parent: &Context) {
        // SAFETY: `parent` runs on this CPU, so nobody else touches its context.
        unsafe {
            (*parent.fpu.get()).save();
            *self.fpu.get_mut() = (*parent.fpu.get()).clone();
        }
    }

    /// Puts the FPU of the running process into its first state, for a new program.
    pub fn reset_user_state(&self) {
        self.set_fpu_image(FpuState::new());
    }

    /// The user's tp, in the frame at the top of the kernel stack.
    fn user_tp(&self) -> *mut u64 {
        // SAFETY: the frame lies there, and `stack_top` does not change.
        unsafe {
            let frame = (*self.stack_top.get() - size_of::<TrapFrame>()) as *mut TrapFrame;
            (&raw mut (*frame).x).cast::<u64>().add(reg::TP)
        }
    }

    /// Thread pointer of the running process.
    pub fn thread_pointer(&self) -> usize {
        // SAFETY: the caller's process runs on this CPU.
        unsafe { self.user_tp().read() as usize }
    }

    /// Sets the thread pointer of the running process. `address` must be a user address.
    pub fn set_thread_pointer(&self, address: usize) {
        // SAFETY: the caller's process runs on this CPU.
        unsafe { self.user_tp().write(address as u64) };
    }

    /// Sets the thread pointer with which a new process starts.
    pub fn preset_thread_pointer(&self, address: usize) {
        // SAFETY: the process has not run yet, and its maker is the only one who knows it.
        unsafe { self.user_tp().write(address as u64) };
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
        }
        switch_stacks(from.stack_pointer.get(), *to.stack_pointer.get());
    }
}

#[unsafe(naked)]
unsafe extern "C" fn switch_stacks(save: *mut usize, load: usize) {
    naked_asm!(
        "addi sp, sp, -8 * {saved}",
        "sd ra, 0(sp)",
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11",
        "sd s\\n, 8 + 8 * \\n(sp)",
        ".endr",
        "sd sp, 0(a0)",
        "mv sp, a1",
        "ld ra, 0(sp)",
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11",
        "ld s\\n, 8 + 8 * \\n(sp)",
        ".endr",
        "addi sp, sp, 8 * {saved}",
        "ret",
        saved = const SAVED,
    )
}

/// First instructions of a new process: s1 is its `Entry`, sp its `TrapFrame`.
#[unsafe(naked)]
unsafe extern "C" fn first_run() {
    naked_asm!(
        "mv a0, sp",
        "mv a1, s1",
        "mv s0, zero",
        "call {start}",
        "j trap_return",
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
