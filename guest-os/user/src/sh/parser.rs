//! From tokens to commands (POSIX 2.10), by recursive descent.

mod compound;
mod documents;

use super::ast::{Action, Command, Item, Junction, Kind, List, Part, Pipeline, Redirect, Word};
use super::lexer::{Error, Lexer, Result, Token, name_len, plain, unexpected};
use documents::slot_word;
use rust_alloc::rc::Rc;
use rust_alloc::vec;
use rust_alloc::vec::Vec;

/// Words that mean something where a command starts.
const CLOSING: [&[u8]; 8] = [
    b"then", b"else", b"elif", b"fi", b"do", b"done", b"esac", b"}",
];

/// Deepest nesting of commands, so that no text can exhaust the stack.
const DEEPEST: usize = 200;

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    depth: usize,
    /// Redirections of here-documents, filled when the line has ended.
    open_documents: bool,
}

/// Parses a whole text.
pub fn parse(text: &[u8]) -> Result<List> {
    let mut parser = Parser::new(text)?;
    let mut list = parser.list(&[])?;
    match parser.token {
        Token::End => {
            parser.fill_documents(&mut list);
            Ok(list)
        }
        ref token => Err(unexpected(token)),
    }
}

/// Parses one complete line of commands: them, and how much of the text they took. At the end of the
/// text the length is the text's.
pub fn line(text: &[u8]) -> Result<(List, usize)> {
    let mut parser = Parser::new(text)?;
    let mut list = Vec::new();
    while !matches!(parser.token, Token::Newline | Token::End) {
        let item = parser.item()?;
        let background = item.background;
        list.push(item);
        match parser.token {
            Token::Newline | Token::End => {}
            _ if background => {}
            Token::Operator(b";") => parser.advance()?,
            ref token => return Err(unexpected(token)),
        }
    }
    let used = parser.lexer.at;
    parser.fill_documents(&mut list);
    Ok((list, used))
}

/// Parses the inside of `$( )`: it, and its length with the closing parenthesis.
pub fn substitution(text: &[u8]) -> Result<(List, usize)> {
    let mut parser = Parser::new(text)?;
    let mut list = parser.list(&[])?;
    match parser.token {
        Token::Operator(b")") => {
            parser.fill_documents(&mut list);
            Ok((list, parser.lexer.at))
        }
        ref token => Err(unexpected(token)),
    }
}

impl<'a> Parser<'a> {
    fn new(text: &'a [u8]) -> Result<Parser<'a>> {
        let mut parser = Parser {
            lexer: Lexer::new(text),
            token: Token::End,
            depth: 0,
            open_documents: false,
        };
        parser.advance()?;
        Ok(parser)
    }

    fn advance(&mut self) -> Result<()> {
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn take(&mut self) -> Result<Token> {
        let next = self.lexer.next()?;
        Ok(core::mem::replace(&mut self.token, next))
    }

    fn skip_newlines(&mut self) -> Result<()> {
        while matches!(self.token, Token::Newline) {
            self.advance()?;
        }
        Ok(())
    }

    fn is_operator(&self, operator: &[u8]) -> bool {
        matches!(self.token, Token::Operator(found) if found == operator)
    }

    /// The present token as a possible keyword.
    fn keyword(&self) -> &[u8] {
        match &self.token {
            Token::Word(word) => plain(word).unwrap_or(b""),
            _ => b"",
        }
    }

    fn expect_keyword(&mut self, keyword: &[u8]) -> Result<()> {
        if self.keyword() != keyword {
            return Err(unexpected(&self.token));
        }
        self.advance()
    }

    fn expect_operator(&mut self, operator: &[u8]) -> Result<()> {
        if !self.is_operator(operator) {
            return Err(unexpected(&self.token));
        }
        self.advance()
    }

    /// Commands up to a keyword that closes, or something that cannot start a command.
    fn list(&mut self, closing: &[&[u8]]) -> Result<List> {
        let mut list = Vec::new();
        loop {
            self.skip_newlines()?;
            let ends = matches!(self.token, Token::End)
                || self.is_operator(b")")
                || self.is_operator(b";;")
                || closing.contains(&self.keyword());
            if ends {
                return Ok(list);
            }
            let item = self.item()?;
            let background = item.background;
            list.push(item);
            if self.is_operator(b";") {
                self.advance()?;
            } else if !background && !matches!(self.token, Token::Newline) {
                return Ok(list);
            }
        }
    }

    /// A list that must not be empty, closed by one of the keywords.
    fn body(&mut self, closing: &[&[u8]]) -> Result<List> {
        let list = self.list(closing)?;
        if list.is_empty() {
            Err(unexpected(&self.token))
        } else {
            Ok(list)
        }
    }

    fn item(&mut self) -> Result<Item> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let junction = match self.token {
                Token::Operator(b"&&") => Junction::And,
                Token::Operator(b"||") => Junction::Or,
                _ => break,
            };
            self.advance()?;
            self.skip_newlines()?;
            rest.push((junction, self.pipeline()?));
        }
        let background = self.is_operator(b"&");
        if background {
            self.advance()?;
        }
        Ok(Item {
            first,
            rest,
            background,
        })
    }

    fn pipeline(&mut self) -> Result<Pipeline> {
        let mut pipeline = Pipeline {
            negated: false,
            timed: false,
            commands: vec![],
        };
        loop {
            match self.keyword() {
                b"!" => pipeline.negated = !pipeline.negated,
                b"time" => pipeline.timed = true,
                _ => break,
            }
            self.advance()?;
        }
        loop {
            pipeline.commands.push(self.command()?);
            if !self.is_operator(b"|") {
                return Ok(pipeline);
            }
            self.advance()?;
            self.skip_newlines()?;
        }
    }

    fn command(&mut self) -> Result<Command> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Error::Syntax("Syntax error: nested too deeply".into()));
        }
        let compound = match self.keyword() {
            b"{" => Some(self.group()?),
            b"if" => Some(self.conditional()?),
            b"while" => Some(self.repetition(false)?),
            b"until" => Some(self.repetition(true)?),
            b"for" => Some(self.for_each()?),
            b"case" => Some(self.case()?),
            keyword if CLOSING.contains(&keyword) => return Err(unexpected(&self.token)),
            _ if self.is_operator(b"(") => Some(self.subshell()?),
            _ => None,
        };
        let command = match compound {
            Some(kind) => {
                let mut redirects = Vec::new();
                while self.at_redirect() {
                    redirects.push(self.redirect()?);
                }
                Command { kind, redirects }
            }
            None => self.simple()?,
        };
        self.depth -= 1;
        Ok(command)
    }

    fn expect_word(&mut self) -> Result<Word> {
        match self.take()? {
            Token::Word(word) => Ok(word),
            token => Err(unexpected(&token)),
        }
    }

    fn simple(&mut self) -> Result<Command> {
        let mut assignments = Vec::new();
        let mut words = Vec::new();
        let mut redirects = Vec::new();
        loop {
            if self.at_redirect() {
                redirects.push(self.redirect()?);
                continue;
            }
            match &self.token {
                Token::Word(_) => {
                    let Token::Word(word) = self.take()? else {
                        continue;
                    };
                    match split_assignment(word) {
                        Ok(assignment) if words.is_empty() => assignments.push(assignment),
                        Ok((name, value)) => words.push(join_assignment(name, value)),
                        Err(word) => words.push(word),
                    }
                }
                Token::Operator(b"(") if words.len() == 1 && assignments.is_empty() => {
                    let name = plain(&words[0]).unwrap_or(b"").to_vec();
                    if name.is_empty() || !redirects.is_empty() {
                        return Err(unexpected(&self.token));
                    }
                    self.advance()?;
                    self.expect_operator(b")")?;
                    self.skip_newlines()?;
                    let body = Rc::new(self.command()?);
                    return Ok(Command {
                        kind: Kind::Function { name, body },
                        redirects,
                    });
                }
                _ => break,
            }
        }
        if assignments.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(unexpected(&self.token));
        }
        Ok(Command {
            kind: Kind::Simple { assignments, words },
            redirects,
        })
    }

    fn at_redirect(&self) -> bool {
        match self.token {
            Token::IoNumber(_) => true,
            Token::Operator(operator) => matches!(operator[0], b'<' | b'>'),
            _ => false,
        }
    }

    fn redirect(&mut self) -> Result<Redirect> {
        let fd = match self.token {
            Token::IoNumber(number) => {
                self.advance()?;
                Some(number)
            }
            _ => None,
        };
        let Token::Operator(operator) = self.take()? else {
            return Err(unexpected(&self.token));
        };
        if matches!(operator, b"<<" | b"<<-") {
            // The document must be announced before the lexer reaches the end of the line.
            let Token::Word(delimiter) = &self.token else {
                return Err(unexpected(&self.token));
            };
            let slot = self.lexer.here_document(delimiter, operator == b"<<-");
            self.open_documents = true;
            self.advance()?;
            return Ok(Redirect {
                fd,
                action: Action::Here(slot_word(slot)),
            });
        }
        let mut word = self.expect_word()?;
        let action = match operator {
            b"<" => Action::Read(word),
            b">" => Action::Write(word),
            b">|" => Action::Clobber(word),
            b">>" => Action::Append(word),
            b"<>" => Action::ReadWrite(word),
            b"<&" => Action::DuplicateInput(word),
            b">&" => Action::DuplicateOutput(word),
            _ => {
                word.push(Part::Literal {
                    text: b"\n".to_vec(),
                    quoted: true,
                });
                Action::Here(word)
            }
        };
        Ok(Redirect { fd, action })
    }
}

/// Splits `NAME=VALUE`, or gives the word back.
fn split_assignment(mut word: Word) -> core::result::Result<(Vec<u8>, Word), Word> {
    let Some(Part::Literal {
        text,
        quoted: false,
    }) = word.first_mut()
    else {
        return Err(word);
    };
    let len = name_len(text);
    if len == 0 || text.get(len) != Some(&b'=') {
        return Err(word);
    }
    let name = text[..len].to_vec();
    text.drain(..=len);
    if text.is_empty() {
        word.remove(0);
    }
    Ok((name, word))
}

/// Undoes [`split_assignment`] for a word that is an argument after all.
fn join_assignment(name: Vec<u8>, mut value: Word) -> Word {
    let mut text = name;
    text.push(b'=');
    match value.first_mut() {
        Some(Part::Literal {
            text: rest,
            quoted: false,
        }) => {
            text.append(rest);
            *rest = text;
        }
        _ => value.insert(
            0,
            Part::Literal {
                text,
                quoted: false,
            },
        ),
    }
    value
}
