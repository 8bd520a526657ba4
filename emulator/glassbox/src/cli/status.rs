//! The exit statuses, which are a contract: the guest command's own; 2 usage; 121 power cut; 122 hang; 123 budget spent; 124 kernel
//! panic; 125 bad input or host error.

use abi::boot::ExitWord;
use machine::Outcome;

/// Wrong usage; clap's own.
pub const USAGE: u8 = 2;
/// The highest number of a failed test that an exit status tells.
const MOST_TESTS: u8 = 120;
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
    /// What an outcome means. `silica` tells Silica's exit words from a foreign kernel's, which get QEMU's encoding.
    pub fn of(outcome: &Outcome, silica: bool) -> Self {
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
            Outcome::Exit(word) if silica => {
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
            Outcome::Exit(word) => plain("exit", (word << 1 | 1) as u8),
            Outcome::TestFailed { test } => {
                plain("test-failed", (*test).min(MOST_TESTS.into()) as u8)
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
        let bad = |outcome, faults| Ending::of(&outcome, true).is_bad(faults);
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
        assert_eq!(Ending::of(&Outcome::Exit(0x10), false).status, 0x21);
        assert_eq!(Ending::of(&Outcome::Exit(3), true).status, 3);
        assert_eq!(Ending::of(&Outcome::Exit(0x100), true).status, PANIC);
        assert_eq!(Ending::of(&Outcome::Exit(9 << 16 | 137), true).signal, 9);
    }
}
