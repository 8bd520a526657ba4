//! Word expansion (POSIX 2.6): tilde, parameters, commands and arithmetic; then fields, then names of
//! files that match, then no quotes.
//!
//! While a word is expanded its text is kept as a *pattern*: every quoted byte that a pattern would
//! interpret has a backslash before it. So one text serves as a pattern (`case`, `${x#..}`, globbing)
//! and, with its backslashes removed, as the result.

use super::arithmetic;
use super::ast::{Operation, Part, Word};
use super::exec::Flow;
use super::{Shell, exec};
use rust_alloc::vec;
use rust_alloc::vec::Vec;
use ulib::bytes::show;
use ulib::{glob, pattern};

/// A field under construction, as a pattern. It exists, though perhaps empty, once something quoted
/// or a separator has called for it.
type Field = Vec<u8>;

/// Fields so far; the last one still grows.
struct Fields {
    done: Vec<Field>,
    open: Option<Field>,
    /// Unquoted expansions are split at these; nothing is split when empty.
    separators: Vec<u8>,
}

type Result<T> = core::result::Result<T, Flow>;

/// Appends bytes so that a pattern takes them literally.
fn quote_into(pattern: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        if b"*?[]\\!^-".contains(byte) {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
}

impl Fields {
    fn grow(&mut self) -> &mut Field {
        self.open.get_or_insert_with(Field::default)
    }

    fn finish(&mut self) {
        self.done.extend(self.open.take());
    }

    fn quoted(&mut self, bytes: &[u8]) {
        quote_into(self.grow(), bytes);
    }

    fn literal(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.grow().extend_from_slice(bytes);
        }
    }

    /// The result of an unquoted expansion: split into fields (POSIX 2.6.5).
    fn split(&mut self, bytes: &[u8]) {
        let is_blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n');
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if !self.separators.contains(byte) {
                let field = self.grow();
                if *byte == b'\\' {
                    field.push(b'\\');
                }
                field.push(*byte);
                rest = after;
                continue;
            }
            // One separator: blanks, at most one other, blanks.
            let mut others = 0;
            while let Some((byte, after)) = rest.split_first() {
                if !self.separators.contains(byte) || (!is_blank(*byte) && others == 1) {
                    break;
                }
                others += usize::from(!is_blank(*byte));
                rest = after;
            }
            if others > 0 {
                self.grow();
            }
            self.finish();
        }
    }
}

impl Shell {
    /// Expands the words of a command to its fields.
    pub(super) fn expand_words(&mut self, words: &[Word]) -> Result<Vec<Vec<u8>>> {
        let mut out = Vec::new();
        for word in words {
            if let [Part::Literal { text, quoted }] = &word[..]
                && (*quoted || !glob::is_pattern(text))
            {
                out.push(text.clone());
                continue;
            }
            let separators = self.variables.get(b"IFS").unwrap_or(b" \t\n").to_vec();
            for field in self.fields(word, separators)? {
                let matches = match glob::is_pattern(&field) && !self.flags.no_glob {
                    true => glob::expand(&field),
                    false => vec![],
                };
                match matches.is_empty() {
                    true => out.push(glob::unquote(&field)),
                    false => out.extend(matches),
                }
            }
        }
        Ok(out)
    }

    /// Expands a word to one text: no splitting, no file names.
    pub(super) fn expand_text(&mut self, word: &Word) -> Result<Vec<u8>> {
        Ok(glob::unquote(&self.expand_pattern(word)?))
    }

    /// Expands a word to a pattern.
    pub(super) fn expand_pattern(&mut self, word: &Word) -> Result<Vec<u8>> {
        let mut joined = Vec::new();
        for (i, field) in self.fields(word, vec![])?.into_iter().enumerate() {
            if i > 0 {
                joined.push(b' ');
            }
            joined.extend(field);
        }
        Ok(joined)
    }

    fn fields(&mut self, word: &Word, separators: Vec<u8>) -> Result<Vec<Field>> {
        let mut fields = Fields {
            done: vec![],
            open: None,
            separators,
        };
        self.parts(word, &mut fields)?;
        fields.finish();
        Ok(fields.done)
    }

    fn parts(&mut self, word: &[Part], fields: &mut Fields) -> Result<()> {
        for part in word {
            match part {
                Part::Literal { text, quoted: true } => fields.quoted(text),
                Part::Literal {
                    text,
                    quoted: false,
                } => fields.literal(text),
                Part::Tilde(user) => {
                    let home = match user.is_empty() {
                        true => self.variables.get(b"HOME").map(<[u8]>::to_vec),
                        false => super::home_of(user),
                    };
                    match home {
                        Some(home) => fields.quoted(&home),
                        None => fields.literal(&[b"~", &user[..]].concat()),
                    }
                }
                Part::Parameter {
                    name,
                    operation,
                    quoted,
                } => {
                    self.parameter(name, operation, *quoted, fields)?;
                }
                Part::Command { list, quoted } => {
                    let output = exec::capture(self, list)?;
                    add(fields, &output, *quoted);
                }
                Part::Arithmetic { word, quoted } => {
                    let text = self.expand_text(word)?;
                    match arithmetic::evaluate(&text, &mut self.variables) {
                        Ok(value) => {
                            add(fields, rust_alloc::format!("{value}").as_bytes(), *quoted)
                        }
                        Err(message) => return Err(self.expansion_error(format_args!("{message}"))),
                    }
                }
            }
        }
        Ok(())
    }

    fn parameter(
        &mut self,
        name: &[u8],
        operation: &Operation,
        quoted: bool,
        fields: &mut Fields,
    ) -> Result<()> {
        if matches!(name, b"@" | b"*") && matches!(operation, Operation::Plain) {
            self.positional(name == b"@", quoted, fields);
            return Ok(());
        }
        let value = self.value_of(name);
        match operation {
            Operation::Plain => match value {
                None if self.flags.no_unset => Err(self.unset_error(name, "parameter not set")),
                value => {
                    add(fields, &value.unwrap_or_default(), quoted);
                    Ok(())
                }
            },
            Operation::Length => {
                let len = match name {
                    b"@" | b"*" => self.positional.len(),
                    _ => value.unwrap_or_default().len(),
                };
                add(fields, rust_alloc::format!("{len}").as_bytes(), quoted);
                Ok(())
            }
            Operation::Conditional {
                operator,
                or_empty,
                word,
            } => {
                let present = value.filter(|value| !(*or_empty && value.is_empty()));
                match (operator, present) {
                    (b'+', Some(_)) | (b'-', None) => self.alternative(word, quoted, fields),
                    (b'+', None) => {
                        add(fields, b"", quoted);
                        Ok(())
                    }
                    (b'=', None) => {
                        let value = self.expand_text(word)?;
                        self.assign(name, &value)?;
                        add(fields, &value, quoted);
                        Ok(())
                    }
                    (b'?', None) => {
                        let message = self.expand_text(word)?;
                        let default: &[u8] = if *or_empty {
                            b"parameter not set or null"
                        } else {
                            b"parameter not set"
                        };
                        let message = if message.is_empty() {
                            default
                        } else {
                            &message
                        };
                        Err(self.expansion_error(format_args!("{}: {}", show(name), show(message))))
                    }
                    (_, Some(value)) => {
                        add(fields, &value, quoted);
                        Ok(())
                    }
                    (_, None) => Ok(()),
                }
            }
            Operation::Trim {
                suffix,
                longest,
                word,
            } => {
                let value = value.unwrap_or_default();
                let pattern = self.expand_pattern(word)?;
                add(fields, trim(&value, &pattern, *suffix, *longest), quoted);
                Ok(())
            }
        }
    }

    /// The word of `${x-word}`: expanded where it stands, unless quotes around make it one text.
    fn alternative(&mut self, word: &Word, quoted: bool, fields: &mut Fields) -> Result<()> {
        if quoted {
            let text = self.expand_text(word)?;
            fields.quoted(&text);
            return Ok(());
        }
        // Literal text of the word is split as the value would be.
        for part in word {
            match part {
                Part::Literal {
                    text,
                    quoted: false,
                } => fields.split(text),
                _ => self.parts(core::slice::from_ref(part), fields)?,
            }
        }
        Ok(())
    }

    fn positional(&mut self, each: bool, quoted: bool, fields: &mut Fields) {
        let first = self
            .variables
            .get(b"IFS")
            .map_or(Some(b' '), |ifs| ifs.first().copied());
        if quoted && !each {
            let separator: Vec<u8> = first.into_iter().collect();
            fields.quoted(&self.positional.join(&separator[..]));
            return;
        }
        for (i, value) in self.positional.iter().enumerate() {
            if i > 0 {
                fields.finish();
            }
            match quoted {
                true => fields.quoted(value),
                false => fields.split(value),
            }
        }
    }

    /// The value of a parameter of any kind.
    fn value_of(&self, name: &[u8]) -> Option<Vec<u8>> {
        let number = |n: i64| Some(rust_alloc::format!("{n}").into_bytes());
        match name {
            b"?" => number(self.status.into()),
            b"$" => number(self.pid.into()),
            b"#" => number(self.positional.len() as i64),
            b"!" => self.last_background.and_then(|pid| number(pid.into())),
            b"-" => Some(self.flags.letters()),
            b"0" => Some(self.name.clone()),
            b"@" | b"*" => (!self.positional.is_empty()).then(|| self.positional.join(&b' ')),
            [b'1'..=b'9', ..] => {
                let index = ulib::number::parse_u64(name)? as usize;
                self.positional.get(index - 1).cloned()
            }
            _ => self.variables.get(name).map(<[u8]>::to_vec),
        }
    }

    fn unset_error(&mut self, name: &[u8], message: &str) -> Flow {
        self.expansion_error(format_args!("{}: {message}", show(name)))
    }

    /// An expansion that fails ends a script; an interactive shell drops the command.
    pub(super) fn expansion_error(&mut self, message: core::fmt::Arguments<'_>) -> Flow {
        ulib::warn!("{message}");
        self.status = 2;
        if self.interactive {
            Flow::Interrupt
        } else {
            Flow::Exit(2)
        }
    }
}

/// Adds the result of an expansion.
fn add(fields: &mut Fields, bytes: &[u8], quoted: bool) {
    match quoted {
        true => fields.quoted(bytes),
        false => fields.split(bytes),
    }
}

/// Cuts a match of `pattern` off an end of `value`.
fn trim<'a>(value: &'a [u8], pattern: &[u8], suffix: bool, longest: bool) -> &'a [u8] {
    let cuts = 0..=value.len();
    let fits = |cut: &usize| match suffix {
        true => pattern::matches(pattern, &value[*cut..]),
        false => pattern::matches(pattern, &value[..*cut]),
    };
    // A long prefix ends late, a long suffix starts early.
    let found = match suffix == longest {
        true => cuts.clone().find(fits),
        false => cuts.clone().rev().find(fits),
    };
    match (found, suffix) {
        (Some(cut), true) => &value[..cut],
        (Some(cut), false) => &value[cut..],
        (None, _) => value,
    }
}
