//! How processes end: wait4(2) options and the status word.
//!
//! ```text
//! exited:    bits 15-8 exit code, bits 7-0 zero
//! signalled: bits 6-0 signal, bit 7 core dumped
//! stopped:   bits 15-8 signal, bits 7-0 = 0x7f
//! ```

names! {
    /// Options of wait4(2).
    OPTIONS: u32, choice 0 => {
        WNOHANG = 1, "Do not wait.";
        WEXITED = 4, "Report children that ended (waitid).";
        WSTOPPED = 2, "Report stopped children too.";
        WCONTINUED = 8, "Report continued children too.";
        WNOWAIT = 0x0100_0000, "Leave the child in a state in which it can be waited for.";
        __WCLONE = 0x8000_0000, "Only children that do not send SIGCHLD.";
        __WALL = 0x4000_0000, "All children.";
        __WNOTHREAD = 0x2000_0000, "Not the children of other threads.";
    }
}

/// The name that wait4(2) has for [`WSTOPPED`].
pub const WUNTRACED: u32 = WSTOPPED;

/// The status word of wait4(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitStatus(pub u32);

/// The meaning of a [`WaitStatus`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By exit(2), with this code.
    Exited(u8),
    /// By this signal.
    Signaled(u8),
    /// Not at all: stopped by this signal.
    Stopped(u8),
    /// Not at all: continued.
    Continued,
}

impl WaitStatus {
    /// The status of a process that called exit.
    pub const fn exited(code: u8) -> WaitStatus {
        WaitStatus((code as u32) << 8)
    }

    /// The status of a process that a signal killed.
    pub const fn signaled(signal: u32) -> WaitStatus {
        WaitStatus(signal & 0x7f)
    }

    /// The status of a process that a signal stopped.
    pub const fn stopped(signal: u32) -> WaitStatus {
        WaitStatus((signal & 0xff) << 8 | 0x7f)
    }

    /// What happened.
    pub fn ended(self) -> Ended {
        match (self.0 & 0x7f, (self.0 >> 8) as u8) {
            _ if self.0 == 0xffff => Ended::Continued,
            (0, code) => Ended::Exited(code),
            (0x7f, signal) => Ended::Stopped(signal),
            (signal, _) => Ended::Signaled(signal as u8),
        }
    }

    /// The status as a shell shows it in `$?`: the exit code, or 128 plus the signal.
    pub fn shell_status(self) -> u8 {
        match self.ended() {
            Ended::Exited(code) => code,
            Ended::Signaled(signal) | Ended::Stopped(signal) => 128 + (signal & 0x7f),
            Ended::Continued => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_word_says_how_the_process_ended() {
        assert_eq!(WaitStatus::exited(3).ended(), Ended::Exited(3));
        assert_eq!(WaitStatus::signaled(9).ended(), Ended::Signaled(9));
        assert_eq!(WaitStatus(9 | 0x80).ended(), Ended::Signaled(9));
        assert_eq!(WaitStatus::stopped(19).ended(), Ended::Stopped(19));
        assert_eq!(WaitStatus(0xffff).ended(), Ended::Continued);
        assert_eq!(WaitStatus::signaled(2).shell_status(), 130);
    }
}
