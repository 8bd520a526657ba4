//! What a field of an event can hold, whatever form it is shown in.
//!
//! Two rules hold for all forms. What is an address, a bit mask or the raw content of a register is a *hexadecimal
//! string* where the form has no 64-bit numbers; everything else that counts is a *number*. And a guest's bytes are shown
//! so that they can be told apart and cannot act on a terminal.

use super::memory::Memory;
use std::borrow::Cow;
use std::fmt::{self, Write};

/// The content of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number.
    Unsigned(u64),
    /// A number that may be negative.
    Signed(i64),
    /// Yes or no.
    Bool(bool),
    /// An address, a bit mask or the content of a register.
    Hex(u64),
    /// A word of ours.
    Word(Cow<'static, str>),
    /// Several words of ours.
    Words(Vec<&'static str>),
    /// The guest's own bytes.
    Text(&'a [u8]),
    /// Raw arguments.
    Hexes(&'a [u64]),
    /// Page-table entries: where each is and what was read there.
    Levels(Vec<(u64, u64)>),
    /// Pieces of guest memory.
    Pieces(&'a Memory),
}

/// Which of them a field holds, and what is known of it beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// [`Value::Unsigned`].
    Unsigned,
    /// [`Value::Signed`].
    Signed,
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Hex`].
    Hex,
    /// [`Value::Word`], one of these.
    Word(&'static [&'static str]),
    /// [`Value::Word`], one of these, or a number in decimal digits that has no word.
    Choice(&'static [&'static str]),
    /// [`Value::Word`], any.
    Name,
    /// [`Value::Words`], out of these.
    Words(&'static [&'static str]),
    /// [`Value::Text`].
    Text,
    /// [`Value::Hexes`].
    Hexes,
    /// [`Value::Levels`].
    Levels,
    /// [`Value::Pieces`].
    Pieces,
}

impl Value<'_> {
    /// The word of `words` that `index` stands for; see [`Shape::Choice`].
    pub fn choice(words: &'static [&'static str], index: u64) -> Self {
        let word = usize::try_from(index).ok().and_then(|i| words.get(i));
        Self::Word(word.map_or_else(|| index.to_string().into(), |word| Cow::Borrowed(*word)))
    }

    /// Whether the value is of this shape.
    pub fn fits(&self, shape: Shape) -> bool {
        match (self, shape) {
            (Self::Unsigned(_), Shape::Unsigned)
            | (Self::Signed(_), Shape::Signed)
            | (Self::Bool(_), Shape::Bool)
            | (Self::Hex(_), Shape::Hex)
            | (Self::Word(_), Shape::Name)
            | (Self::Text(_), Shape::Text)
            | (Self::Hexes(_), Shape::Hexes)
            | (Self::Levels(_), Shape::Levels)
            | (Self::Pieces(_), Shape::Pieces) => true,
            (Self::Word(word), Shape::Word(words)) => words.contains(&&**word),
            (Self::Word(word), Shape::Choice(words)) => {
                words.contains(&&**word) || word.bytes().all(|b| b.is_ascii_digit())
            }
            (Self::Words(some), Shape::Words(all)) => some.iter().all(|word| all.contains(word)),
            _ => false,
        }
    }
}

/// As the value of a `key=value` pair.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(n) => write!(f, "{n}"),
            Self::Signed(n) => write!(f, "{n}"),
            Self::Bool(yes) => write!(f, "{}", u8::from(*yes)),
            Self::Hex(n) => write!(f, "{n:#x}"),
            Self::Word(word) => f.write_str(word),
            Self::Words(words) => f.write_str(&words.join("|")),
            Self::Text(bytes) => write!(f, "{}", bytes.escape_ascii()),
            Self::Hexes(numbers) => list(f, numbers.iter(), |f, n| write!(f, "{n:#x}")),
            Self::Levels(levels) => list(f, levels.iter(), |f, (at, entry)| {
                write!(f, "{at:#x}:{entry:#x}")
            }),
            Self::Pieces(pieces) => list(f, pieces.pieces(), |f, (at, bytes)| {
                write!(f, "{at:#x}:\"{}\"", bytes.escape_ascii())
            }),
        }
    }
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    items: impl Iterator<Item = T>,
    mut one: impl FnMut(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.enumerate() {
        if index > 0 {
            f.write_char(',')?;
        }
        one(f, item)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_one_word_each() {
        let pieces = [(16, &b"a\n"[..])].into_iter().collect();
        for (value, text) in [
            (Value::Signed(-2), "-2"),
            (Value::Bool(true), "1"),
            (Value::Hex(255), "0xff"),
            (Value::Words(vec!["write", "user"]), "write|user"),
            (Value::Text(b"\x1b[2J\xff"), "\\x1b[2J\\xff"),
            (Value::Levels(vec![(16, 1), (32, 3)]), "0x10:0x1,0x20:0x3"),
            (Value::Pieces(&pieces), "0x10:\"a\\n\""),
        ] {
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn a_number_without_a_word_stays_a_number() {
        const WORDS: &[&str] = &["new", "old"];
        let value = |n| Value::choice(WORDS, n).to_string();
        assert_eq!([value(1), value(2)], ["old", "2"]);
        for n in [0, 2, u64::MAX] {
            assert!(Value::choice(WORDS, n).fits(Shape::Choice(WORDS)));
            assert_eq!(Value::choice(WORDS, n).fits(Shape::Word(WORDS)), n == 0);
        }
    }
}
