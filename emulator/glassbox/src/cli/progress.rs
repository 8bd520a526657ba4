//! How far long work is, for someone who watches: one line on a terminal, nothing anywhere else.

use super::tell;
use std::fmt;
use std::io::IsTerminal;

/// Clears the terminal's line.
const CLEAR: &str = "\r\x1b[K";

/// The line, which is gone once this is.
pub struct Progress {
    watched: bool,
    all: usize,
    done: usize,
}

impl Progress {
    /// For so many steps.
    pub fn new(all: usize) -> Self {
        Self {
            watched: std::io::stderr().is_terminal(),
            all,
            done: 0,
        }
    }

    /// A step is done; `of_what` says more, such as `tests: last one`.
    pub fn step(&mut self, of_what: impl fmt::Display) {
        self.done += 1;
        if self.watched {
            let (done, all) = (self.done, self.all);
            tell(format_args!("{CLEAR}{done} of {all} {of_what}"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.watched {
            tell(CLEAR);
        }
    }
}
