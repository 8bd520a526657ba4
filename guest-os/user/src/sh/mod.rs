//! The shell: POSIX's command language, job control, and a line editor.
//!
//! A line travels through [`lexer`] and [`parser`] (text to tree, [`ast`]), then [`exec`] walks the
//! tree; it calls [`expand`] for words (with [`arithmetic`] and [`variables`]), [`redirect`] for
//! descriptors, [`builtins`] for what must happen in this process and [`jobs`] for what does not.
//! [`input`] gathers complete commands from a file or a terminal, there with [`editor`]'s help.

mod arithmetic;
mod ast;
mod builtins;
mod complete;
mod editor;
mod exec;
mod expand;
mod input;
mod jobs;
mod lexer;
mod parser;
mod redirect;
mod signals;
mod variables;

use ast::Command;
use exec::Flow;
use jobs::Jobs;
use rust_alloc::collections::BTreeMap;
use rust_alloc::rc::Rc;
use rust_alloc::vec;
use rust_alloc::vec::Vec;
use ulib::bytes::show;
use ulib::{env, fs, io, sys, warn};
use variables::{Variable, Variables};

/// Everything a shell knows.
pub struct Shell {
    variables: Variables,
    functions: BTreeMap<Vec<u8>, Rc<Command>>,
    /// `$1` and on.
    positional: Vec<Vec<u8>>,
    /// `$0`
    name: Vec<u8>,
    /// `$?`
    status: i32,
    /// `$$`
    pid: sys::Pid,
    /// `$!`
    last_background: Option<sys::Pid>,
    flags: Flags,
    jobs: Jobs,
    traps: signals::Traps,
    interactive: bool,
    /// Loops around the present command, for `break`.
    loops: u32,
    /// Variables to restore when functions return, one list a call.
    locals: Vec<Vec<(Vec<u8>, Option<Variable>)>>,
    /// Commands around the present one whose failure is looked at, so that `set -e` lets it pass.
    conditions: u32,
    /// Has the present command run a command substitution?
    substituted: bool,
}

/// The options of `set`.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    /// `-e`
    exit_on_error: bool,
    /// `-u`
    no_unset: bool,
    /// `-x`
    trace: bool,
    /// `-f`
    no_glob: bool,
    /// `-n`
    no_execution: bool,
    /// `-C`
    no_clobber: bool,
}

impl Flags {
    fn flag(&mut self, letter: u8) -> Option<&mut bool> {
        Some(match letter {
            b'e' => &mut self.exit_on_error,
            b'u' => &mut self.no_unset,
            b'x' => &mut self.trace,
            b'f' => &mut self.no_glob,
            b'n' => &mut self.no_execution,
            b'C' => &mut self.no_clobber,
            _ => return None,
        })
    }

    /// `$-`
    fn letters(mut self) -> Vec<u8> {
        b"euxfnC"
            .iter()
            .copied()
            .filter(|l| self.flag(*l).is_some_and(|on| *on))
            .collect()
    }
}

const USAGE: &str = "Usage: sh [-efuxC] [-c COMMAND [NAME [ARG]...] | -s | FILE [ARG]...]\n";

/// Runs the shell as a program; its exit status.
pub fn main(args: &ulib::Args) -> i32 {
    let mut shell = Shell::new(args.first().copied().unwrap_or(b"sh"));
    let mut rest = &args[1..];
    let (mut command, mut from_stdin, mut ask) = (false, false, false);
    while let Some((option, after)) = rest.split_first() {
        let letters = match *option {
            b"--help" => {
                io::put(USAGE.as_bytes());
                return 0;
            }
            b"--" | b"-" => {
                rest = after;
                break;
            }
            [b'-', letters @ ..] => letters,
            _ => break,
        };
        rest = after;
        for letter in letters {
            match (letter, shell.flags.flag(*letter)) {
                (b'c', _) => command = true,
                (b's', _) => from_stdin = true,
                (b'i', _) => ask = true,
                (b'l', _) => {}
                (_, Some(flag)) => *flag = true,
                (_, None) => {
                    warn!("Illegal option -{}", show(&[*letter]));
                    return 2;
                }
            }
        }
    }
    if command {
        let Some((text, after)) = rest.split_first() else {
            warn!("-c requires an argument");
            return 2;
        };
        if let Some((name, operands)) = after.split_first() {
            shell.name = name.to_vec();
            shell.positional = operands.iter().map(|arg| arg.to_vec()).collect();
        }
        shell.run_text(text, true)
    } else if let (Some((path, operands)), false) = (rest.split_first(), from_stdin) {
        shell.name = path.to_vec();
        shell.positional = operands.iter().map(|arg| arg.to_vec()).collect();
        shell.run_script(path)
    } else {
        shell.positional = rest.iter().map(|arg| arg.to_vec()).collect();
        shell.interactive = ask || (ulib::term::is_terminal(0) && ulib::term::is_terminal(2));
        shell.run_input()
    }
}

impl Shell {
    fn new(name: &[u8]) -> Shell {
        env::set_program(b"sh");
        let mut variables = Variables::from_environment();
        for (name, value) in [
            ("IFS", " \t\n"),
            ("OPTIND", "1"),
            ("PS2", "> "),
            ("PS4", "+ "),
        ] {
            // Fresh variables are writable.
            let _ = variables.set(name.as_bytes(), value.as_bytes());
            variables.entry(name.as_bytes()).exported = false;
        }
        if variables.get(b"PATH").is_none() {
            let _ = variables.set(b"PATH", b"/bin:/usr/bin");
        }
        if variables.get(b"PS1").is_none() {
            let _ = variables.set(b"PS1", b"$ ");
        }
        Shell {
            variables,
            functions: BTreeMap::new(),
            positional: vec![],
            name: name.to_vec(),
            status: 0,
            pid: sys::getpid(),
            last_background: None,
            flags: Flags::default(),
            jobs: Jobs::default(),
            traps: signals::Traps::default(),
            interactive: false,
            loops: 0,
            locals: vec![],
            conditions: 0,
            substituted: false,
        }
    }

    /// Runs a whole text. With `last`, nothing follows it in this process, so its last command may
    /// take the process over.
    fn run_text(&mut self, text: &[u8], last: bool) -> i32 {
        let flow = self.evaluate(text, last);
        self.finish(flow)
    }

    /// Parses and runs a text line by line, so that a mistake stops it only where it stands.
    fn evaluate(&mut self, text: &[u8], last: bool) -> Result<i32, Flow> {
        let mut rest = text;
        let mut status = 0;
        while !rest.is_empty() {
            let (list, used) = match parser::line(rest) {
                Ok(line) => line,
                Err(error) => {
                    self.complain(&error);
                    return Err(Flow::Exit(2));
                }
            };
            rest = &rest[used..];
            if !list.is_empty() && !self.flags.no_execution {
                status = exec::list(self, &list, last && rest.trim_ascii().is_empty())?;
            }
        }
        Ok(status)
    }

    fn complain(&self, error: &lexer::Error) {
        match error {
            lexer::Error::Incomplete => warn!("Syntax error: end of file unexpected"),
            lexer::Error::Syntax(message) => warn!("{message}"),
        }
    }

    fn run_script(&mut self, path: &[u8]) -> i32 {
        match fs::read_file(path) {
            Ok(text) => self.run_text(&text, false),
            Err(errno) => {
                warn!("cannot open {}: {errno}", show(path));
                if errno == abi::Errno::ENOENT {
                    127
                } else {
                    126
                }
            }
        }
    }

    /// Turns the end of a run into a status, after the trap on EXIT.
    fn finish(&mut self, flow: Result<i32, Flow>) -> i32 {
        self.status = match flow {
            Ok(status) | Err(Flow::Exit(status) | Flow::Return(status)) => status,
            Err(Flow::Break(_) | Flow::Continue(_)) => self.status,
            Err(Flow::Interrupt) => 130,
        };
        if let Some(action) = self.traps.take_exit() {
            let status = self.status;
            match self.evaluate(&action, false) {
                Err(Flow::Exit(status)) => self.status = status,
                _ => self.status = status,
            }
        }
        self.status
    }

    /// Sets a variable; a read-only one is an error like a failed expansion.
    fn assign(&mut self, name: &[u8], value: &[u8]) -> Result<(), Flow> {
        match self.variables.set(name, value) {
            Ok(()) => Ok(()),
            Err(message) => Err(self.expansion_error(format_args!("{message}"))),
        }
    }
}

/// The home directory of a user, from /etc/passwd.
fn home_of(user: &[u8]) -> Option<Vec<u8>> {
    let users = fs::read_file(b"/etc/passwd").ok()?;
    let mut lines = users
        .split(|b| *b == b'\n')
        .map(|line| line.split(|b| *b == b':'));
    let home = lines.find_map(|mut fields| match fields.next() {
        Some(name) if name == user => fields.nth(4),
        _ => None,
    })?;
    Some(home.to_vec())
}
