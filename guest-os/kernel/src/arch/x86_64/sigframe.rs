//! Signal frames: what a handler finds on its stack, and rt_sigreturn(2) takes back (layout: `abi::sigframe`).

use abi::sigframe::{Mcontext, SS_DISABLE, SigStack, Siginfo, Ucontext};
use abi::signal::{SA_ONSTACK, SA_RESTORER, Sigaction};
use abi::{Errno, Record};

use super::fpu::FpuState;
use super::trap::TrapFrame;
use crate::mm::user::{UserPtr, copy_in, copy_out};
use crate::proc::signal::is_on_stack;

/// Code that calls rt_sigreturn(2), for programs to return to from a handler: none, they bring it (`sa_restorer`).
pub const RETURN_CODE: &[u8] = &[];

/// Bytes below the stack pointer that a function may use without moving it (System V ABI, 3.2.2).
const RED_ZONE: u64 = 128;
const FPU_SIZE: u64 = 512;

/// Pushes a frame for a handler and makes `frame` enter it.
pub fn push(
    frame: &mut TrapFrame,
    action: &Sigaction,
    info: &Siginfo,
    mask: u64,
    fpu: &FpuState,
    stack: &SigStack,
) -> Result<(), Errno> {
    if action.flags as u32 & SA_RESTORER == 0 {
        return Err(Errno::EFAULT);
    }
    // A handler that asks for the alternative stack gets it, unless one is running there already.
    let wants_other = action.flags as u32 & SA_ONSTACK != 0 && stack.flags & SS_DISABLE == 0;
    let top = if wants_other && !is_on_stack(stack, frame.rsp as usize) {
        stack.sp.saturating_add(stack.size)
    } else {
        frame.rsp.saturating_sub(RED_ZONE)
    };
    let fpu_at = top.checked_sub(FPU_SIZE).ok_or(Errno::EFAULT)? & !63;
    let info_at = fpu_at
        .checked_sub(Siginfo::SIZE as u64)
        .ok_or(Errno::EFAULT)?;
    let context_at = info_at
        .checked_sub(Ucontext::SIZE as u64)
        .ok_or(Errno::EFAULT)?
        & !15;
    // The handler starts as after a CALL: its return address at 16n + 8.
    let return_at = context_at.checked_sub(8).ok_or(Errno::EFAULT)?;

    let context = Ucontext {
        stack: *stack,
        mcontext: registers(frame, mask, fpu_at),
        sigmask: mask,
        ..Ucontext::default()
    };
    copy_out(fpu_at as usize, fpu.bytes())?;
    UserPtr::new(info_at as usize).write(info)?;
    UserPtr::new(context_at as usize).write(&context)?;
    UserPtr::new(return_at as usize).write(&action.restorer)?;

    *frame = TrapFrame {
        rip: action.handler,
        rsp: return_at,
        rdi: info.signo as u64,
        rsi: info_at,
        rdx: context_at,
        rflags: frame.rflags & !(1 << 8 | 1 << 10), // TF and DF are clear when a function begins
        ..frame.clone()
    };
    frame.sanitize();
    Ok(())
}

/// Takes the frame back that the handler has left. Gives the signal mask and the FPU state to restore.
pub fn pop(frame: &mut TrapFrame) -> Result<(u64, Option<FpuState>), Errno> {
    // The handler's RET has taken the return address, so RSP points to the context.
    let context: Ucontext = UserPtr::new(frame.rsp as usize).read()?;
    let fpu = match context.mcontext.fpstate {
        0 => None,
        at => {
            let mut bytes = [0; FPU_SIZE as usize];
            copy_in(at as usize, &mut bytes)?;
            Some(FpuState::from_user(bytes))
        }
    };
    let m = &context.mcontext;
    *frame = TrapFrame {
        r15: m.r15,
        r14: m.r14,
        r13: m.r13,
        r12: m.r12,
        r11: m.r11,
        r10: m.r10,
        r9: m.r9,
        r8: m.r8,
        rbp: m.rbp,
        rdi: m.rdi,
        rsi: m.rsi,
        rdx: m.rdx,
        rcx: m.rcx,
        rbx: m.rbx,
        rax: m.rax,
        rip: m.rip,
        rflags: m.eflags,
        rsp: m.rsp,
        ..frame.clone()
    };
    frame.sanitize();
    Ok((context.sigmask, fpu))
}

fn registers(frame: &TrapFrame, mask: u64, fpu_at: u64) -> Mcontext {
    Mcontext {
        r8: frame.r8,
        r9: frame.r9,
        r10: frame.r10,
        r11: frame.r11,
        r12: frame.r12,
        r13: frame.r13,
        r14: frame.r14,
        r15: frame.r15,
        rdi: frame.rdi,
        rsi: frame.rsi,
        rbp: frame.rbp,
        rbx: frame.rbx,
        rdx: frame.rdx,
        rax: frame.rax,
        rcx: frame.rcx,
        rsp: frame.rsp,
        rip: frame.rip,
        eflags: frame.rflags,
        cs: frame.cs as u16,
        ss: frame.ss as u16,
        err: frame.error,
        trapno: frame.vector,
        oldmask: mask,
        fpstate: fpu_at,
        ..Mcontext::default()
    }
}
