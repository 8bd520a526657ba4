//! The host's terminal in raw mode, and its certain way back.
//!
//! [`Raw`] restores the settings when it is dropped (also while unwinding). SIGTERM, SIGHUP, SIGINT and SIGQUIT are
//! watched: [`Raw::signal`] says when one came, so that the loop can leave and end by that very signal.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A terminal in raw mode, as long as it lives.
pub struct Raw {
    saved: Option<Termios>,
    signal: Arc<AtomicUsize>,
}

impl Raw {
    /// Puts standard input into raw mode, if it is a terminal.
    pub fn enter() -> std::io::Result<Self> {
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGTERM, SIGHUP, SIGINT, SIGQUIT] {
            signal_hook::flag::register_usize(number, Arc::clone(&signal), number as usize)?;
        }
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return Ok(Self {
                saved: None,
                signal,
            });
        }
        let saved = tcgetattr(&stdin)?;
        let mut raw = saved.clone();
        raw.make_raw();
        // Output keeps its processing: the emulator's own messages end in plain newlines.
        raw.output_modes = saved.output_modes;
        tcsetattr(&stdin, OptionalActions::Drain, &raw)?;
        Ok(Self {
            saved: Some(saved),
            signal,
        })
    }

    /// Whether there is a terminal.
    pub const fn is_terminal(&self) -> bool {
        self.saved.is_some()
    }

    /// The signal that asked us to end, if one came.
    pub fn signal(&self) -> Option<i32> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            number => Some(number as i32),
        }
    }

    /// Gives the terminal back.
    pub fn restore(&mut self) {
        if let Some(saved) = self.saved.take() {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &saved);
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.restore();
    }
}
