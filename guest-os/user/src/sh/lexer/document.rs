//! Here-documents (POSIX 2.7.4). Their text starts after the line that announces them, so the lexer
//! keeps those that are pending and reads them when it reaches the line's end.

use super::Error;
use super::{Lexer, Result, push_literal};
use crate::sh::ast::{Part, Word};
use rust_alloc::vec;
use rust_alloc::vec::Vec;

/// A here-document whose text follows the present line.
pub(super) struct Pending {
    delimiter: Vec<u8>,
    strip_tabs: bool,
    expand: bool,
    slot: usize,
}

impl Lexer<'_> {
    /// Notes a here-document whose text starts after the present line; gives its index.
    pub fn here_document(&mut self, delimiter: &Word, strip_tabs: bool) -> usize {
        let mut text = Vec::new();
        let mut expand = true;
        for part in delimiter {
            if let Part::Literal {
                text: bytes,
                quoted,
            } = part
            {
                text.extend_from_slice(bytes);
                expand &= !quoted;
            }
        }
        let slot = self.documents.len();
        self.documents.push(None);
        self.pending.push(Pending {
            delimiter: text,
            strip_tabs,
            expand,
            slot,
        });
        slot
    }

    /// Reads the here-documents that were announced on the line that just ended.
    pub(super) fn read_documents(&mut self) -> Result<()> {
        for pending in core::mem::take(&mut self.pending) {
            let mut text = Vec::new();
            loop {
                let rest = self.rest();
                if rest.is_empty() {
                    return Err(Error::Incomplete);
                }
                let end = rest.iter().position(|b| *b == b'\n');
                let mut line = &rest[..end.unwrap_or(rest.len())];
                self.at += end.map_or(rest.len(), |end| end + 1);
                if pending.strip_tabs {
                    let tabs = line.iter().take_while(|b| **b == b'\t').count();
                    line = &line[tabs..];
                }
                if line == pending.delimiter {
                    break;
                }
                text.extend_from_slice(line);
                text.push(b'\n');
            }
            let document = if pending.expand {
                Lexer::new(&text).document()?
            } else {
                vec![Part::Literal { text, quoted: true }]
            };
            self.documents[pending.slot] = Some(document);
        }
        Ok(())
    }

    /// Reads the whole text as the inside of a here-document.
    fn document(&mut self) -> Result<Word> {
        let mut word = Vec::new();
        while let Some(byte) = self.peek() {
            match self.rest() {
                [b'\\', next @ (b'$' | b'`' | b'\\'), ..] => {
                    push_literal(&mut word, &[*next], true);
                    self.at += 2;
                }
                [b'\\', b'\n', ..] => self.at += 2,
                [b'$', ..] => self.dollar(&mut word, true)?,
                [b'`', ..] => self.backquotes(&mut word, true)?,
                _ => {
                    push_literal(&mut word, &[byte], true);
                    self.at += 1;
                }
            }
        }
        Ok(word)
    }
}
