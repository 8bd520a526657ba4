//! Terminals: is it one, how wide, raw mode.

use crate::sys::{self, Fd, Result};
use abi::termios::{ECHO, ICANON, ISIG, Termios, VMIN, VTIME};

/// Is this descriptor a terminal?
pub fn is_terminal(fd: Fd) -> bool {
    sys::terminal_settings(fd).is_ok()
}

/// Columns of the terminal, 80 if it does not say.
pub fn width(fd: Fd) -> usize {
    match sys::window_size(fd) {
        Ok(size) if size.cols > 0 => usize::from(size.cols),
        _ => 80,
    }
}

/// A terminal that gives each key at once and shows none; restored when dropped.
pub struct Raw {
    fd: Fd,
    before: Termios,
}

impl Raw {
    /// Switches the terminal over.
    pub fn enter(fd: Fd) -> Result<Raw> {
        let before = sys::terminal_settings(fd)?;
        let mut raw = before;
        raw.lflag &= !(ICANON | ECHO | ISIG);
        raw.cc[VMIN] = 1;
        raw.cc[VTIME] = 0;
        sys::set_terminal(fd, &raw)?;
        Ok(Raw { fd, before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that went away needs no settings.
        let _ = sys::set_terminal(self.fd, &self.before);
    }
}
