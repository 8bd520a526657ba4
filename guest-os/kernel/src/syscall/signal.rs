//! Signal calls.

use core::ffi::CStr;

use abi::Errno;
use abi::sigframe::{MINSIGSTKSZ, SS_DISABLE, SS_ONSTACK, SigStack};
use abi::signal::{NSIG, SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, SIGKILL, SIGSTOP, Sigaction};

use super::{Args, SysResult};
use crate::proc::signal::{Origin, is_on_stack, return_from_handler, send, send_to_group};
use crate::proc::{Pid, current, table};
use crate::sync::IrqGuard;

/// Size of a `sigset_t`, which callers must state.
const SIGSET_SIZE: usize = 8;

/// A signal number, or 0 for "only ask".
fn signal_number(args: &Args, index: usize) -> Result<u32, Errno> {
    let signal = args.uint(index);
    if signal < NSIG {
        Ok(signal)
    } else {
        Err(Errno::EINVAL)
    }
}

fn send_to_process(pid: i32, signal: u32, origin: Origin) -> SysResult {
    let process = Pid::try_from(pid)
        .ok()
        .and_then(table::find)
        .ok_or(Errno::ESRCH)?;
    if signal != 0 {
        send(&process, signal, origin);
    }
    Ok(0)
}

/// kill(2): to a process, to a group (0 or negative), or to everybody but process 1 and the caller (-1).
pub fn kill(args: &mut Args) -> SysResult {
    let (target, signal) = (args.int(0), signal_number(args, 1)?);
    let me = current().pid;
    let origin = Origin::Process(me);
    match target {
        1.. => send_to_process(target, signal, origin),
        0 => {
            let (_, group, _) = table::relations(me).ok_or(Errno::ESRCH)?;
            send_to_group(group, signal, origin).map(|()| 0)
        }
        -1 => {
            let mut others = table::all();
            others.retain(|process| process.pid != table::INIT && process.pid != me);
            if others.is_empty() {
                return Err(Errno::ESRCH);
            }
            if signal != 0 {
                others
                    .iter()
                    .for_each(|process| send(process, signal, origin));
            }
            Ok(0)
        }
        _ => send_to_group(target.unsigned_abs(), signal, origin).map(|()| 0),
    }
}

/// tkill(2): threads are processes here.
pub fn tkill(args: &mut Args) -> SysResult {
    let signal = signal_number(args, 1)?;
    if args.int(0) <= 0 {
        return Err(Errno::EINVAL);
    }
    send_to_process(args.int(0), signal, Origin::Thread(current().pid))
}

/// tgkill(2).
pub fn tgkill(args: &mut Args) -> SysResult {
    let (group, thread, signal) = (args.int(0), args.int(1), signal_number(args, 2)?);
    if group <= 0 || thread <= 0 {
        return Err(Errno::EINVAL);
    }
    if group != thread {
        return Err(Errno::ESRCH);
    }
    send_to_process(thread, signal, Origin::Thread(current().pid))
}

fn check_set_size(size: usize) -> Result<(), Errno> {
    if size == SIGSET_SIZE {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// rt_sigaction(2).
pub fn rt_sigaction(args: &mut Args) -> SysResult {
    check_set_size(args.word(3))?;
    let signal = signal_number(args, 0)?;
    let new = args.pointer::<Sigaction>(1).read_if_some()?;
    if signal == 0 || new.is_some() && matches!(signal, SIGKILL | SIGSTOP) {
        return Err(Errno::EINVAL);
    }
    let signals = &current().signals;
    let old = signals.action(signal);
    if let Some(action) = new {
        signals.set_action(signal, action);
    }
    args.pointer(2).write_if_some(&old)?;
    Ok(0)
}

/// rt_sigprocmask(2).
pub fn rt_sigprocmask(args: &mut Args) -> SysResult {
    check_set_size(args.word(3))?;
    let signals = &current().signals;
    let old = signals.blocked();
    if let Some(set) = args.pointer::<u64>(1).read_if_some()? {
        signals.set_blocked(match args.uint(0) {
            SIG_BLOCK => old | set,
            SIG_UNBLOCK => old & !set,
            SIG_SETMASK => set,
            _ => return Err(Errno::EINVAL),
        });
    }
    args.pointer(2).write_if_some(&old)?;
    Ok(0)
}

/// rt_sigpending(2).
pub fn rt_sigpending(args: &mut Args) -> SysResult {
    check_set_size(args.word(1))?;
    let signals = &current().signals;
    args.pointer(0)
        .write(&(signals.pending() & signals.blocked()))?;
    Ok(0)
}

/// Sleeps, in the call that `wait` names, until a handler has run or the process ends; always `EINTR`.
fn wait_for_signal(wait: &'static CStr) -> SysResult {
    let me = current();
    while !me.has_signal() {
        let irq = IrqGuard::new();
        me.prepare_to_sleep(true, wait);
        if !(me.has_signal() && me.cancel_sleep()) {
            crate::sched::block();
        }
        drop(irq);
    }
    Err(Errno::EINTR)
}

/// rt_sigsuspend(2).
pub fn rt_sigsuspend(args: &mut Args) -> SysResult {
    check_set_size(args.word(1))?;
    let mask = args.pointer::<u64>(0).read()?;
    current().signals.suspend_with(mask);
    wait_for_signal(c"sigsuspend")
}

/// pause(2).
pub fn pause(_args: &mut Args) -> SysResult {
    wait_for_signal(c"pause")
}

/// sigaltstack(2).
pub fn sigaltstack(args: &mut Args) -> SysResult {
    let signals = &current().signals;
    let mut old = signals.alternative_stack();
    let is_used = old.flags & SS_DISABLE == 0 && is_on_stack(&old, args.frame.stack_pointer());
    if let Some(new) = args.pointer::<SigStack>(0).read_if_some()? {
        if is_used {
            return Err(Errno::EPERM);
        }
        if new.flags & !SS_DISABLE != 0 {
            return Err(Errno::EINVAL);
        }
        if new.flags & SS_DISABLE == 0 && new.size < MINSIGSTKSZ {
            return Err(Errno::ENOMEM);
        }
        signals.set_alternative_stack(new);
    }
    if is_used {
        old.flags |= SS_ONSTACK;
    }
    args.pointer(1).write_if_some(&old)?;
    Ok(0)
}

/// rt_sigreturn(2).
pub fn rt_sigreturn(args: &mut Args) -> SysResult {
    return_from_handler(args.frame);
    Ok(args.frame.result()) // the register as it was: it is told to observers, the frame stays
}
