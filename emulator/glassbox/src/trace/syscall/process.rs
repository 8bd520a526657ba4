//! Calls around processes: clone(2), execve(2), wait4(2), futex(2), prctl(2), and time(2).

use super::calls::{Outcome, Shape};
use super::decoder::{Decoder, put};
use super::source::Source;
use super::{structures, text};
use crate::trace::calendar;
use abi::clone::*;
use abi::nr::Struct;
use abi::wait::{Ended, OPTIONS, WaitStatus};

/// Shows what is known when clone(2) begins; says whether that is all.
pub fn clone_enter<S: Source>(d: &mut Decoder<'_, S>) -> bool {
    let (flags, signal) = (d.args[0] & !CSIGNAL, d.args[0] & CSIGNAL);
    d.out.push_str("child_stack=");
    d.address(d.args[1]);
    d.out.push_str(", flags=");
    if flags == 0 {
        d.signal(signal as i32);
    } else {
        d.names(&CLONE, flags);
        if signal != 0 {
            put!(d, "|{}", text::signal_name(signal as i32));
        }
    }
    let more = CLONE_PARENT_SETTID
        | CLONE_PIDFD
        | CLONE_CHILD_SETTID
        | CLONE_CHILD_CLEARTID
        | CLONE_SETTLS;
    flags & more == 0
}

/// Shows the rest of clone(2).
pub fn clone_exit<S: Source>(d: &mut Decoder<'_, S>) {
    let flags = d.args[0];
    let order = d.style.isa.clone_order();
    if flags & (CLONE_PARENT_SETTID | CLONE_PIDFD) != 0 {
        d.out.push_str(", parent_tid=");
        structures::show(Struct::Int, d.args[2], d);
    }
    if flags & CLONE_SETTLS != 0 {
        d.out.push_str(", tls=");
        d.address(d.args[order.thread_pointer]);
    }
    if flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID) != 0 {
        d.out.push_str(", child_tidptr=");
        d.address(d.args[order.child_tid]);
    }
}

/// The arguments of a program.
pub fn arguments<S: Source>(d: &mut Decoder<'_, S>, addr: u64) {
    if addr == 0 {
        return d.address(0);
    }
    for index in 0.. {
        let Some(at) = addr.checked_add(8 * index) else {
            break;
        };
        let Some(string) = d.fetch::<u64>(at) else {
            if index == 0 {
                return d.address(addr);
            }
            put!(d, ", ... /* {at:#x} */");
            break;
        };
        if index == 0 {
            d.out.push('[');
        }
        if string == 0 {
            break;
        }
        if index > 0 {
            d.next();
        }
        if index >= d.elements() as u64 {
            d.out.push_str("...");
            break;
        }
        d.string(string);
    }
    d.out.push(']');
}

/// The environment of a program, counted.
pub fn environment<S: Source>(d: &mut Decoder<'_, S>, addr: u64) {
    /// Most variables that are counted; strace has no limit, but then it does not keep what it reads.
    const MOST: u64 = 1024;
    d.address(addr);
    if addr == 0 {
        return;
    }
    let mut count = 0;
    let ended = loop {
        let at = addr.checked_add(8 * count);
        match at
            .filter(|_| count < MOST)
            .and_then(|at| d.fetch::<u64>(at))
        {
            None if count == 0 => return,
            None => break false,
            Some(0) => break true,
            Some(_) => count += 1,
        }
    };
    let plural = if count == 1 { "" } else { "s" };
    let end = if ended { "" } else { ", unterminated" };
    put!(d, " /* {count} var{plural}{end} */");
}

/// Shows the rest of wait4(2).
pub fn wait4_exit<S: Source>(d: &mut Decoder<'_, S>) {
    let found = d.result.is_some_and(|pid| pid > 0);
    if d.result == Some(0) {
        d.address(d.args[1]);
    } else if let Some(status) = d.fetch_or_address::<u32>(d.args[1]) {
        put!(d, "{}", wait_status(status));
    }
    put!(d, ", {}, ", OPTIONS.show(u64::from(d.args[2] as u32)));
    if found {
        structures::show(Struct::Rusage, d.args[3], d);
    } else {
        d.address(d.args[3]);
    }
}

/// The status word of wait4(2), taken apart.
pub fn wait_status(status: u32) -> String {
    /// Set if a core file was written.
    const CORE: u32 = 0x80;
    let name = |signal: u8| text::signal_name(signal.into());
    let (meaning, used) = match WaitStatus(status).ended() {
        Ended::Stopped(signal) => (
            format!("WIFSTOPPED(s) && WSTOPSIG(s) == {}", name(signal & 0x7f)),
            0xff7f,
        ),
        Ended::Continued => ("WIFCONTINUED(s)".to_owned(), 0xffff),
        Ended::Signaled(signal) => {
            let core = if status & CORE == 0 {
                ""
            } else {
                " && WCOREDUMP(s)"
            };
            (
                format!("WIFSIGNALED(s) && WTERMSIG(s) == {}{core}", name(signal)),
                0xff,
            )
        }
        Ended::Exited(code) => (format!("WIFEXITED(s) && WEXITSTATUS(s) == {code}"), 0xffff),
    };
    match status & !used {
        0 => format!("[{{{meaning}}}]"),
        rest => format!("[{{{meaning}}}|{rest:#x}]"),
    }
}

/// Shows futex(2), which depends on the operation.
pub fn futex<S: Source>(d: &mut Decoder<'_, S>) {
    let [word, _, value, timeout, other, last] = *d.args;
    let operation = d.args[1] as u32;
    let (value, second, last) = (value as u32, timeout as u32, last as u32);
    d.address(word);
    put!(d, ", {}", futex_name(operation));
    let command = operation & 0x7f;
    let no_value = [
        FUTEX_LOCK_PI,
        FUTEX_LOCK_PI2,
        FUTEX_UNLOCK_PI,
        FUTEX_TRYLOCK_PI,
    ];
    if !no_value.contains(&command) {
        put!(d, ", {value}");
    }
    let bits = |last: u32| match last {
        u32::MAX => "FUTEX_BITSET_MATCH_ANY".to_owned(),
        _ => text::hex(last.into()),
    };
    match command {
        FUTEX_WAIT | FUTEX_LOCK_PI | FUTEX_LOCK_PI2 | FUTEX_WAIT_BITSET | FUTEX_WAIT_REQUEUE_PI => {
            d.next();
            structures::show(Struct::Timespec, timeout, d);
            match command {
                FUTEX_WAIT_BITSET => put!(d, ", {}", bits(last)),
                FUTEX_WAIT_REQUEUE_PI => {
                    d.next();
                    d.address(other);
                }
                _ => {}
            }
        }
        FUTEX_WAKE_BITSET => put!(d, ", {}", bits(last)),
        FUTEX_REQUEUE | FUTEX_CMP_REQUEUE | FUTEX_CMP_REQUEUE_PI | FUTEX_WAKE_OP => {
            put!(d, ", {second}, ");
            d.address(other);
            match command {
                FUTEX_REQUEUE => {}
                // Silica has no such call, so its parts are not taken apart.
                FUTEX_WAKE_OP => put!(d, ", {}", text::hex(last.into())),
                _ => put!(d, ", {last}"),
            }
        }
        FUTEX_FD | FUTEX_WAKE | FUTEX_UNLOCK_PI | FUTEX_TRYLOCK_PI => {}
        _ => {
            d.next();
            d.address(timeout);
            d.next();
            d.address(other);
            put!(d, ", {}", text::hex(last.into()));
        }
    }
}

/// An operation of futex(2) with its flags.
fn futex_name(operation: u32) -> String {
    let command = operation & 0x7f;
    let waits = [FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI].contains(&command);
    let clock = operation & FUTEX_CLOCK_REALTIME != 0;
    let known = operation & !(0x7f | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME) == 0;
    match FUTEX.name(command.into()) {
        Some(name) if known && (waits || !clock) => {
            let private = match (operation & FUTEX_PRIVATE_FLAG != 0, command) {
                (false, _) => "",
                (true, FUTEX_FD) => "|FUTEX_PRIVATE_FLAG",
                (true, _) => "_PRIVATE",
            };
            let clock = if clock { "|FUTEX_CLOCK_REALTIME" } else { "" };
            format!("{name}{private}{clock}")
        }
        _ => format!("{operation:#x} /* FUTEX_??? */"),
    }
}

/// Shows what is known when prctl(2) begins; says whether that is all.
pub fn prctl_enter<S: Source>(d: &mut Decoder<'_, S>) -> bool {
    /// Bytes of a thread's name, with its NUL.
    const COMM: usize = 16;
    let option = d.args[0] as u32;
    d.names(&PRCTL, option.into());
    let arg = d.args[1];
    let rest = match option {
        PR_GET_KEEPCAPS | PR_GET_SECCOMP | PR_GET_TIMERSLACK => 5,
        PR_GET_DUMPABLE | PR_GET_SECUREBITS => return false,
        PR_GET_NAME | PR_GET_PDEATHSIG | PR_GET_CHILD_SUBREAPER | PR_GET_TID_ADDRESS => {
            d.next();
            return false;
        }
        PR_SET_NAME => {
            d.next();
            let most = d.style.strings.min(COMM - 1);
            d.path_within(arg, most);
            5
        }
        PR_SET_PDEATHSIG if arg <= 128 => {
            put!(d, ", {}", text::signal_name(arg as i32));
            5
        }
        PR_SET_PDEATHSIG | PR_SET_KEEPCAPS => {
            put!(d, ", {arg}");
            5
        }
        PR_SET_TIMERSLACK => {
            put!(d, ", {}", arg as i64);
            5
        }
        PR_SET_NO_NEW_PRIVS | PR_SET_THP_DISABLE => {
            put!(d, ", {arg}");
            2
        }
        _ => 1,
    };
    for arg in &d.args[rest..5] {
        put!(d, ", {}", text::hex(*arg));
    }
    true
}

/// Shows the rest of prctl(2).
pub fn prctl_exit<S: Source>(d: &mut Decoder<'_, S>) {
    let addr = d.args[1];
    match d.args[0] as u32 {
        PR_GET_NAME if d.failed() => d.address(addr),
        PR_GET_NAME => d.string(addr),
        PR_GET_PDEATHSIG => {
            if let Some(signal) = d.fetch_or_address::<i32>(addr) {
                put!(d, "[{}]", text::signal_name(signal));
            }
        }
        PR_GET_CHILD_SUBREAPER => {
            if let Some(number) = d.fetch_or_address::<u32>(addr) {
                put!(d, "[{number}]");
            }
        }
        PR_GET_TID_ADDRESS => pointer(d),
        _ => {}
    }
}

/// Shows what is known when arch_prctl(2) begins; says whether that is all.
pub fn arch_prctl_enter<S: Source>(d: &mut Decoder<'_, S>) -> bool {
    let option = d.args[0] as u32;
    d.names(&ARCH, option.into());
    match option {
        ARCH_GET_FS | ARCH_GET_GS => {
            d.next();
            return false;
        }
        ARCH_GET_CPUID => {}
        _ => put!(d, ", {}", text::hex(d.args[1])),
    }
    true
}

/// Shows the rest of arch_prctl(2).
pub fn arch_prctl_exit<S: Source>(d: &mut Decoder<'_, S>) {
    pointer(d);
}

/// A pointer to an address.
fn pointer<S: Source>(d: &mut Decoder<'_, S>) {
    if let Some(addr) = d.fetch_or_address::<u64>(d.args[1]) {
        d.out.push('[');
        d.address(addr);
        d.out.push(']');
    }
}

/// Shows time(2).
pub fn time_exit<S: Source>(d: &mut Decoder<'_, S>) -> Outcome {
    if let Some(time) = d.fetch_or_address::<i64>(d.args[0]) {
        put!(d, "[{time}{}]", calendar::comment(time, 0));
    }
    let mut outcome = Outcome::from(Shape::Decimal);
    if let (false, Some(time)) = (d.failed(), d.result) {
        let comment = calendar::comment(time, 0);
        let text = comment.trim_start_matches(" /* ").trim_end_matches(" */");
        outcome.note = (!text.is_empty()).then(|| text.to_owned());
    }
    outcome
}
