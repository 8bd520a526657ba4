//! Commands that contain commands: groups, subshells, `if`, loops, `case` (POSIX 2.9.4).

use super::Parser;
use crate::sh::ast::{Kind, List};
use crate::sh::lexer::{Error, Result, Token, name_len, unexpected};
use rust_alloc::vec;
use rust_alloc::vec::Vec;

impl Parser<'_> {
    pub(super) fn group(&mut self) -> Result<Kind> {
        self.advance()?;
        let list = self.body(&[b"}"])?;
        self.expect_keyword(b"}")?;
        Ok(Kind::Group(list))
    }

    pub(super) fn subshell(&mut self) -> Result<Kind> {
        self.advance()?;
        let list = self.body(&[])?;
        self.expect_operator(b")")?;
        Ok(Kind::Subshell(list))
    }

    pub(super) fn conditional(&mut self) -> Result<Kind> {
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            self.advance()?;
            let condition = self.body(&[b"then"])?;
            self.expect_keyword(b"then")?;
            let body = self.body(&[b"elif", b"else", b"fi"])?;
            branches.push((condition, body));
            if self.keyword() != b"elif" {
                break;
            }
        }
        if self.keyword() == b"else" {
            self.advance()?;
            otherwise = self.body(&[b"fi"])?;
        }
        self.expect_keyword(b"fi")?;
        Ok(Kind::If {
            branches,
            otherwise,
        })
    }

    pub(super) fn repetition(&mut self, until: bool) -> Result<Kind> {
        self.advance()?;
        let condition = self.body(&[b"do"])?;
        let body = self.do_group()?;
        Ok(Kind::Loop {
            until,
            condition,
            body,
        })
    }

    fn do_group(&mut self) -> Result<List> {
        self.expect_keyword(b"do")?;
        let body = self.body(&[b"done"])?;
        self.expect_keyword(b"done")?;
        Ok(body)
    }

    pub(super) fn for_each(&mut self) -> Result<Kind> {
        self.advance()?;
        let name = self.keyword().to_vec();
        if name.is_empty() || name_len(&name) != name.len() {
            return Err(match self.token {
                Token::End => Error::Incomplete,
                _ => Error::Syntax("Syntax error: Bad for loop variable".into()),
            });
        }
        self.advance()?;
        self.skip_newlines()?;
        let mut words = None;
        if self.keyword() == b"in" {
            self.advance()?;
            let mut list = Vec::new();
            while matches!(self.token, Token::Word(_)) {
                if let Token::Word(word) = self.take()? {
                    list.push(word);
                }
            }
            words = Some(list);
        }
        if self.is_operator(b";") {
            self.advance()?;
        }
        self.skip_newlines()?;
        let body = self.do_group()?;
        Ok(Kind::For { name, words, body })
    }

    pub(super) fn case(&mut self) -> Result<Kind> {
        self.advance()?;
        let word = self.expect_word()?;
        self.skip_newlines()?;
        self.expect_keyword(b"in")?;
        self.skip_newlines()?;
        let mut arms = Vec::new();
        while self.keyword() != b"esac" {
            if self.is_operator(b"(") {
                self.advance()?;
            }
            let mut patterns = vec![self.expect_word()?];
            while self.is_operator(b"|") {
                self.advance()?;
                patterns.push(self.expect_word()?);
            }
            self.expect_operator(b")")?;
            let list = self.list(&[b"esac"])?;
            arms.push((patterns, list));
            if self.is_operator(b";;") {
                self.advance()?;
                self.skip_newlines()?;
            } else if self.keyword() != b"esac" {
                return Err(unexpected(&self.token));
            }
        }
        self.advance()?;
        Ok(Kind::Case { word, arms })
    }
}
