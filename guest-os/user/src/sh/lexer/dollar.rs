//! What a dollar sign or a backquote starts: parameters, substitutions, arithmetic (POSIX 2.6).

use super::{Context, Error, Lexer, Result, name_len, push_literal};
use crate::sh::ast::{Operation, Part, Word};
use crate::sh::parser;
use rust_alloc::boxed::Box;
use rust_alloc::vec;
use rust_alloc::vec::Vec;

impl Lexer<'_> {
    /// What starts with a dollar sign.
    pub(super) fn dollar(&mut self, word: &mut Word, quoted: bool) -> Result<()> {
        self.at += 1;
        let rest = self.rest();
        let part = match rest {
            [b'(', b'(', ..] => match self.arithmetic(quoted)? {
                Some(part) => part,
                None => self.substitution(quoted)?,
            },
            [b'(', ..] => self.substitution(quoted)?,
            [b'{', ..] => self.braces(quoted)?,
            [
                b'0'..=b'9' | b'?' | b'$' | b'!' | b'#' | b'@' | b'*' | b'-',
                ..,
            ] => {
                self.at += 1;
                Part::Parameter {
                    name: rest[..1].to_vec(),
                    operation: Operation::Plain,
                    quoted,
                }
            }
            _ => {
                let len = name_len(rest);
                if len == 0 {
                    push_literal(word, b"$", quoted);
                    return Ok(());
                }
                self.at += len;
                Part::Parameter {
                    name: rest[..len].to_vec(),
                    operation: Operation::Plain,
                    quoted,
                }
            }
        };
        word.push(part);
        Ok(())
    }

    fn substitution(&mut self, quoted: bool) -> Result<Part> {
        self.at += 1;
        let (list, used) = parser::substitution(self.rest())?;
        self.at += used;
        Ok(Part::Command { list, quoted })
    }

    /// `$((...))`, or nothing if the parentheses turn out to be a subshell within `$( )`.
    fn arithmetic(&mut self, quoted: bool) -> Result<Option<Part>> {
        let start = self.at;
        self.at += 2;
        let mut word = vec![];
        let mut depth = 0;
        loop {
            match self.rest() {
                [] => return Err(Error::Incomplete),
                [b')', b')', ..] if depth == 0 => {
                    self.at += 2;
                    return Ok(Some(Part::Arithmetic { word, quoted }));
                }
                [b')', ..] if depth == 0 => {
                    self.at = start;
                    return Ok(None);
                }
                [b'$', ..] => self.dollar(&mut word, true)?,
                [b'`', ..] => self.backquotes(&mut word, true)?,
                [b'"', ..] => self.at += 1,
                [b'\\', b'\n', ..] => self.at += 2,
                [byte, ..] => {
                    depth += i32::from(*byte == b'(') - i32::from(*byte == b')');
                    push_literal(&mut word, &[*byte], true);
                    self.at += 1;
                }
            }
        }
    }

    pub(super) fn backquotes(&mut self, word: &mut Word, quoted: bool) -> Result<()> {
        self.at += 1;
        let mut inner = Vec::new();
        loop {
            match self.rest() {
                [] => return Err(Error::Incomplete),
                [b'`', ..] => break,
                [b'\\', next @ (b'$' | b'`' | b'\\'), ..] => {
                    inner.push(*next);
                    self.at += 2;
                }
                [b'\\', b'"', ..] if quoted => {
                    inner.push(b'"');
                    self.at += 2;
                }
                [byte, ..] => {
                    inner.push(*byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        let list = parser::parse(&inner)?;
        word.push(Part::Command { list, quoted });
        Ok(())
    }

    /// `${...}`
    fn braces(&mut self, quoted: bool) -> Result<Part> {
        self.at += 1;
        let bad = || Error::Syntax("Bad substitution".into());
        let length =
            matches!(self.rest(), [b'#', next, ..] if *next != b'}' && !b"-=?+:%#".contains(next));
        self.at += usize::from(length);
        let rest = self.rest();
        let len = match rest.first().ok_or(Error::Incomplete)? {
            b'0'..=b'9' => rest.iter().take_while(|b| b.is_ascii_digit()).count(),
            b'?' | b'$' | b'!' | b'#' | b'@' | b'*' | b'-' => 1,
            _ => name_len(rest),
        };
        if len == 0 {
            return Err(bad());
        }
        let name = rest[..len].to_vec();
        self.at += len;
        let context = if quoted {
            Context::QuotedBrace
        } else {
            Context::Brace
        };
        let operation = match self.rest() {
            _ if length => Operation::Length,
            [] => return Err(Error::Incomplete),
            [b'}', ..] => Operation::Plain,
            [b':', operator @ (b'-' | b'=' | b'?' | b'+'), ..] => {
                self.at += 2;
                let word = Box::new(self.word(context)?);
                Operation::Conditional {
                    operator: *operator,
                    or_empty: true,
                    word,
                }
            }
            [operator @ (b'-' | b'=' | b'?' | b'+'), ..] => {
                self.at += 1;
                let word = Box::new(self.word(context)?);
                Operation::Conditional {
                    operator: *operator,
                    or_empty: false,
                    word,
                }
            }
            [operator @ (b'#' | b'%'), after, ..] => {
                let longest = operator == after;
                self.at += 1 + usize::from(longest);
                // Patterns are read as outside of quotes.
                let word = Box::new(self.word(Context::Brace)?);
                Operation::Trim {
                    suffix: *operator == b'%',
                    longest,
                    word,
                }
            }
            _ => return Err(bad()),
        };
        match self.peek() {
            Some(b'}') => self.at += 1,
            Some(_) => return Err(bad()),
            None => return Err(Error::Incomplete),
        }
        Ok(Part::Parameter {
            name,
            operation,
            quoted,
        })
    }
}
