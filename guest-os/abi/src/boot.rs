//! How a Silica machine starts and ends: the kernel command line, the exit word, the console ports.

/// Keys of the kernel command line; `kcore::cmdline` splits it.
pub mod key {
    /// `run="LINE"`: run this shell line, then switch off with its status.
    pub const RUN: &str = "run";
    /// `quiet`: no log on the console.
    pub const QUIET: &str = "quiet";
    /// `loglevel=N`: log messages up to this severity.
    pub const LOGLEVEL: &str = "loglevel";
    /// `root=vda|ram`: the device of the root file system.
    pub const ROOT: &str = "root";
    /// `policy=NAME`: the scheduling policy.
    pub const POLICY: &str = "policy";
    /// `init=PATH`: the first program.
    pub const INIT: &str = "init";
    /// `virtio_mmio.device=SIZE@ADDRESS:IRQ`: a virtio device (Linux's form).
    pub const VIRTIO_MMIO: &str = "virtio_mmio.device";
}

/// I/O port of the debug-exit device: one 32-bit write of an [`ExitWord`] ends the machine.
pub const DEBUG_EXIT_PORT: u16 = 0xf4;
/// I/O port of the ACPI-style power-off.
pub const POWER_OFF_PORT: u16 = 0x604;
/// What switches off when written there (SLP_TYP 0, SLP_EN).
pub const POWER_OFF_VALUE: u16 = 0x2000;

/// Names of the console ports that carry the standard streams of `run=`.
pub const STDIO_PORTS: [&str; 3] = ["glassbox.stdin", "glassbox.stdout", "glassbox.stderr"];

/// Status of a panic in a finisher's code: what `glassbox` exits with after one.
const PANIC_STATUS: u16 = 124;

/// The last word of a machine.
///
/// ```text
///  31      24 23      16 15       9  8  7       0
/// +----------+----------+----------+---+----------+
/// |    0     |  signal  |    0     | P |  status  |   P: kernel panic
/// +----------+----------+----------+---+----------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitWord(pub u32);

impl ExitWord {
    /// The kernel panicked.
    pub const PANIC: ExitWord = ExitWord(0x100);

    /// The command exited with this status.
    pub const fn exited(status: u8) -> ExitWord {
        ExitWord(status as u32)
    }

    /// The command was ended by this signal.
    pub const fn signaled(signal: u8) -> ExitWord {
        ExitWord((signal as u32) << 16 | (128 + (signal & 0x7f)) as u32)
    }

    /// Status of the command, 128 plus the signal if one ended it.
    pub const fn status(self) -> u8 {
        self.0 as u8
    }

    /// Did the kernel panic?
    pub const fn is_panic(self) -> bool {
        self.0 & 0x100 != 0
    }

    /// The word as the 16-bit code of a test finisher (`sifive,test0`), where there is no device that takes it whole.
    ///
    /// ```text
    ///  15      9  8  7       0
    /// +---------+---+----------+
    /// |  signal | P |  status  |   the status of a panic is 124, so that QEMU, which keeps 8 bits, tells it
    /// +---------+---+----------+
    /// ```
    pub const fn finisher_code(self) -> u16 {
        let status = if self.is_panic() {
            PANIC_STATUS
        } else {
            self.status() as u16
        };
        ((self.0 >> 16 & 0x7f) as u16) << 9 | self.0 as u16 & 0x100 | status
    }

    /// The word that a finisher's code stands for.
    pub const fn from_finisher_code(code: u16) -> ExitWord {
        if code & 0x100 != 0 {
            return ExitWord::PANIC;
        }
        ExitWord((code as u32 >> 9) << 16 | code as u32 & 0xff)
    }

    /// The signal that ended the command.
    pub fn signal(self) -> Option<u8> {
        match (self.0 >> 16) as u8 {
            0 => None,
            signal => Some(signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ExitWord;

    #[test]
    fn an_exit_word_keeps_status_and_signal_apart() {
        assert_eq!(ExitWord::exited(7).status(), 7);
        assert_eq!(ExitWord::exited(7).signal(), None);
        let killed = ExitWord::signaled(9);
        assert_eq!(
            (killed.status(), killed.signal(), killed.is_panic()),
            (137, Some(9), false)
        );
        assert!(ExitWord::PANIC.is_panic());
    }

    #[test]
    fn an_exit_word_fits_into_a_finishers_code() {
        let words = [
            ExitWord::exited(0),
            ExitWord::exited(255),
            ExitWord::signaled(9),
            ExitWord::signaled(64),
            ExitWord::PANIC,
        ];
        for word in words {
            assert_eq!(ExitWord::from_finisher_code(word.finisher_code()), word);
        }
        assert_eq!(ExitWord::exited(0).finisher_code(), 0);
        assert_eq!(ExitWord::PANIC.finisher_code() & 0xff, 124);
    }
}
