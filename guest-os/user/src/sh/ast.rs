//! The shape of a shell program (POSIX 2.10). The parser makes it, the executor walks it.

use rust_alloc::boxed::Box;
use rust_alloc::rc::Rc;
use rust_alloc::vec::Vec;

/// Commands one after the other.
pub type List = Vec<Item>;

/// A command of a list: pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub struct Item {
    /// The first pipeline.
    pub first: Pipeline,
    /// Those that run depending on the status so far.
    pub rest: Vec<(Junction, Pipeline)>,
    /// Ended by `&`.
    pub background: bool,
}

/// When a further pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Junction {
    /// `&&`: after success.
    And,
    /// `||`: after failure.
    Or,
}

/// Commands joined by `|`.
#[derive(Debug)]
pub struct Pipeline {
    /// `!` before it.
    pub negated: bool,
    /// `time` before it.
    pub timed: bool,
    /// At least one.
    pub commands: Vec<Command>,
}

/// A command with its redirections.
#[derive(Debug)]
pub struct Command {
    /// What to do.
    pub kind: Kind,
    /// In order.
    pub redirects: Vec<Redirect>,
}

/// The kinds of commands.
#[derive(Debug)]
pub enum Kind {
    /// Assignments and words.
    Simple {
        /// `NAME=WORD` before the command.
        assignments: Vec<(Vec<u8>, Word)>,
        /// Name and arguments, before expansion.
        words: Vec<Word>,
    },
    /// `{ ... }`
    Group(List),
    /// `( ... )`
    Subshell(List),
    /// `if`, with its `elif`s.
    If {
        /// Condition and body.
        branches: Vec<(List, List)>,
        /// `else`.
        otherwise: List,
    },
    /// `while` and `until`.
    Loop {
        /// Run while the condition fails.
        until: bool,
        /// Condition.
        condition: List,
        /// Body.
        body: List,
    },
    /// `for`
    For {
        /// Variable.
        name: Vec<u8>,
        /// What follows `in`; without it, the positional parameters.
        words: Option<Vec<Word>>,
        /// Body.
        body: List,
    },
    /// `case`
    Case {
        /// What is compared.
        word: Word,
        /// Patterns and what they run.
        arms: Vec<(Vec<Word>, List)>,
    },
    /// `name() command`
    Function {
        /// Name.
        name: Vec<u8>,
        /// Body.
        body: Rc<Command>,
    },
}

/// A redirection.
#[derive(Debug)]
pub struct Redirect {
    /// The descriptor to change; none for the operator's usual one.
    pub fd: Option<i32>,
    /// What it becomes.
    pub action: Action,
}

/// What a redirection does.
#[derive(Debug)]
pub enum Action {
    /// `<`
    Read(Word),
    /// `>`
    Write(Word),
    /// `>|`: even if `set -C` protects the file.
    Clobber(Word),
    /// `>>`
    Append(Word),
    /// `<>`
    ReadWrite(Word),
    /// `<&`
    DuplicateInput(Word),
    /// `>&`
    DuplicateOutput(Word),
    /// `<<` and `<<-`: the document, with expansions unless its delimiter was quoted.
    Here(Word),
}

/// A word: its parts are expanded and joined.
pub type Word = Vec<Part>;

/// A part of a word.
#[derive(Debug)]
pub enum Part {
    /// Bytes as they are; unquoted ones may be a pattern.
    Literal {
        /// The bytes.
        text: Vec<u8>,
        /// Not interpreted further.
        quoted: bool,
    },
    /// `~` or `~user` at the start of a word.
    Tilde(Vec<u8>),
    /// `$name`, `${name...}`
    Parameter {
        /// Name, digit or special character.
        name: Vec<u8>,
        /// What happens to the value.
        operation: Operation,
        /// Inside double quotes.
        quoted: bool,
    },
    /// `$( )` and backquotes.
    Command {
        /// What runs.
        list: List,
        /// Inside double quotes.
        quoted: bool,
    },
    /// `$(( ))`
    Arithmetic {
        /// The expression.
        word: Word,
        /// Inside double quotes.
        quoted: bool,
    },
}

/// What `${ }` does with a value.
#[derive(Debug)]
pub enum Operation {
    /// The value.
    Plain,
    /// `${#name}`
    Length,
    /// `${name-word}` and its kin.
    Conditional {
        /// `-`, `=`, `?` or `+`.
        operator: u8,
        /// With a colon: an empty value counts as unset.
        or_empty: bool,
        /// The word.
        word: Box<Word>,
    },
    /// `${name#word}` and its kin.
    Trim {
        /// At the end (`%`), not the start (`#`).
        suffix: bool,
        /// The longest match, not the shortest.
        longest: bool,
        /// The pattern.
        word: Box<Word>,
    },
}
