//! From text to tokens (POSIX 2.3). Words come out with their quotes, expansions and substitutions
//! taken apart, so nobody below has to look at quotes again.
//!
//! A text may end in the middle of something. Then the error is [`Error::Incomplete`], and a reader
//! with more text to offer tries again with all of it.

mod document;
mod dollar;

use super::ast::{Part, Word};
use document::Pending;
use rust_alloc::string::String;
use rust_alloc::vec::Vec;
use ulib::bytes::show;

/// Why a text is not a program.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// It may become one with more text.
    Incomplete,
    /// It cannot.
    Syntax(String),
}

/// A result of lexing or parsing.
pub type Result<T> = core::result::Result<T, Error>;

/// A token.
#[derive(Debug)]
pub enum Token {
    /// A word.
    Word(Word),
    /// A number right before `<` or `>`.
    IoNumber(i32),
    /// An operator.
    Operator(&'static [u8]),
    /// The end of a line.
    Newline,
    /// The end of the text.
    End,
}

/// Longest first.
const OPERATORS: [&[u8]; 19] = [
    b"<<-", b"<<<", b"&&", b"||", b";;", b"<<", b">>", b"<&", b">&", b"<>", b">|", b"|", b"&",
    b";", b"<", b">", b"(", b")", b"\n",
];

/// Reads tokens from a text.
pub struct Lexer<'a> {
    text: &'a [u8],
    /// Where the next token starts.
    pub at: usize,
    pending: Vec<Pending>,
    /// Here-documents read so far; the parser refers to them by index.
    pub documents: Vec<Option<Word>>,
}

/// Where a word stands decides what ends it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    /// Ends at blanks and operators.
    Command,
    /// Inside `${ }`: ends at the brace.
    Brace,
    /// The same within double quotes.
    QuotedBrace,
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The length of the variable name that `text` starts with.
pub fn name_len(text: &[u8]) -> usize {
    match text.first() {
        Some(first) if is_name_start(*first) => text.iter().take_while(|b| is_name(**b)).count(),
        _ => 0,
    }
}

/// Adds bytes to a word, to its last part if that is of the same kind.
fn push_literal(word: &mut Word, bytes: &[u8], is_quoted: bool) {
    if let Some(Part::Literal { text, quoted }) = word.last_mut()
        && *quoted == is_quoted
    {
        text.extend_from_slice(bytes);
        return;
    }
    word.push(Part::Literal {
        text: bytes.to_vec(),
        quoted: is_quoted,
    });
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning of `text`.
    pub fn new(text: &'a [u8]) -> Lexer<'a> {
        Lexer {
            text,
            at: 0,
            pending: Vec::new(),
            documents: Vec::new(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.at.min(self.text.len())..]
    }

    /// Skips blanks, comments and joined lines.
    fn skip_blanks(&mut self) {
        loop {
            match self.rest() {
                [b' ' | b'\t' | b'\r', ..] => self.at += 1,
                [b'\\', b'\n', ..] => self.at += 2,
                [b'#', ..] => {
                    let line = self.rest().iter().position(|b| *b == b'\n');
                    self.at += line.unwrap_or(self.rest().len());
                }
                _ => return,
            }
        }
    }

    /// The next token.
    pub fn next(&mut self) -> Result<Token> {
        self.skip_blanks();
        let rest = self.rest();
        if rest.is_empty() {
            return if self.pending.is_empty() {
                Ok(Token::End)
            } else {
                Err(Error::Incomplete)
            };
        }
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if (1..=3).contains(&digits) && matches!(rest.get(digits), Some(b'<' | b'>')) {
            self.at += digits;
            let number = ulib::number::parse_u64(&rest[..digits]).unwrap_or(0);
            return Ok(Token::IoNumber(number as i32));
        }
        if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(operator)) {
            self.at += operator.len();
            if *operator == b"\n" {
                self.read_documents()?;
                return Ok(Token::Newline);
            }
            return Ok(Token::Operator(operator));
        }
        self.word(Context::Command).map(Token::Word)
    }

    /// Reads a word up to what ends it in its context.
    fn word(&mut self, context: Context) -> Result<Word> {
        let mut word = Vec::new();
        if self.peek() == Some(b'~') && context != Context::QuotedBrace {
            self.tilde(&mut word);
        }
        while let Some(byte) = self.peek() {
            let ends = match context {
                Context::Command => b" \t\r\n|&;<>()".contains(&byte),
                _ => byte == b'}',
            };
            if ends {
                return Ok(word);
            }
            let in_quotes = context == Context::QuotedBrace;
            match byte {
                b'\\' => self.backslash(&mut word, in_quotes)?,
                b'\'' if !in_quotes => self.single_quotes(&mut word)?,
                b'"' => self.double_quotes(&mut word)?,
                b'$' => self.dollar(&mut word, in_quotes)?,
                b'`' => self.backquotes(&mut word, in_quotes)?,
                _ => {
                    push_literal(&mut word, &[byte], in_quotes);
                    self.at += 1;
                    // An assignment's value may start with a tilde too.
                    if byte == b'=' && self.peek() == Some(b'~') && is_assignment(&word) {
                        self.tilde(&mut word);
                    }
                }
            }
        }
        if context == Context::Command {
            Ok(word)
        } else {
            Err(Error::Incomplete)
        }
    }

    fn tilde(&mut self, word: &mut Word) {
        let rest = &self.rest()[1..];
        let len = rest
            .iter()
            .take_while(|b| is_name(**b) || **b == b'-')
            .count();
        if matches!(
            rest.get(len),
            None | Some(b'/' | b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')' | b'}' | b':')
        ) {
            word.push(Part::Tilde(rest[..len].to_vec()));
            self.at += 1 + len;
        }
    }

    fn backslash(&mut self, word: &mut Word, in_quotes: bool) -> Result<()> {
        let next = *self.text.get(self.at + 1).ok_or(Error::Incomplete)?;
        self.at += 2;
        match next {
            b'\n' => {}
            _ if in_quotes && !b"$`\"\\}".contains(&next) => {
                push_literal(word, &[b'\\', next], true);
            }
            _ => push_literal(word, &[next], true),
        }
        Ok(())
    }

    fn single_quotes(&mut self, word: &mut Word) -> Result<()> {
        let rest = &self.rest()[1..];
        let len = rest
            .iter()
            .position(|b| *b == b'\'')
            .ok_or(Error::Incomplete)?;
        push_literal(word, &rest[..len], true);
        self.at += len + 2;
        Ok(())
    }

    fn double_quotes(&mut self, word: &mut Word) -> Result<()> {
        self.at += 1;
        // Even empty quotes make a field.
        push_literal(word, b"", true);
        loop {
            match self.peek().ok_or(Error::Incomplete)? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => {
                    let next = *self.text.get(self.at + 1).ok_or(Error::Incomplete)?;
                    self.at += 2;
                    match next {
                        b'\n' => {}
                        b'$' | b'`' | b'"' | b'\\' => push_literal(word, &[next], true),
                        _ => push_literal(word, &[b'\\', next], true),
                    }
                }
                b'$' => self.dollar(word, true)?,
                b'`' => self.backquotes(word, true)?,
                byte => {
                    push_literal(word, &[byte], true);
                    self.at += 1;
                }
            }
        }
    }
}

/// Is the word so far `NAME=`?
fn is_assignment(word: &Word) -> bool {
    match &word[..] {
        [
            Part::Literal {
                text,
                quoted: false,
            },
        ] => {
            let len = name_len(text);
            len > 0 && text.len() == len + 1
        }
        _ => false,
    }
}

/// The complaint about a token that does not belong where it is.
pub fn unexpected(token: &Token) -> Error {
    let text = match token {
        Token::Word(word) => match plain(word) {
            Some(text) => rust_alloc::format!("\"{}\" unexpected", show(text)),
            None => "word unexpected".into(),
        },
        Token::IoNumber(number) => rust_alloc::format!("\"{number}\" unexpected"),
        Token::Operator(operator) => rust_alloc::format!("\"{}\" unexpected", show(operator)),
        Token::Newline => "newline unexpected".into(),
        Token::End => return Error::Incomplete,
    };
    Error::Syntax(rust_alloc::format!("Syntax error: {text}"))
}

/// The text of a word that is a single unquoted literal.
pub fn plain(word: &Word) -> Option<&[u8]> {
    match &word[..] {
        [
            Part::Literal {
                text,
                quoted: false,
            },
        ] => Some(text),
        _ => None,
    }
}
