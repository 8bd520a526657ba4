//! Constants that come in families (flag words, enumerations) with their names, so that the value
//! the kernel compares and the word the tracer prints are one line of source.
//!
//! `names!` defines the constants and, beside them, a [`Names`] table that spells a value the way
//! strace does: `O_WRONLY|O_CREAT|O_TRUNC`, unknown bits last and in hexadecimal.

use core::fmt;

/// The names of one family of constants.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    /// Bits that together hold one enumerated value; every other bit is a flag of its own.
    pub choice: u64,
    /// Values with their names. A name of several flag bits stands before the names of its parts.
    pub entries: &'static [(u64, &'static str)],
}

impl Names {
    /// The name of one exact value, if it has one.
    pub fn name(&self, value: u64) -> Option<&'static str> {
        self.entries
            .iter()
            .find(|(v, _)| *v == value)
            .map(|(_, name)| *name)
    }

    /// Shows `value` as names joined by `|`.
    pub fn show(&'static self, value: u64) -> Shown {
        Shown { names: self, value }
    }
}

/// A value of a family, displayed by name. Made by [`Names::show`].
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    names: &'static Names,
    value: u64,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut rest = self.value;
        let choice = self.value & self.names.choice;
        if self.names.choice != 0
            && let Some((_, name)) = self
                .names
                .entries
                .iter()
                .find(|(v, _)| v & !self.names.choice == 0 && *v == choice)
        {
            f.write_str(name)?;
            separator = "|";
            rest &= !self.names.choice;
        }
        for (bits, name) in self.names.entries {
            let is_flag = *bits != 0 && bits & !self.names.choice != 0;
            if is_flag && rest & bits == *bits {
                write!(f, "{separator}{name}")?;
                separator = "|";
                rest &= !bits;
            }
        }
        match (rest, separator) {
            (0, "") => f.write_str(self.names.name(0).unwrap_or("0")),
            (0, _) => Ok(()),
            _ => write!(f, "{separator}{rest:#x}"),
        }
    }
}

/// Defines a family of constants and its [`Names`] table.
#[macro_export]
macro_rules! names {
    ($(#[$meta:meta])* $table:ident: $ty:ty, choice $choice:expr => {
        $($constant:ident = $value:expr, $doc:literal;)*
    }) => {
        $(#[doc = $doc] pub const $constant: $ty = $value;)*

        $(#[$meta])*
        pub static $table: $crate::names::Names = $crate::names::Names {
            choice: $choice,
            entries: &[$(($value as u64, stringify!($constant)),)*],
        };
    };
}

#[cfg(test)]
mod tests {
    extern crate alloc;
    use crate::{fcntl, mman, signal};
    use alloc::string::ToString;

    #[test]
    fn flags_are_spelled_as_strace_spells_them() {
        let check = |names: &'static super::Names, value: u64, expected: &str| {
            assert_eq!(names.show(value).to_string(), expected);
        };
        check(&fcntl::OPEN, 0, "O_RDONLY");
        check(&fcntl::OPEN, 0o1101, "O_WRONLY|O_CREAT|O_TRUNC");
        check(&fcntl::OPEN, 0o4010000, "O_RDONLY|O_SYNC");
        check(&fcntl::OPEN, 3 | 1 << 40, "0x10000000003");
        check(&mman::PROT, 0, "PROT_NONE");
        check(&mman::PROT, 3, "PROT_READ|PROT_WRITE");
        check(&mman::MAP, 0x22, "MAP_PRIVATE|MAP_ANONYMOUS");
        check(&fcntl::ACCESS, 0, "F_OK");
        check(&signal::HOW, 2, "SIG_SETMASK");
        check(&fcntl::UNLINK_AT, 0, "0");
    }
}
