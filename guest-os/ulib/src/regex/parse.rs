//! From text to a tree (POSIX 9.3 and 9.4, with GNU's `\+ \? \|` in basic syntax and `\w \b \<`).

use crate::pattern::bracket;
use core::fmt;
use rust_alloc::boxed::Box;
use rust_alloc::vec::Vec;

/// Which characters are operators as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `grep`: `\( \) \{ \}`.
    Basic,
    /// `grep -E`: `( ) { } + ? |`.
    Extended,
}

/// Why an expression was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Parentheses do not match.
    Parenthesis,
    /// A bracket expression has no end.
    Bracket,
    /// Bounds of a repetition.
    Interval,
    /// A backslash at the end.
    Backslash,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Parenthesis => "Unmatched ( or \\(",
            Error::Bracket => "Unmatched [, [^, [:, [., or [=",
            Error::Interval => "Invalid content of \\{\\}",
            Error::Backslash => "Trailing backslash",
        })
    }
}

/// The bytes of a class, one bit each.
pub(super) type Set = [u64; 4];

/// A place in the text that matches without taking a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    End,
    WordStart,
    WordEnd,
    WordBoundary,
    NotWordBoundary,
}

/// An expression.
#[derive(Debug)]
pub(super) enum Node {
    Set(Box<Set>),
    Anchor(Anchor),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
    },
}

/// Most repetitions that an interval may ask for.
const REPEAT_MAX: u32 = 255;

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    extended: bool,
    depth: usize,
}

/// Parses a whole expression.
pub(super) fn parse(text: &[u8], syntax: Syntax) -> Result<Node, Error> {
    let mut parser = Parser {
        text,
        at: 0,
        extended: syntax == Syntax::Extended,
        depth: 0,
    };
    let node = parser.alternatives()?;
    if parser.at < text.len() {
        return Err(Error::Parenthesis);
    }
    Ok(node)
}

/// The set of bytes for which `f` holds.
fn set(f: impl Fn(u8) -> bool) -> Node {
    let mut set = [0; 4];
    for byte in 0..=255u8 {
        if f(byte) {
            set[usize::from(byte / 64)] |= 1 << (byte % 64);
        }
    }
    Node::Set(Box::new(set))
}

/// Is the byte part of a word, for `\w` and `\b`?
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl Parser<'_> {
    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    /// Takes an operator: bare in extended syntax, after a backslash in basic.
    fn take(&mut self, operator: u8) -> bool {
        let found = self.sees(operator);
        if found {
            self.at += if self.extended { 1 } else { 2 };
        }
        found
    }

    fn sees(&self, operator: u8) -> bool {
        match self.rest() {
            [first, ..] if self.extended => *first == operator,
            [b'\\', second, ..] => !self.extended && *second == operator,
            _ => false,
        }
    }

    fn alternatives(&mut self) -> Result<Node, Error> {
        let mut branches = Vec::new();
        loop {
            branches.push(self.branch()?);
            if !self.take(b'|') {
                break;
            }
        }
        Ok(match branches.len() {
            1 => branches.remove(0),
            _ => Node::Either(branches),
        })
    }

    fn branch(&mut self) -> Result<Node, Error> {
        let mut items = Vec::new();
        while self.at < self.text.len() && !self.sees(b'|') && !(self.sees(b')') && self.depth > 0)
        {
            let start = items.is_empty();
            let atom = self.atom(start)?;
            let atom = if matches!(atom, Node::Anchor(_)) {
                atom
            } else {
                self.repeated(atom)?
            };
            items.push(atom);
        }
        Ok(Node::Sequence(items))
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, Error> {
        loop {
            let (least, most) = if self.rest().first() == Some(&b'*') {
                self.at += 1;
                (0, None)
            } else if self.take(b'+') {
                (1, None)
            } else if self.take(b'?') {
                (0, Some(1))
            } else if self.sees(b'{') {
                match self.interval()? {
                    Some(bounds) => bounds,
                    None => return Ok(node),
                }
            } else {
                return Ok(node);
            };
            node = Node::Repeat {
                node: Box::new(node),
                least,
                most,
            };
        }
    }

    /// Reads `{m}`, `{m,}`, `{,n}` or `{m,n}`. A brace that starts none of these is a character in
    /// extended syntax.
    fn interval(&mut self) -> Result<Option<(u32, Option<u32>)>, Error> {
        let open = self.at;
        self.take(b'{');
        let least = self.digits();
        let comma = self.rest().first() == Some(&b',');
        self.at += usize::from(comma);
        let most = if comma { self.digits() } else { least };
        if !self.take(b'}') || (least.is_none() && most.is_none() && !comma) {
            if !self.extended {
                return Err(Error::Interval);
            }
            self.at = open;
            return Ok(None);
        }
        let least = least.unwrap_or(0);
        if least.max(most.unwrap_or(0)) > REPEAT_MAX || most.is_some_and(|most| most < least) {
            return Err(Error::Interval);
        }
        Ok(Some((least, most)))
    }

    fn digits(&mut self) -> Option<u32> {
        let count = self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let value = crate::number::parse_u64(&self.rest()[..count]);
        self.at += count;
        value.map(|value| value.min(u64::from(u32::MAX)) as u32)
    }

    fn atom(&mut self, start: bool) -> Result<Node, Error> {
        if self.take(b'(') {
            self.depth += 1;
            let inner = self.alternatives()?;
            if !self.take(b')') {
                return Err(Error::Parenthesis);
            }
            self.depth -= 1;
            return Ok(inner);
        }
        let byte = self.text[self.at];
        self.at += 1;
        let literal = |byte| Ok(set(|b| b == byte));
        match byte {
            b')' if self.extended => Err(Error::Parenthesis),
            b'.' => Ok(set(|b| b != b'\n')),
            b'[' => self.class(),
            b'^' if self.extended || start => Ok(Node::Anchor(Anchor::Start)),
            b'$' if self.extended || self.ends_here() => Ok(Node::Anchor(Anchor::End)),
            b'\\' => self.escape(),
            _ => literal(byte),
        }
    }

    /// In basic syntax `$` is an anchor only before the end of a branch.
    fn ends_here(&self) -> bool {
        self.rest().is_empty() || self.sees(b')') || self.sees(b'|')
    }

    fn class(&mut self) -> Result<Node, Error> {
        let rest = &self.text[self.at..];
        let (_, len) = bracket(rest, b"^", 0).ok_or(Error::Bracket)?;
        self.at += len;
        Ok(set(|byte| {
            bracket(rest, b"^", byte).is_some_and(|(found, _)| found)
        }))
    }

    fn escape(&mut self) -> Result<Node, Error> {
        let byte = *self.rest().first().ok_or(Error::Backslash)?;
        self.at += 1;
        Ok(match byte {
            b'w' => set(is_word),
            b'W' => set(|b| !is_word(b)),
            b's' => set(|b| b.is_ascii_whitespace()),
            b'S' => set(|b| !b.is_ascii_whitespace()),
            b'b' => Node::Anchor(Anchor::WordBoundary),
            b'B' => Node::Anchor(Anchor::NotWordBoundary),
            b'<' => Node::Anchor(Anchor::WordStart),
            b'>' => Node::Anchor(Anchor::WordEnd),
            b')' if !self.extended => return Err(Error::Parenthesis),
            _ => set(|b| b == byte),
        })
    }
}
