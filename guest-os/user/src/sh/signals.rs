//! Signals in the shell: what it ignores at a terminal, and `trap`.
//!
//! A handler only notes the signal; the shell looks between commands.

use super::Shell;
use super::exec::Flow;
use abi::signal::{SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, bit};
use core::sync::atomic::{AtomicU64, Ordering};
use rust_alloc::collections::BTreeMap;
use rust_alloc::vec::Vec;
use ulib::sys::{self, Disposition};

/// Signals that came and were not looked at yet, one bit each.
static CAUGHT: AtomicU64 = AtomicU64::new(0);

extern "C" fn note(signal: i32) {
    CAUGHT.fetch_or(bit(signal as u32), Ordering::Relaxed);
}

/// Takes note of Ctrl-C at the prompt: true if it came.
pub fn take_interrupt() -> bool {
    CAUGHT.fetch_and(!bit(SIGINT), Ordering::Relaxed) & bit(SIGINT) != 0
}

/// The number `trap` uses for the end of the shell.
pub const EXIT: u32 = 0;

/// What `trap` was told.
#[derive(Default)]
pub struct Traps {
    /// Commands by signal; an empty one ignores it.
    pub actions: BTreeMap<u32, Vec<u8>>,
}

impl Traps {
    /// Is nothing trapped?
    pub fn is_empty(&self) -> bool {
        self.actions.values().all(Vec::is_empty)
    }

    /// The command for the end of the shell, which runs once.
    pub fn take_exit(&mut self) -> Option<Vec<u8>> {
        self.actions.remove(&EXIT)
    }

    /// Sets the action of a signal; none means the default.
    pub fn set(&mut self, signal: u32, action: Option<&[u8]>) -> sys::Result<()> {
        let disposition = match action {
            None => Disposition::Default,
            Some(b"") => Disposition::Ignore,
            Some(_) => Disposition::Handler(note),
        };
        if signal != EXIT {
            sys::signal(signal, disposition)?;
        }
        match action {
            Some(action) => self.actions.insert(signal, action.to_vec()),
            None => self.actions.remove(&signal),
        };
        Ok(())
    }

    /// In a child, traps do not hold; ignored signals stay ignored.
    pub fn leave(&mut self) {
        let trapped: Vec<u32> = self
            .actions
            .iter()
            .filter(|(_, a)| !a.is_empty())
            .map(|(s, _)| *s)
            .collect();
        for signal in trapped {
            // The signal was set before, so it can be set again.
            let _ = self.set(signal, None);
        }
    }
}

const AT_TERMINAL: [u32; 5] = [SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU];

/// How an interactive shell stands: it survives what the keyboard sends.
pub fn brace_for_terminal() {
    // These signals can all be caught.
    for signal in AT_TERMINAL {
        let _ = sys::signal(signal, Disposition::Ignore);
    }
    let _ = sys::signal(SIGINT, Disposition::Handler(note));
}

/// How a program expects to start.
pub fn relax() {
    for signal in AT_TERMINAL.into_iter().chain([SIGINT]) {
        let _ = sys::signal(signal, Disposition::Default);
    }
}

impl Shell {
    /// Runs the commands of trapped signals that came, and obeys Ctrl-C.
    pub(super) fn run_traps(&mut self) -> Result<(), Flow> {
        let caught = CAUGHT.swap(0, Ordering::Relaxed);
        if caught == 0 {
            return Ok(());
        }
        for signal in (1..abi::signal::NSIG).filter(|signal| caught & bit(*signal) != 0) {
            match self.traps.actions.get(&signal).cloned() {
                Some(action) => {
                    let status = self.status;
                    self.evaluate(&action, false)?;
                    self.status = status;
                }
                None if signal == SIGINT && self.interactive => return Err(Flow::Interrupt),
                None => {}
            }
        }
        Ok(())
    }
}
