//! A submission that is not judged: the reason is one line for the student.

use std::fmt;

/// Why a submission is worth nothing without a trial.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl Refusal {
    /// A refusal as an error. What comes from the submission may hold anything, so whatever would
    /// move a terminal's cursor is shown as a question mark.
    pub fn error(reason: impl Into<String>) -> anyhow::Error {
        let reason: String = reason.into();
        Self(reason.replace(|letter: char| letter.is_control(), "?")).into()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}
