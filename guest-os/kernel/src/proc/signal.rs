//! Signals: sending, actions, delivery, stopping and continuing.
//!
//! A signal that is sent becomes *pending*, unless the receiver ignores it. It is acted upon when the receiver
//! is about to go back to user mode (`deliver`), so a process that sleeps in the kernel is woken if its
//! sleep is interruptible; the system call then ends with `ERESTARTSYS`, and `syscall::dispatch` decides
//! between a restart and `EINTR`. There is one pending instance of each signal, real-time ones included.

use core::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use abi::sigframe::{SS_DISABLE, SigStack, Siginfo};
use abi::signal::{
    CLD_CONTINUED, CLD_EXITED, CLD_KILLED, CLD_STOPPED, DefaultAction, NSIG, SA_NOCLDSTOP,
    SA_NOCLDWAIT, SA_NODEFER, SA_RESETHAND, SA_RESTART, SI_KERNEL, SI_TKILL, SI_USER, SIG_DFL,
    SIG_IGN, SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, Sigaction, bit,
    default_action,
};
use abi::wait::{Ended, WaitStatus};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use super::exit::{CONTINUED, report_news};
use super::{Pid, Process, State, current, exit, table};
use crate::arch::sigframe;
use crate::arch::trap::TrapFrame;
use crate::mm::layout::USER_TOP;
use crate::sched;
use crate::sync::{IrqGuard, SpinLock};

/// Signals that no one can block, catch or ignore.
const UNBLOCKABLE: u64 = bit(SIGKILL) | bit(SIGSTOP);
/// Signals whose default is to stop, and which SIGCONT takes back.
const STOPPING: u64 = bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);

/// No alternative stack.
const NO_STACK: SigStack = SigStack {
    sp: 0,
    flags: SS_DISABLE,
    pad: 0,
    size: 0,
};

/// Whether `address` lies in an alternative stack.
pub fn is_on_stack(stack: &SigStack, address: usize) -> bool {
    (stack.sp..stack.sp.saturating_add(stack.size)).contains(&(address as u64))
}

/// Who or what sent a signal.
#[derive(Clone, Copy)]
pub enum Origin {
    /// kill(2) by this process.
    Process(Pid),
    /// tgkill(2) by this process.
    Thread(Pid),
    /// The kernel.
    Kernel,
    /// An exception at this address, with this `si_code`.
    Fault {
        /// Where.
        address: usize,
        /// Why.
        code: i32,
    },
    /// A child that ended, stopped or continued.
    Child {
        /// The child.
        pid: Pid,
        /// What happened to it.
        status: WaitStatus,
    },
}

impl Origin {
    /// The process whose number siginfo_t has; 0 for none.
    fn sender(self) -> Pid {
        match self {
            Origin::Process(pid) | Origin::Thread(pid) | Origin::Child { pid, .. } => pid,
            Origin::Kernel | Origin::Fault { .. } => 0,
        }
    }

    /// The address that siginfo_t has; 0 for none.
    fn address(self) -> usize {
        match self {
            Origin::Fault { address, .. } => address,
            _ => 0,
        }
    }
}

/// The signal state of a process.
pub struct Signals {
    pending: AtomicU64,
    blocked: AtomicU64,
    /// The mask to put back after sigsuspend(2); `u64::MAX` for none.
    saved: SpinLock<Option<u64>>,
    actions: SpinLock<Box<[Sigaction; NSIG as usize]>>,
    /// Where handlers run that ask for it (`SA_ONSTACK`).
    alternative_stack: SpinLock<SigStack>,
    /// Details of pending signals.
    origins: SpinLock<BTreeMap<u32, Origin>>,
}

impl Signals {
    /// Nothing pending, nothing blocked, every action the default.
    pub fn new() -> Self {
        Signals {
            pending: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            saved: SpinLock::new(c"signal_mask", None),
            actions: SpinLock::new(
                c"signal_actions",
                Box::new([Sigaction::default(); NSIG as usize]),
            ),
            alternative_stack: SpinLock::new(c"signal_stack", NO_STACK),
            origins: SpinLock::new(c"signal_origins", BTreeMap::new()),
        }
    }

    /// A child's: the same mask and actions, nothing pending.
    pub fn fork(&self) -> Self {
        let child = Self::new();
        child.blocked.store(self.blocked(), Ordering::Relaxed);
        **child.actions.lock() = **self.actions.lock();
        *child.alternative_stack.lock() = self.alternative_stack();
        child
    }

    /// execve(2): handlers are gone with the program, ignored signals stay ignored.
    pub fn exec(&self) {
        *self.alternative_stack.lock() = NO_STACK;
        for action in self
            .actions
            .lock()
            .iter_mut()
            .filter(|action| action.handler != SIG_IGN)
        {
            *action = Sigaction::default();
        }
    }

    /// Blocked signals.
    pub fn blocked(&self) -> u64 {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Pending signals.
    pub fn pending(&self) -> u64 {
        self.pending.load(Ordering::Acquire)
    }

    /// Replaces the set of blocked signals.
    pub fn set_blocked(&self, mask: u64) {
        self.blocked.store(mask & !UNBLOCKABLE, Ordering::Relaxed);
    }

    /// sigsuspend(2): blocks `mask` until the next handler returns.
    pub fn suspend_with(&self, mask: u64) {
        *self.saved.lock() = Some(self.blocked());
        self.set_blocked(mask);
    }

    /// Whether a signal waits that is not blocked.
    pub fn is_deliverable(&self) -> bool {
        self.pending() & !self.blocked() != 0
    }

    /// Whether one of those signals will end the process.
    pub fn is_deadly(&self) -> bool {
        let ready = self.pending() & !self.blocked();
        (1..NSIG)
            .filter(|signal| ready & bit(*signal) != 0)
            .any(|signal| {
                let ends = matches!(
                    default_action(signal),
                    DefaultAction::Terminate | DefaultAction::Core
                );
                ends && self.action(signal).handler == SIG_DFL
            })
    }

    /// The action for a signal in 1..NSIG.
    pub fn action(&self, signal: u32) -> Sigaction {
        self.actions.lock()[signal as usize]
    }

    /// Sets it. A signal that is ignored from now on stops being pending.
    pub fn set_action(&self, signal: u32, action: Sigaction) {
        self.actions.lock()[signal as usize] = action;
        if is_ignored(signal, &action) {
            self.pending.fetch_and(!bit(signal), Ordering::AcqRel);
        }
    }

    /// The alternative signal stack.
    pub fn alternative_stack(&self) -> SigStack {
        *self.alternative_stack.lock()
    }

    /// Sets it.
    pub fn set_alternative_stack(&self, stack: SigStack) {
        *self.alternative_stack.lock() = stack;
    }

    /// Whether children end without anybody asking for their status.
    pub fn ignores_children(&self) -> bool {
        let action = self.action(SIGCHLD);
        action.handler == SIG_IGN || action.flags as u32 & SA_NOCLDWAIT != 0
    }

    /// Whether SIGCHLD is sent for children that stop or continue, too.
    pub fn wants_news_of_children(&self) -> bool {
        self.action(SIGCHLD).flags as u32 & SA_NOCLDSTOP == 0
    }

    /// Sets of ignored and caught signals, for /proc/<pid>/status.
    pub fn ignored_and_caught(&self) -> (u64, u64) {
        let actions = self.actions.lock();
        let with = |test: fn(u64) -> bool| {
            (1..NSIG)
                .filter(|s| test(actions[*s as usize].handler))
                .fold(0, |set, signal| set | bit(signal))
        };
        (
            with(|handler| handler == SIG_IGN),
            with(|handler| handler != SIG_IGN && handler != SIG_DFL),
        )
    }

    /// Takes the next signal to act upon, the lowest number first.
    fn take(&self) -> Option<(u32, Origin)> {
        let ready = self.pending() & !self.blocked();
        if ready == 0 {
            return None;
        }
        let signal = ready.trailing_zeros() + 1;
        self.pending.fetch_and(!bit(signal), Ordering::AcqRel);
        let origin = self
            .origins
            .lock()
            .remove(&signal)
            .unwrap_or(Origin::Kernel);
        Some((signal, origin))
    }
}

impl Default for Signals {
    fn default() -> Self {
        Self::new()
    }
}

fn is_ignored(signal: u32, action: &Sigaction) -> bool {
    action.handler == SIG_IGN
        || action.handler == SIG_DFL
            && matches!(
                default_action(signal),
                DefaultAction::Ignore | DefaultAction::Continue
            )
}

/// Sends a signal to a process. `signal` must be in 1..NSIG.
pub fn send(process: &Arc<Process>, signal: u32, origin: Origin) {
    let signals = &process.signals;
    let blocked = signals.blocked() & bit(signal) != 0;
    let action = signals.action(signal);
    // Process 1 is not killed by a signal it has no handler for.
    let shielded = process.pid == table::INIT
        && action.handler == SIG_DFL
        && !matches!(origin, Origin::Fault { .. });
    let ignored =
        shielded || !blocked && is_ignored(signal, &action) && UNBLOCKABLE & bit(signal) == 0;
    let info = describe(signal, origin);
    crate::probe!(
        signal_generate,
        process.pid,
        signal,
        origin.sender(),
        info.code,
        origin.address(),
        info.status,
        ignored
    );
    if signal == SIGCONT {
        signals.pending.fetch_and(!STOPPING, Ordering::AcqRel);
    } else if STOPPING & bit(signal) != 0 {
        signals.pending.fetch_and(!bit(SIGCONT), Ordering::AcqRel);
    }
    if (signal == SIGCONT || signal == SIGKILL) && process.try_continue() {
        sched::enqueue_woken(process);
        if signal == SIGCONT {
            report_news(process, CONTINUED);
        }
    }
    if ignored {
        return;
    }
    signals.origins.lock().insert(signal, origin);
    signals.pending.fetch_or(bit(signal), Ordering::SeqCst);
    // Asked again: sigsuspend(2) on another CPU may have unblocked it since, looked for it in vain and
    // gone to sleep. From here on it is seen there or the process is woken here.
    if signals.blocked() & bit(signal) == 0 {
        sched::wake_interruptible(process);
        // One that runs on another CPU should look at it soon.
        if process.on_cpu.load(Ordering::Acquire) {
            sched::poke(process);
        }
    }
}

/// Sends a signal the process cannot escape, because it cannot go on: if it is blocked or ignored, the process
/// ends.
pub fn force(signal: u32, origin: Origin) {
    let me = current();
    let action = me.signals.action(signal);
    if me.signals.blocked() & bit(signal) != 0 || action.handler == SIG_IGN {
        me.signals.set_action(signal, Sigaction::default());
        me.signals.set_blocked(me.signals.blocked() & !bit(signal));
    }
    send(&me.arc(), signal, origin);
}

/// Sends a signal to every member of a group; `ESRCH` if it has none. `signal` 0 only asks.
pub fn send_to_group(group: Pid, signal: u32, origin: Origin) -> Result<(), Errno> {
    let members = table::group_members(group);
    if members.is_empty() {
        return Err(Errno::ESRCH);
    }
    if signal != 0 {
        members
            .iter()
            .for_each(|member| send(member, signal, origin));
    }
    Ok(())
}

/// Acts upon one pending signal of the running process, which is about to go back to `frame`.
pub fn deliver(frame: &mut TrapFrame) {
    let me = current();
    let Some((signal, origin)) = me.signals.take() else {
        return;
    };
    let action = me.signals.action(signal);
    let info = describe(signal, origin);
    crate::probe!(
        signal_deliver,
        me.pid,
        signal,
        action.handler,
        origin.sender(),
        info.code,
        origin.address(),
        info.status
    );
    match action.handler {
        SIG_IGN => {}
        SIG_DFL => match default_action(signal) {
            DefaultAction::Ignore | DefaultAction::Continue => {}
            DefaultAction::Stop => stop(signal),
            DefaultAction::Terminate | DefaultAction::Core => {
                exit::exit(WaitStatus::signaled(signal))
            }
        },
        _ => enter_handler(frame, signal, &action, &info),
    }
}

/// A system call that a signal interrupted is made again, or ends with `EINTR` if a handler ran that did not
/// ask for restarts.
pub fn finish_interrupted_call(frame: &mut TrapFrame, action: Option<&Sigaction>) {
    let interrupted = frame.syscall_number().is_some()
        && frame.result() == Errno::ERESTARTSYS.to_result() as usize;
    if !interrupted {
        return;
    }
    match action {
        Some(action) if action.flags as u32 & SA_RESTART == 0 => {
            frame.set_result(Errno::EINTR.to_result() as usize)
        }
        _ => frame.restart_syscall(),
    }
}

fn enter_handler(frame: &mut TrapFrame, signal: u32, action: &Sigaction, info: &Siginfo) {
    let me = current();
    finish_interrupted_call(frame, Some(action));
    let mask = me
        .signals
        .saved
        .lock()
        .take()
        .unwrap_or(me.signals.blocked());
    let fpu = me.context.fpu_image();
    let stack = me.signals.alternative_stack();
    let pushed = (action.handler < USER_TOP as u64)
        .then(|| sigframe::push(frame, action, info, mask, &fpu, &stack))
        .is_some_and(|pushed| pushed.is_ok());
    if !pushed {
        // No room for the frame: as if the program had overrun its stack.
        exit::exit(WaitStatus::signaled(abi::signal::SIGSEGV));
    }
    let own = if action.flags as u32 & SA_NODEFER != 0 {
        0
    } else {
        bit(signal)
    };
    me.signals
        .set_blocked(me.signals.blocked() | action.mask | own);
    if action.flags as u32 & SA_RESETHAND != 0 {
        me.signals.set_action(signal, Sigaction::default());
    }
}

/// rt_sigreturn(2): goes back to what the handler interrupted.
pub fn return_from_handler(frame: &mut TrapFrame) {
    let me = current();
    match sigframe::pop(frame) {
        Ok((mask, fpu)) => {
            me.signals.set_blocked(mask);
            if let Some(fpu) = fpu {
                me.context.set_fpu_image(fpu);
            }
        }
        Err(_) => exit::exit(WaitStatus::signaled(abi::signal::SIGSEGV)),
    }
}

fn stop(signal: u32) {
    let me = current();
    let irq = IrqGuard::new();
    me.set_wait(c"signal_stop");
    me.set_state(State::Stopped);
    report_news(&me, WaitStatus::stopped(signal));
    // SIGKILL or SIGCONT may have come between `take` and the change of state.
    let urgent = bit(SIGKILL) | bit(SIGCONT);
    if me.signals.pending() & urgent == 0 || !me.try_continue() {
        sched::stop();
    }
    me.set_state(State::Running);
    drop(irq);
}

/// The siginfo_t for a handler, and for probes.
fn describe(signal: u32, origin: Origin) -> Siginfo {
    let mut info = Siginfo {
        signo: signal as i32,
        ..Siginfo::default()
    };
    match origin {
        Origin::Process(pid) => (info.code, info.pid_or_addr_low) = (SI_USER, pid),
        Origin::Thread(pid) => (info.code, info.pid_or_addr_low) = (SI_TKILL, pid),
        Origin::Kernel => info.code = SI_KERNEL,
        Origin::Fault { address, code } => {
            info.code = code;
            info.pid_or_addr_low = address as u32;
            info.uid_or_addr_high = (address >> 32) as u32;
        }
        Origin::Child { pid, status } => {
            (info.code, info.status) = match status.ended() {
                Ended::Exited(code) => (CLD_EXITED, code.into()),
                Ended::Signaled(signal) => (CLD_KILLED, signal.into()),
                Ended::Stopped(signal) => (CLD_STOPPED, signal.into()),
                Ended::Continued => (CLD_CONTINUED, SIGCONT as i32),
            };
            info.pid_or_addr_low = pid;
        }
    }
    info
}
