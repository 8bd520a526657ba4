//! A submission that is not judged: the reason is one line for the student.

use std::fmt;

/// Why a submission is worth nothing without a trial.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl Refusal {
    /// A refusal as an error. What comes from the submission may hold anything, so whatever would
    /// steer a terminal is shown as a question mark.
    pub fn error(reason: impl Into<String>) -> anyhow::Error {
        let reason: String = reason.into();
        Self(reason.replace(steers_a_terminal, "?")).into()
    }
}

/// Whether a letter moves the cursor, changes colours, or has text run backwards.
pub fn steers_a_terminal(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}
