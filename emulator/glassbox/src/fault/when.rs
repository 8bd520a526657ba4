//! Which passes of a site are meant: strace's `when` expressions.
//!
//! ```text
//! #3        the third             #5..9     the fifth to the ninth       (nothing)  every one
//! #5..      from the fifth on     #5+2      the fifth, the seventh, ...  #5..9+2    both
//! ```
//!
//! `#5+` is `#5..`, as strace writes it, and `:when=EXPR` behind the action is `#EXPR` behind the site.

use std::fmt;

/// Passes of a site, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    first: u64,
    /// The last one that may be meant.
    last: u64,
    /// The distance from one to the next; at least 1.
    step: u64,
}

impl When {
    /// Every pass.
    pub const ALWAYS: Self = Self {
        first: 1,
        last: u64::MAX,
        step: 1,
    };

    /// Only this pass.
    pub const fn once(count: u64) -> Self {
        Self {
            first: count,
            last: count,
            step: 1,
        }
    }

    /// Whether pass number `count` is meant.
    pub const fn has(&self, count: u64) -> bool {
        self.first <= count && count <= self.last && (count - self.first).is_multiple_of(self.step)
    }

    /// The first pass that is meant.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// Reads what stands behind `#` or `when=`; the error says what is wrong with it.
    ///
    /// # Errors
    /// It is no such expression, or means no pass.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (range, step) = match text.split_once('+') {
            None => (text, None),
            Some((range, "")) => (range, Some(1)),
            Some((range, step)) => (range, Some(count(step)?)),
        };
        let (first, last) = match range.split_once("..") {
            None => {
                let first = count(range)?;
                (first, if step.is_some() { u64::MAX } else { first })
            }
            Some((first, "")) => (count(first)?, u64::MAX),
            Some((first, last)) => (count(first)?, count(last)?),
        };
        if last < first {
            return Err(format!("'{text}' ends before it begins"));
        }
        Ok(Self {
            first,
            last,
            step: step.unwrap_or(1),
        })
    }
}

fn count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("counts begin at 1".into()),
        Ok(count) => Ok(count),
        Err(_) => Err(format!(
            "'{text}' is no count; counts are as in #3, #5..9, #5.. and #5+2"
        )),
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, step } = *self;
        if *self == Self::ALWAYS {
            return Ok(());
        }
        write!(f, "#{first}")?;
        match last {
            u64::MAX if step == 1 => write!(f, "..")?,
            u64::MAX => {}
            _ if last == first => {}
            _ => write!(f, "..{last}")?,
        }
        if step != 1 && last != first {
            write!(f, "+{step}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_mean_passes_and_print_as_they_are_written() {
        let rows: [(&str, &str, &[u64]); 8] = [
            ("3", "#3", &[3]),
            ("5..7", "#5..7", &[5, 6, 7]),
            ("5..", "#5..", &[5, 6, 7, 8, 9, 10]),
            ("5+", "#5..", &[5, 6, 7, 8, 9, 10]),
            ("5+2", "#5+2", &[5, 7, 9]),
            ("5..8+2", "#5..8+2", &[5, 7]),
            ("1..", "", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            ("4..4+3", "#4", &[4]),
        ];
        for (text, printed, passes) in rows {
            let when = When::parse(text).unwrap();
            let meant: Vec<u64> = (1..=10).filter(|&n| when.has(n)).collect();
            assert_eq!(meant, passes, "{text}");
            assert_eq!(when.to_string(), printed, "{text}");
            assert_eq!(when.first(), passes[0]);
        }
        assert!(!When::parse("3").unwrap().has(0));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for text in [
            "", "0", "x", "3..0", "9..5", "5+0", "+2", "..4", "-1", "1..2..3",
        ] {
            assert!(When::parse(text).is_err(), "{text}");
        }
    }
}
