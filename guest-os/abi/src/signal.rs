//! Signals: numbers, names, actions (signal(7), sigaction(2), asm/signal.h).
//!
//! What the kernel pushes on a handler's stack is in [`crate::sigframe`].

names! {
    /// The standard signals.
    SIGNALS: u32, choice u64::MAX => {
        SIGHUP = 1, "The terminal hung up.";
        SIGINT = 2, "Interrupt from the keyboard.";
        SIGQUIT = 3, "Quit from the keyboard.";
        SIGILL = 4, "Illegal instruction.";
        SIGTRAP = 5, "Trace trap.";
        SIGABRT = 6, "Abort.";
        SIGBUS = 7, "Bus error.";
        SIGFPE = 8, "Arithmetic exception.";
        SIGKILL = 9, "Kill; cannot be caught.";
        SIGUSR1 = 10, "User-defined.";
        SIGSEGV = 11, "Invalid memory reference.";
        SIGUSR2 = 12, "User-defined.";
        SIGPIPE = 13, "Write to a pipe without readers.";
        SIGALRM = 14, "Timer of alarm(2).";
        SIGTERM = 15, "Termination.";
        SIGSTKFLT = 16, "Unused.";
        SIGCHLD = 17, "A child stopped or ended.";
        SIGCONT = 18, "Continue if stopped.";
        SIGSTOP = 19, "Stop; cannot be caught.";
        SIGTSTP = 20, "Stop from the keyboard.";
        SIGTTIN = 21, "Background read from the terminal.";
        SIGTTOU = 22, "Background write to the terminal.";
        SIGURG = 23, "Urgent data on a socket.";
        SIGXCPU = 24, "CPU time limit exceeded.";
        SIGXFSZ = 25, "File size limit exceeded.";
        SIGVTALRM = 26, "Virtual timer.";
        SIGPROF = 27, "Profiling timer.";
        SIGWINCH = 28, "The terminal's size changed.";
        SIGIO = 29, "I/O is possible.";
        SIGPWR = 30, "Power failure.";
        SIGSYS = 31, "Bad system call.";
    }
}

/// One more than the largest signal number (64 real-time signals included).
pub const NSIG: u32 = 65;

/// The name of a signal, such as `SIGINT`.
pub fn name(signal: u32) -> Option<&'static str> {
    SIGNALS.name(u64::from(signal))
}

/// The signal with this name, with or without `SIG`.
pub fn from_name(name: &str) -> Option<u32> {
    let short = name.strip_prefix("SIG").unwrap_or(name);
    SIGNALS
        .entries
        .iter()
        .find(|(_, known)| known["SIG".len()..] == *short)
        .map(|(n, _)| *n as u32)
}

/// The bit of a signal in a `sigset_t`; none for numbers outside 1..=64.
pub const fn bit(signal: u32) -> u64 {
    if signal >= 1 && signal < NSIG {
        1 << (signal - 1)
    } else {
        0
    }
}

/// What a signal does to a process that has not asked for anything else (signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// The process ends.
    Terminate,
    /// The process ends as if with a core file.
    Core,
    /// Nothing happens.
    Ignore,
    /// The process stops.
    Stop,
    /// The process continues if it was stopped.
    Continue,
}

/// The default action of a signal.
pub fn default_action(signal: u32) -> DefaultAction {
    match signal {
        SIGCHLD | SIGURG | SIGWINCH => DefaultAction::Ignore,
        SIGSTOP | SIGTSTP | SIGTTIN | SIGTTOU => DefaultAction::Stop,
        SIGCONT => DefaultAction::Continue,
        SIGQUIT | SIGILL | SIGTRAP | SIGABRT | SIGBUS | SIGFPE | SIGSEGV | SIGXCPU | SIGXFSZ
        | SIGSYS => DefaultAction::Core,
        _ => DefaultAction::Terminate,
    }
}

/// `sa_handler`: the default action.
pub const SIG_DFL: u64 = 0;
/// `sa_handler`: ignore the signal.
pub const SIG_IGN: u64 = 1;

pub use crate::isa::native::Sigaction;

names! {
    /// Flags of sigaction(2).
    SIGACTION: u32, choice 0 => {
        SA_RESTORER = 0x0400_0000, "`restorer` is valid, where there is one.";
        SA_ONSTACK = 0x0800_0000, "Run on the alternative stack.";
        SA_RESTART = 0x1000_0000, "Restart interrupted system calls.";
        SA_INTERRUPT = 0x2000_0000, "No effect.";
        SA_NODEFER = 0x4000_0000, "Do not block the signal in its own handler.";
        SA_RESETHAND = 0x8000_0000, "Back to the default action on entry.";
        SA_SIGINFO = 4, "The handler takes three arguments.";
        SA_NOCLDSTOP = 1, "No SIGCHLD when children stop.";
        SA_NOCLDWAIT = 2, "Children do not become zombies.";
    }
}

names! {
    /// How rt_sigprocmask(2) changes the mask.
    HOW: u32, choice u64::MAX => {
        SIG_BLOCK = 0, "Add to the mask.";
        SIG_UNBLOCK = 1, "Take from the mask.";
        SIG_SETMASK = 2, "Replace the mask.";
    }
}

names! {
    /// Values of `si_code` that any signal can have.
    SI_CODES: i32, choice u64::MAX => {
        SI_USER = 0, "Sent by kill(2).";
        SI_KERNEL = 0x80, "Sent by the kernel.";
        SI_QUEUE = -1, "Sent by sigqueue(3).";
        SI_TIMER = -2, "A timer went off.";
        SI_MESGQ = -3, "A message came.";
        SI_ASYNCIO = -4, "I/O was completed.";
        SI_SIGIO = -5, "I/O is possible.";
        SI_TKILL = -6, "Sent by tgkill(2).";
    }
}

names! {
    /// `si_code` of SIGCHLD.
    CLD_CODES: i32, choice u64::MAX => {
        CLD_EXITED = 1, "It called exit(2).";
        CLD_KILLED = 2, "A signal ended it.";
        CLD_DUMPED = 3, "A signal ended it, and there is a core file.";
        CLD_TRAPPED = 4, "It is traced and has stopped.";
        CLD_STOPPED = 5, "A signal stopped it.";
        CLD_CONTINUED = 6, "It goes on.";
    }
}

names! {
    /// `si_code` of SIGSEGV.
    SEGV_CODES: i32, choice u64::MAX => {
        SEGV_MAPERR = 1, "Nothing is mapped there.";
        SEGV_ACCERR = 2, "What is mapped there may not be used like that.";
        SEGV_BNDERR = 3, "A bound was exceeded.";
        SEGV_PKUERR = 4, "A protection key forbids it.";
    }
}

names! {
    /// `si_code` of SIGBUS.
    BUS_CODES: i32, choice u64::MAX => {
        BUS_ADRALN = 1, "The address is not aligned.";
        BUS_ADRERR = 2, "There is no such physical address.";
        BUS_OBJERR = 3, "What is mapped there cannot be had, such as a page past the end of a file.";
    }
}

names! {
    /// `si_code` of SIGFPE.
    FPE_CODES: i32, choice u64::MAX => {
        FPE_INTDIV = 1, "Integer division by zero.";
        FPE_INTOVF = 2, "Integer overflow.";
        FPE_FLTDIV = 3, "Division by zero.";
        FPE_FLTOVF = 4, "Overflow.";
        FPE_FLTUND = 5, "Underflow.";
        FPE_FLTRES = 6, "Inexact result.";
        FPE_FLTINV = 7, "Invalid operation.";
        FPE_FLTSUB = 8, "Subscript out of range.";
    }
}

names! {
    /// `si_code` of SIGILL.
    ILL_CODES: i32, choice u64::MAX => {
        ILL_ILLOPC = 1, "Illegal opcode.";
        ILL_ILLOPN = 2, "Illegal operand.";
        ILL_ILLADR = 3, "Illegal addressing mode.";
        ILL_ILLTRP = 4, "Illegal trap.";
        ILL_PRVOPC = 5, "Privileged opcode.";
        ILL_PRVREG = 6, "Privileged register.";
        ILL_COPROC = 7, "Coprocessor error.";
        ILL_BADSTK = 8, "Stack error.";
    }
}

names! {
    /// `si_code` of SIGTRAP.
    TRAP_CODES: i32, choice u64::MAX => {
        TRAP_BRKPT = 1, "A breakpoint.";
        TRAP_TRACE = 2, "A single step.";
        TRAP_BRANCH = 3, "A branch.";
        TRAP_HWBKPT = 4, "A breakpoint or watchpoint of the CPU's.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_found_by_either_form_of_their_name() {
        assert_eq!(from_name("INT"), Some(SIGINT));
        assert_eq!(from_name("SIGKILL"), Some(SIGKILL));
        assert_eq!(from_name("NOPE"), None);
        assert_eq!(name(SIGCHLD), Some("SIGCHLD"));
        assert_eq!(name(0), None);
    }

    #[test]
    fn only_numbers_of_signals_have_bits() {
        assert_eq!(bit(0), 0);
        assert_eq!(bit(1), 1);
        assert_eq!(bit(64), 1 << 63);
        assert_eq!(bit(65), 0);
    }
}
