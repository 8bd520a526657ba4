//! Signals.

use super::Result;
use crate::arch::Arg::{In, Int, Out};
use crate::arch::{self, syscall};
use abi::signal::{SIG_DFL, SIG_IGN, SIG_SETMASK, Sigaction};
use abi::{Record, nr};

/// Bytes of a `sigset_t` at the system-call boundary.
const SIGSET: i64 = 8;

/// What a signal does to this process.
#[derive(Clone, Copy, Debug)]
pub enum Disposition {
    /// What signal(7) says.
    Default,
    /// Nothing.
    Ignore,
    /// It calls a function, which must not allocate nor use buffered output.
    Handler(extern "C" fn(i32)),
}

/// rt_sigaction(2): sets the disposition, with `SA_*` flags and signals blocked meanwhile.
pub fn sigaction(signal: u32, disposition: Disposition, flags: u32, mask: u64) -> Result<()> {
    let handler = match disposition {
        Disposition::Default => SIG_DFL,
        Disposition::Ignore => SIG_IGN,
        Disposition::Handler(function) => function as *const () as u64,
    };
    let action = arch::action(handler, flags, mask).to_bytes();
    let args = [Int(signal.into()), In(&action), Int(0), Int(SIGSET)];
    syscall(nr::RT_SIGACTION, args).map(drop)
}

/// The present action of a signal.
pub fn current_action(signal: u32) -> Result<Sigaction> {
    let mut action = [0; Sigaction::SIZE];
    let args = [Int(signal.into()), Int(0), Out(&mut action), Int(SIGSET)];
    syscall(nr::RT_SIGACTION, args)?;
    Ok(Sigaction::from_bytes(&action))
}

/// Sets the disposition with no flags.
pub fn signal(signal: u32, disposition: Disposition) -> Result<()> {
    sigaction(signal, disposition, 0, 0)
}

/// rt_sigprocmask(2): the previous mask.
pub fn sigprocmask(how: u32, set: u64) -> Result<u64> {
    let mut old = [0; 8];
    let set = set.to_le_bytes();
    let args = [Int(how.into()), In(&set), Out(&mut old), Int(SIGSET)];
    syscall(nr::RT_SIGPROCMASK, args)?;
    Ok(u64::from_le_bytes(old))
}

/// Replaces the mask.
pub fn set_mask(set: u64) -> Result<u64> {
    sigprocmask(SIG_SETMASK, set)
}

/// rt_sigpending(2).
pub fn sigpending() -> Result<u64> {
    let mut set = [0; 8];
    syscall(nr::RT_SIGPENDING, [Out(&mut set), Int(SIGSET)])?;
    Ok(u64::from_le_bytes(set))
}

/// rt_sigsuspend(2): waits for a signal outside `mask`; always an error, `EINTR`.
pub fn sigsuspend(mask: u64) -> Result<()> {
    let mask = mask.to_le_bytes();
    syscall(nr::RT_SIGSUSPEND, [In(&mask), Int(SIGSET)]).map(drop)
}

/// pause(2): always an error, `EINTR`.
pub fn pause() -> Result<()> {
    arch::pause().map(drop)
}

/// alarm(2): seconds that were left of an earlier one.
pub fn alarm(seconds: u32) -> u32 {
    // The call cannot fail.
    arch::alarm(seconds).unwrap_or(0) as u32
}
