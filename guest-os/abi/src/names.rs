//! Constants that come in families (flag words, enumerations) with their names, so that the value
//! the kernel compares and the word the tracer prints are one line of source.
//!
//! `names!` defines the constants and, beside them, a [`Names`] table that spells a value the way
//! strace does: `O_WRONLY|O_CREAT|O_TRUNC`, unknown bits last and in hexadecimal.

use core::fmt;

/// The names of one family of constants.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    /// Bits that together hold one enumerated value, all of them if there is nothing else; every other bit is a flag
    /// of its own.
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

    /// What strace writes for a value without a name: the family's beginning and three question marks, or for modes
    /// of access(2) its end.
    pub fn unknown(&self) -> (&'static str, &'static str) {
        let Some((_, first)) = self.entries.first() else {
            return ("", "???");
        };
        if first.ends_with("_OK") {
            return ("?", "_OK");
        }
        let shared = match first.find('_') {
            Some(at) => at + 1,
            None => self.entries.iter().fold(first.len(), |len, (_, name)| {
                let name = name.trim_start_matches('_');
                let same = first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b);
                len.min(same.count())
            }),
        };
        (&first[..shared], "???")
    }

    /// Shows `value` as strace does: a choice by name, flags joined by `|`. The alternate form (`{:#}`) has no comment
    /// on values without a name and is empty for no flags, unless that has a name.
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

impl Shown {
    /// A value that has no name.
    fn unnamed(&self, value: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if value != 0 {
            write!(f, "{value:#x}")?;
        } else {
            f.write_str("0")?;
        }
        if f.alternate() {
            return Ok(());
        }
        let (start, end) = self.names.unknown();
        write!(f, " /* {start}{end} */")
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mask = self.names.choice;
        let mut separator = "";
        let mut rest = self.value;
        if mask != 0 {
            let choice = self.value & mask;
            let is_choice = |v: u64| v & !mask == 0 && v == choice;
            match self.names.entries.iter().find(|(v, _)| is_choice(*v)) {
                Some((_, name)) => f.write_str(name)?,
                None => self.unnamed(choice, f)?,
            }
            separator = "|";
            rest &= !mask;
        }
        for (bits, name) in self.names.entries {
            let is_flag = *bits != 0 && bits & mask == 0;
            if is_flag && rest & bits == *bits {
                write!(f, "{separator}{name}")?;
                separator = "|";
                rest &= !bits;
            }
        }
        match (rest, separator) {
            (0, "") => {
                let nothing = if f.alternate() { "" } else { "0" };
                f.write_str(self.names.name(0).unwrap_or(nothing))
            }
            (0, _) => Ok(()),
            (_, "") => self.unnamed(rest, f),
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
            entries: &[$(($constant as u64, stringify!($constant)),)*],
        };
    };
}

#[cfg(test)]
mod tests {
    extern crate alloc;
    use crate::{fcntl, mman, poll, signal, wait};
    use alloc::{format, string::ToString};

    #[test]
    fn flags_are_spelled_as_strace_spells_them() {
        let check = |names: &'static super::Names, value: u64, expected: &str| {
            assert_eq!(names.show(value).to_string(), expected);
        };
        check(&fcntl::OPEN, 0, "O_RDONLY");
        check(&fcntl::OPEN, 0o1101, "O_WRONLY|O_CREAT|O_TRUNC");
        check(&fcntl::OPEN, 0o4010000, "O_RDONLY|O_SYNC");
        check(&fcntl::OPEN, 3 | 1 << 40, "O_ACCMODE|0x10000000000");
        check(&mman::PROT, 0, "PROT_NONE");
        check(&mman::PROT, 3, "PROT_READ|PROT_WRITE");
        check(&mman::MAP, 0x22, "MAP_PRIVATE|MAP_ANONYMOUS");
        check(&fcntl::ACCESS, 0, "F_OK");
        check(&signal::HOW, 2, "SIG_SETMASK");
        check(&fcntl::ACCESS, 5, "R_OK|X_OK");
        check(&fcntl::ACCESS, 8, "0x8 /* ?_OK */");
        check(&fcntl::AT, 0, "0");
        check(&fcntl::AT, 1 << 20, "0x100000 /* AT_??? */");
        check(&fcntl::AT, 0x100 | 1 << 20, "AT_SYMLINK_NOFOLLOW|0x100000");
        check(&fcntl::WHENCE, 77, "0x4d /* SEEK_??? */");
        check(&mman::MAP, 0x20, "MAP_FILE|MAP_ANONYMOUS");
        check(&fcntl::PIPE, 1, "0x1 /* O_??? */");
        check(&mman::MAP, 4, "0x4 /* MAP_??? */");
        check(&wait::OPTIONS, 0x10, "0x10 /* W??? */");
        check(&poll::EVENTS, 1 << 15, "0x8000 /* POLL??? */");
        assert_eq!(format!("{:#}", fcntl::AT.show(0)), "");
        assert_eq!(format!("{:#}", fcntl::AT.show(1)), "0x1");
        assert_eq!(
            format!("{:#}", fcntl::STATX_SYNC.show(0)),
            "AT_STATX_SYNC_AS_STAT"
        );
    }
}
