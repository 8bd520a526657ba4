//! Signal frames: what a handler finds on its stack, and rt_sigreturn(2) takes back (layout: `abi::isa::riscv64`).

use abi::sigframe::{Mcontext, SS_DISABLE, SigStack, Siginfo, Ucontext};
use abi::signal::{SA_ONSTACK, Sigaction};
use abi::{Errno, Record};

use super::fpu::FpuState;
use super::frame::reg;
use super::trap::TrapFrame;
use crate::mm::user::UserPtr;
use crate::proc::signal::is_on_stack;
use crate::proc::trampoline;

/// Code that calls rt_sigreturn(2), for programs to return to from a handler: `li a7, 139` and `ecall`, by which
/// debuggers know a signal frame.
pub const RETURN_CODE: &[u8] = &[0x93, 0x08, 0xb0, 0x08, 0x73, 0x00, 0x00, 0x00];

const _: () = assert!(abi::nr::RT_SIGRETURN == 139);

/// Pushes a frame for a handler and makes `frame` enter it.
pub fn push(
    frame: &mut TrapFrame,
    action: &Sigaction,
    info: &Siginfo,
    mask: u64,
    fpu: &FpuState,
    stack: &SigStack,
) -> Result<(), Errno> {
    // A handler that asks for the alternative stack gets it, unless one is running there already.
    let wants_other = action.flags as u32 & SA_ONSTACK != 0 && stack.flags & SS_DISABLE == 0;
    let top = if wants_other && !is_on_stack(stack, frame.stack_pointer()) {
        stack.sp.saturating_add(stack.size)
    } else {
        frame.stack_pointer() as u64
    };
    let size = (Siginfo::SIZE + Ucontext::SIZE) as u64;
    let info_at = top.checked_sub(size).ok_or(Errno::EFAULT)? & !15;
    let context_at = info_at + Siginfo::SIZE as u64;
    let mut x = [0; 31];
    x.copy_from_slice(&frame.x[1..]);
    let context = Ucontext {
        stack: *stack,
        sigmask: mask,
        mcontext: Mcontext {
            pc: frame.pc,
            x,
            f: fpu.f,
            fcsr: fpu.fcsr as u32,
            ..Mcontext::default()
        },
        ..Ucontext::default()
    };
    UserPtr::new(info_at as usize).write(info)?;
    UserPtr::new(context_at as usize).write(&context)?;

    frame.pc = action.handler;
    frame.x[reg::RA] = trampoline::ADDRESS as u64;
    frame.x[reg::SP] = info_at;
    frame.x[reg::A0] = info.signo as u64;
    frame.x[reg::A1] = info_at;
    frame.x[reg::A2] = context_at;
    frame.sanitize();
    Ok(())
}

/// Takes the frame back that the handler has left. Gives the signal mask and the FPU state to restore.
pub fn pop(frame: &mut TrapFrame) -> Result<(u64, Option<FpuState>), Errno> {
    // The handler has put its stack pointer back to where it found it.
    let context_at = frame
        .stack_pointer()
        .checked_add(Siginfo::SIZE)
        .ok_or(Errno::EFAULT)?;
    let context: Ucontext = UserPtr::new(context_at).read()?;
    let m = &context.mcontext;
    frame.pc = m.pc;
    frame.x[1..].copy_from_slice(&m.x);
    frame.sanitize();
    Ok((context.sigmask, Some(FpuState::from_user(m.f, m.fcsr))))
}
