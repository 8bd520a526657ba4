//! The exit statuses, which are a contract: the guest command's own; 2 usage; 121 power cut; 122 hang; 123 budget spent; 124 kernel
//! panic; 125 bad input or host error.

use crate::guest::{Arch, Guest};
use abi::boot::ExitWord;
use machine::Outcome;

/// Wrong usage; clap's own.
pub const USAGE: u8 = 2;
/// The highest number of a failed test that an exit status tells.
const MOST_TESTS: u64 = 121;
/// The power was cut, as a planned fault had it.
pub const POWER_CUT: u8 = 121;
/// The guest hangs or is deadlocked.
pub const HANG: u8 = 122;
/// The instruction budget is spent.
pub const BUDGET: u8 = 123;
/// The guest's kernel panicked, or its CPU shut down.
pub const PANIC: u8 = 124;
/// Bad input, a host error, or something the emulator lacks.
pub const ERROR: u8 = 125;

/// Whose words an outcome is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Silica's.
    Silica,
    /// Somebody else's, on this board.
    Foreign(Arch),
}

impl Kernel {
    /// That of `guest`.
    pub fn of(guest: &Guest) -> Self {
        match guest.silica {
            true => Self::Silica,
            false => Self::Foreign(guest.machine.board.arch()),
        }
    }
}

/// How a guest ended, in the words of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// One word for machines.
    pub outcome: &'static str,
    /// The emulator's exit status.
    pub status: u8,
    /// The signal that killed the guest's command, or 0.
    pub signal: u8,
    /// Whether the state of each CPU is worth showing.
    pub diagnose: bool,
}

impl Ending {
    /// Whether somebody may want to see this run again: the guest did what no guest should, or did not do well after
    /// things were made to go wrong.
    pub const fn is_bad(&self, faults: bool) -> bool {
        let loud = self.diagnose && self.status != BUDGET;
        loud || faults && self.status != 0
    }
}

impl Ending {
    /// What an outcome means. A foreign kernel's words are encoded as its board's QEMU does.
    pub fn of(outcome: &Outcome, kernel: Kernel) -> Self {
        let plain = |outcome, status| Self {
            outcome,
            status,
            signal: 0,
            diagnose: false,
        };
        let loud = |outcome, status| Self {
            diagnose: true,
            ..plain(outcome, status)
        };
        match outcome {
            Outcome::Exit(word) if kernel == Kernel::Silica => {
                let word = ExitWord(*word);
                match word.signal() {
                    _ if word.is_panic() => loud("panic", PANIC),
                    Some(signal) => Self {
                        signal,
                        ..plain("signal", word.status())
                    },
                    None => plain("exit", word.status()),
                }
            }
            Outcome::Exit(code) if kernel == Kernel::Foreign(Arch::Riscv64) => {
                loud("test-failed", u64::from(*code).min(MOST_TESTS) as u8)
            }
            Outcome::Exit(word) => plain("exit", (word << 1 | 1) as u8),
            Outcome::TestFailed { test } => {
                loud("test-failed", (*test as u64).min(MOST_TESTS) as u8)
            }
            Outcome::PowerOff | Outcome::Reset => plain("poweroff", 0),
            Outcome::PowerCut => plain("power-cut", POWER_CUT),
            Outcome::TripleFault { .. } => loud("triple-fault", PANIC),
            Outcome::Gap { .. } => loud("not-implemented", ERROR),
            Outcome::Hang(_) => loud("hang", HANG),
            Outcome::Budget => loud("budget", BUDGET),
            Outcome::TimeUp | Outcome::Idle { .. } | Outcome::Input { .. } => plain("stopped", 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_end_is_the_kernels_or_comes_after_faults() {
        let bad = |outcome, faults| Ending::of(&outcome, Kernel::Silica).is_bad(faults);
        assert!(bad(Outcome::Exit(0x100), false));
        assert!(bad(Outcome::Hang(machine::Hang::AllHalted), false));
        for outcome in [Outcome::Exit(1), Outcome::Budget, Outcome::PowerCut] {
            assert!(!bad(outcome, false));
            assert!(bad(outcome, true));
        }
        assert!(!bad(Outcome::Exit(0), true));
    }

    #[test]
    fn a_foreign_kernels_word_is_encoded_as_qemu_does() {
        let foreign = |arch, word| Ending::of(&Outcome::Exit(word), Kernel::Foreign(arch)).status;
        assert_eq!(foreign(Arch::X86_64, 0x10), 0x21);
        assert_eq!(foreign(Arch::Riscv64, 3), 3);
        assert_eq!(foreign(Arch::Riscv64, 1337), 121);
        let silicas = |word| Ending::of(&Outcome::Exit(word), Kernel::Silica);
        assert_eq!(silicas(3).status, 3);
        assert_eq!(silicas(0x100).status, PANIC);
        assert_eq!(silicas(9 << 16 | 137).signal, 9);
    }
}
