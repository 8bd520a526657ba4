//! Counts of tests, read from what Rust's test runner prints.

use std::fmt;

/// How many tests came out how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub ignored: u64,
}

impl Tally {
    /// One test.
    pub fn one(passed: bool) -> Self {
        Self {
            passed: passed.into(),
            failed: (!passed).into(),
            ignored: 0,
        }
    }

    /// Sums up the runner's lines `test result: ok. 3 passed; 0 failed; 1 ignored; …`. A run that
    /// did not succeed and yet shows no failed test (it did not compile, it crashed) counts as one.
    pub fn read(text: &str, succeeded: bool) -> Self {
        let mut sum = Self::default();
        for line in text
            .lines()
            .filter_map(|line| line.split_once("test result: "))
            .map(|(_, rest)| rest)
        {
            let words = line.split([' ', ';', '.']).filter(|word| !word.is_empty());
            let mut number = 0;
            for word in words {
                match word {
                    "passed" => sum.passed += number,
                    "failed" => sum.failed += number,
                    "ignored" => sum.ignored += number,
                    "measured" => break,
                    _ => number = word.parse().unwrap_or(0),
                }
            }
        }
        if !succeeded && sum.failed == 0 {
            sum.failed = 1;
        }
        sum
    }

    /// Adds `other`.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.ignored > 0 {
            write!(f, ", {} ignored", self.ignored)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
running 2 tests
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s
test result: FAILED. 10 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";

    #[test]
    fn the_counts_of_all_binaries_are_added() {
        let tally = Tally::read(TEXT, false);
        assert_eq!(
            tally,
            Tally {
                passed: 12,
                failed: 3,
                ignored: 1
            }
        );
        assert_eq!(tally.to_string(), "12 passed, 3 failed, 1 ignored");
    }

    #[test]
    fn a_run_that_did_not_compile_counts_as_failed() {
        assert_eq!(Tally::read("", false), Tally::one(false));
        assert_eq!(Tally::read("", true), Tally::default());
    }
}
