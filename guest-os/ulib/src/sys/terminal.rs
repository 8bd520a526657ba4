//! ioctl(2) on terminals.

use super::{Fd, Pid, Result};
use crate::arch::Arg::{In, Int, Out};
use crate::arch::syscall;
use abi::termios::{
    TCGETS, TCSETSW, TIOCGPGRP, TIOCGWINSZ, TIOCSCTTY, TIOCSPGRP, Termios, Winsize,
};
use abi::{Record, nr};

fn get<const N: usize>(fd: Fd, request: u32) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    syscall(
        nr::IOCTL,
        [Int(fd.into()), Int(request.into()), Out(&mut bytes)],
    )?;
    Ok(bytes)
}

fn set(fd: Fd, request: u32, bytes: &[u8]) -> Result<()> {
    syscall(nr::IOCTL, [Int(fd.into()), Int(request.into()), In(bytes)]).map(drop)
}

/// The settings of a terminal; fails with `ENOTTY` for anything else.
pub fn terminal_settings(fd: Fd) -> Result<Termios> {
    get::<{ Termios::SIZE }>(fd, TCGETS).map(|bytes| Termios::from_bytes(&bytes))
}

/// Changes a terminal's settings after its output has drained.
pub fn set_terminal(fd: Fd, settings: &Termios) -> Result<()> {
    set(fd, TCSETSW, &settings.to_bytes())
}

/// The window's size.
pub fn window_size(fd: Fd) -> Result<Winsize> {
    get::<{ Winsize::SIZE }>(fd, TIOCGWINSZ).map(|bytes| Winsize::from_bytes(&bytes))
}

/// The process group that the terminal's signals go to.
pub fn foreground_group(fd: Fd) -> Result<Pid> {
    get::<4>(fd, TIOCGPGRP).map(Pid::from_le_bytes)
}

/// Makes a process group the one that the terminal's signals go to.
pub fn set_foreground_group(fd: Fd, group: Pid) -> Result<()> {
    set(fd, TIOCSPGRP, &group.to_le_bytes())
}

/// Makes a terminal the controlling one of the caller's session.
pub fn set_controlling_terminal(fd: Fd) -> Result<()> {
    syscall(nr::IOCTL, [Int(fd.into()), Int(TIOCSCTTY.into()), Int(0)]).map(drop)
}
