//! Puts here-documents where they belong. The lexer reads a document after the line that announces it,
//! when the parser has long made the redirection; until then a word that no script can write stands
//! in its place.

use super::Parser;
use crate::sh::ast::{Action, Command, Kind, List, Part, Word};
use rust_alloc::rc::Rc;
use rust_alloc::vec;

impl Parser<'_> {
    /// Puts the documents, which the lexer read after the line, into the redirections.
    pub(super) fn fill_documents(&mut self, list: &mut List) {
        if self.open_documents {
            for item in list {
                let pipelines =
                    core::iter::once(&mut item.first).chain(item.rest.iter_mut().map(|(_, p)| p));
                for command in pipelines.flat_map(|pipeline| &mut pipeline.commands) {
                    self.fill_command(command);
                }
            }
        }
    }

    fn fill_command(&mut self, command: &mut Command) {
        for redirect in &mut command.redirects {
            if let Action::Here(word) = &mut redirect.action
                && let Some(slot) = slot_of(word)
                && let Some(document) = self.lexer.documents[slot].take()
            {
                *word = document;
            }
        }
        match &mut command.kind {
            Kind::Simple { .. } => {}
            Kind::Group(list) | Kind::Subshell(list) => self.fill_documents(list),
            Kind::If {
                branches,
                otherwise,
            } => {
                for (condition, body) in branches {
                    self.fill_documents(condition);
                    self.fill_documents(body);
                }
                self.fill_documents(otherwise);
            }
            Kind::Loop {
                condition, body, ..
            } => {
                self.fill_documents(condition);
                self.fill_documents(body);
            }
            Kind::For { body, .. } => self.fill_documents(body),
            Kind::Case { arms, .. } => {
                arms.iter_mut()
                    .for_each(|(_, list)| self.fill_documents(list));
            }
            Kind::Function { body, .. } => {
                if let Some(body) = Rc::get_mut(body) {
                    self.fill_command(body);
                }
            }
        }
    }
}

/// Stands for a here-document until its text is known: a name no script can write.
pub(super) fn slot_word(slot: usize) -> Word {
    let name = rust_alloc::format!("<<{slot}").into_bytes();
    vec![Part::Tilde(name)]
}

fn slot_of(word: &Word) -> Option<usize> {
    match &word[..] {
        [Part::Tilde(name)] => {
            ulib::number::parse_u64(name.strip_prefix(b"<<")?).map(|slot| slot as usize)
        }
        _ => None,
    }
}
