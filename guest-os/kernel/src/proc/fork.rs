//! Making processes: fork, vfork, and clone as far as it makes processes.

use abi::Errno;
use abi::clone::{
    CLONE_CHILD_SETTID, CLONE_PARENT_SETTID, CLONE_SETTLS, CLONE_THREAD, CLONE_VFORK, CLONE_VM,
    CSIGNAL,
};
use abi::signal::{NSIG, SIGCHLD};
use alloc::sync::Arc;

use super::{Pid, Process, current, table};
use crate::arch::trap::TrapFrame;
use crate::mm::frame;
use crate::mm::user::UserPtr;
use crate::sched;

/// What clone(2) was asked for.
pub struct Request {
    /// `CLONE_*` and the exit signal.
    pub flags: u64,
    /// The child's stack pointer; 0 for the parent's.
    pub stack: usize,
    /// Where `CLONE_PARENT_SETTID` wants the child's number.
    pub parent_tid: usize,
    /// Where `CLONE_CHILD_SETTID` wants it.
    pub child_tid: usize,
    /// Thread pointer for `CLONE_SETTLS`.
    pub thread_pointer: usize,
}

impl Request {
    /// What fork(2) is.
    pub const FORK: Request = Request {
        flags: SIGCHLD as u64,
        stack: 0,
        parent_tid: 0,
        child_tid: 0,
        thread_pointer: 0,
    };
    /// What vfork(2) is.
    pub const VFORK: Request = Request {
        flags: SIGCHLD as u64 | CLONE_VM | CLONE_VFORK,
        ..Self::FORK
    };
}

/// Makes a child of the running process, whose user registers are `frame`; gives its number.
///
/// Descriptors and signal actions are copied; sharing them, and threads, are not offered (`EINVAL`).
pub fn clone(frame: &TrapFrame, request: &Request) -> Result<Pid, Errno> {
    let flags = request.flags;
    if flags & CLONE_THREAD != 0 || flags & CSIGNAL >= u64::from(NSIG) {
        return Err(Errno::EINVAL);
    }
    let me = current();
    frame::check_room()?;
    let ours = me.space().ok_or(Errno::EINVAL)?;
    let pid = table::lock().new_pid()?;
    let mut frame = frame.clone();
    frame.set_result(0);
    if request.stack != 0 {
        frame.set_stack_pointer(request.stack);
    }
    let child = Process::new(pid, &frame, child_starts, Some(&me))?;
    let space = if flags & CLONE_VM != 0 {
        ours
    } else {
        Arc::new(ours.fork()?)
    };
    child.give_space(space);
    if flags & CLONE_SETTLS != 0 {
        child.context.preset_thread_pointer(request.thread_pointer);
    }
    *child.vfork_pending.lock() = flags & CLONE_VFORK != 0;
    if flags & CLONE_CHILD_SETTID != 0 {
        *child.set_child_tid.lock() = request.child_tid;
    }

    table::lock().add(child.clone(), me.pid, (flags & CSIGNAL) as u32);
    if flags & CLONE_PARENT_SETTID != 0 {
        // As on Linux, a bad address does not undo the child.
        let _ = UserPtr::<u32>::new(request.parent_tid).write(&pid);
    }
    crate::probe!(process_fork, me.pid, pid, flags);
    sched::enqueue_new(&child);
    if flags & CLONE_VFORK != 0 {
        wait_for_exec(&child);
    }
    Ok(pid)
}

/// The first thing a child does, in its own address space.
fn child_starts(_frame: &mut TrapFrame) {
    let me = current();
    let address = core::mem::take(&mut *me.set_child_tid.lock());
    if address != 0 {
        let _ = UserPtr::<u32>::new(address).write(&me.pid);
    }
}

/// The parent of a vfork sleeps until the child has a program of its own or has ended, or until a signal comes
/// that ends the parent. Other signals wait with it.
fn wait_for_exec(child: &Process) {
    let mut pending = child.vfork_pending.lock();
    while *pending {
        pending = match child.vfork_done.sleep(pending) {
            Ok(pending) => pending,
            Err(_) if current().signals.is_deadly() => return,
            Err(_) => {
                let pending = child.vfork_pending.lock();
                if !*pending {
                    return;
                }
                child.vfork_done.sleep_uninterruptible(pending)
            }
        };
    }
}

/// The running process no longer uses the address space it may have borrowed.
pub fn release_vfork_parent(process: &Process) {
    *process.vfork_pending.lock() = false;
    process.vfork_done.wake_all();
}
