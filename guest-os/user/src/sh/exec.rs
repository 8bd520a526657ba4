//! Walks the tree (POSIX 2.9). Every function gives the status of what it ran, or a [`Flow`] that
//! unwinds to whom it concerns.
//!
//! `tail` says that nothing is left to do in this process afterwards. Then an external command
//! replaces the process instead of running in a child, so that whoever waits for a `sh -c` sees the
//! command's own end, signal included.

pub(super) mod simple;

use super::ast::{Command, Item, Junction, Kind, List, Pipeline};
use super::jobs::Place;
use super::{Shell, builtins, redirect};
use abi::Errno;
use rust_alloc::rc::Rc;
use rust_alloc::vec::Vec;
use ulib::{fs, io, pattern, process, sys, warn};

/// Why the present command goes no further.
#[derive(Debug, PartialEq, Eq)]
pub enum Flow {
    /// `break` out of this many loops.
    Break(u32),
    /// `continue` the loop this many levels out.
    Continue(u32),
    /// `return` from a function or a sourced file.
    Return(i32),
    /// The shell exits.
    Exit(i32),
    /// Ctrl-C, or an error that an interactive shell survives.
    Interrupt,
}

type Result = core::result::Result<i32, Flow>;

/// Runs commands one after the other.
pub fn list(shell: &mut Shell, list: &List, tail: bool) -> Result {
    let mut status = 0;
    for (i, item) in list.iter().enumerate() {
        status = match item.background {
            true => background(shell, item)?,
            false => self::item(shell, item, tail && i + 1 == list.len())?,
        };
        shell.status = status;
        shell.run_traps()?;
    }
    Ok(status)
}

fn item(shell: &mut Shell, item: &Item, tail: bool) -> Result {
    let last = item.rest.len();
    let mut status = pipeline(shell, &item.first, tail && last == 0, last > 0)?;
    for (i, (junction, next)) in item.rest.iter().enumerate() {
        shell.status = status;
        if (status == 0) == (*junction == Junction::And) {
            let is_last = i + 1 == last;
            status = pipeline(shell, next, tail && is_last, !is_last)?;
        }
    }
    Ok(status)
}

/// Runs a pipeline. When `checked`, its status decides what happens next, so `set -e` lets it fail.
fn pipeline(shell: &mut Shell, pipeline: &Pipeline, tail: bool, checked: bool) -> Result {
    let checked = checked || pipeline.negated;
    let started = pipeline.timed.then(builtins::Stopwatch::start);
    shell.conditions += u32::from(checked);
    let status = match &pipeline.commands[..] {
        [only] => command(shell, only, tail && !pipeline.negated && !pipeline.timed),
        many => connected(shell, many),
    };
    shell.conditions -= u32::from(checked);
    if let Some(stopwatch) = started {
        stopwatch.report();
    }
    let mut status = status?;
    if pipeline.negated {
        status = i32::from(status == 0);
    } else if status != 0 && shell.flags.exit_on_error && !checked && shell.conditions == 0 {
        return Err(Flow::Exit(status));
    }
    Ok(status)
}

/// Runs commands side by side, each one's output the next one's input.
fn connected(shell: &mut Shell, commands: &[Command]) -> Result {
    let mut job = shell.jobs.begin();
    let mut input = None;
    for (i, command) in commands.iter().enumerate() {
        let pipe = match i + 1 < commands.len() {
            true => match sys::pipe2(abi::fcntl::O_CLOEXEC) {
                Ok(pipe) => Some(pipe),
                Err(errno) => {
                    warn!("Pipe call failed: {errno}");
                    break;
                }
            },
            false => None,
        };
        let forked = shell.fork_into(&mut job, Place::Foreground);
        match forked {
            Ok(None) => {
                if let Some(input) = input {
                    redirect::become_fd(input, 0);
                }
                if let Some((reader, writer)) = pipe {
                    // The next command's end; only this process's copy goes.
                    let _ = sys::close(reader);
                    redirect::become_fd(writer, 1);
                }
                shell.run_and_exit(|shell| self::command(shell, command, true));
            }
            Ok(Some(_)) => {}
            Err(errno) => warn!("Cannot fork: {errno}"),
        }
        // The children hold these now.
        for fd in input.into_iter().chain(pipe.map(|(_, writer)| writer)) {
            let _ = sys::close(fd);
        }
        input = pipe.map(|(reader, _)| reader);
    }
    if let Some(fd) = input {
        let _ = sys::close(fd);
    }
    Ok(shell.wait_foreground(job))
}

/// Starts a command that runs beside the shell.
fn background(shell: &mut Shell, item: &Item) -> Result {
    let mut job = shell.jobs.begin();
    match shell.fork_into(&mut job, Place::Background) {
        Ok(None) => shell.run_and_exit(|shell| self::item(shell, item, true)),
        Ok(Some(pid)) => {
            shell.last_background = Some(pid);
            let number = shell.jobs.add(job);
            if shell.interactive {
                ulib::eprintln!("[{number}] {pid}");
            }
            Ok(0)
        }
        Err(errno) => {
            warn!("Cannot fork: {errno}");
            Ok(2)
        }
    }
}

fn command(shell: &mut Shell, command: &Command, tail: bool) -> Result {
    let kind = match &command.kind {
        Kind::Simple { assignments, words } => {
            return simple::simple(shell, command, assignments, words, tail);
        }
        Kind::Subshell(list) => return subshell(shell, command, list, tail),
        kind => kind,
    };
    let saved = match redirect::apply(shell, &command.redirects)? {
        Some(saved) => saved,
        None => return Ok(1),
    };
    let tail = tail && command.redirects.is_empty();
    let status = compound(shell, kind, tail);
    // What builtins printed belongs to where output went until now.
    let _ = io::flush();
    saved.undo();
    status
}

fn compound(shell: &mut Shell, kind: &Kind, tail: bool) -> Result {
    match kind {
        Kind::Simple { .. } | Kind::Subshell(_) => Ok(0),
        Kind::Group(body) => list(shell, body, tail),
        Kind::If {
            branches,
            otherwise,
        } => {
            for (condition, body) in branches {
                if self::condition(shell, condition)? {
                    return list(shell, body, tail);
                }
            }
            list(shell, otherwise, tail)
        }
        Kind::Loop {
            until,
            condition,
            body,
        } => {
            let mut status = 0;
            while self::condition(shell, condition)? != *until {
                if let Some(end) = turn(shell, body, &mut status)? {
                    return Ok(end);
                }
            }
            Ok(status)
        }
        Kind::For { name, words, body } => {
            let values = match words {
                Some(words) => shell.expand_words(words)?,
                None => shell.positional.clone(),
            };
            let mut status = 0;
            for value in values {
                shell.assign(name, &value)?;
                if let Some(end) = turn(shell, body, &mut status)? {
                    return Ok(end);
                }
            }
            Ok(status)
        }
        Kind::Case { word, arms } => {
            let text = shell.expand_text(word)?;
            for (patterns, body) in arms {
                for pattern in patterns {
                    let pattern = shell.expand_pattern(pattern)?;
                    if pattern::matches(&pattern, &text) {
                        return list(shell, body, tail);
                    }
                }
            }
            Ok(0)
        }
        Kind::Function { name, body } => {
            shell.functions.insert(name.clone(), Rc::clone(body));
            Ok(0)
        }
    }
}

fn condition(shell: &mut Shell, condition: &List) -> core::result::Result<bool, Flow> {
    shell.conditions += 1;
    let status = list(shell, condition, false);
    shell.conditions -= 1;
    Ok(status? == 0)
}

/// One turn of a loop; a status if the loop ends here.
fn turn(
    shell: &mut Shell,
    body: &List,
    status: &mut i32,
) -> core::result::Result<Option<i32>, Flow> {
    shell.loops += 1;
    let flow = list(shell, body, false);
    shell.loops -= 1;
    match flow {
        Ok(done) => *status = done,
        Err(Flow::Break(1)) => return Ok(Some(0)),
        Err(Flow::Break(n)) => return Err(Flow::Break(n - 1)),
        Err(Flow::Continue(1)) => *status = 0,
        Err(Flow::Continue(n)) => return Err(Flow::Continue(n - 1)),
        Err(flow) => return Err(flow),
    }
    Ok(None)
}

fn subshell(shell: &mut Shell, command: &Command, body: &List, tail: bool) -> Result {
    let inside = |shell: &mut Shell| match redirect::apply(shell, &command.redirects)? {
        Some(_) => list(shell, body, true),
        None => Ok(1),
    };
    if tail && shell.may_be_replaced() {
        shell.run_and_exit(inside);
    }
    in_child(shell, inside)
}

/// Runs something in a child and waits for it.
fn in_child(shell: &mut Shell, inside: impl FnOnce(&mut Shell) -> Result) -> Result {
    let mut job = shell.jobs.begin();
    match shell.fork_into(&mut job, Place::Foreground) {
        Ok(None) => shell.run_and_exit(inside),
        Ok(Some(_)) => Ok(shell.wait_foreground(job)),
        Err(errno) => {
            warn!("Cannot fork: {errno}");
            Ok(2)
        }
    }
}

/// The output of commands, without the newlines at its end.
pub fn capture(shell: &mut Shell, body: &List) -> core::result::Result<Vec<u8>, Flow> {
    let fail = |shell: &mut Shell, errno: Errno| {
        shell.expansion_error(format_args!("command substitution: {errno}"))
    };
    let (reader, writer) = match sys::pipe2(abi::fcntl::O_CLOEXEC) {
        Ok(pipe) => pipe,
        Err(errno) => return Err(fail(shell, errno)),
    };
    let child = match process::fork() {
        Ok(Some(child)) => child,
        Ok(None) => {
            shell.enter_child();
            redirect::become_fd(writer, 1);
            shell.run_and_exit(|shell| list(shell, body, true));
        }
        Err(errno) => return Err(fail(shell, errno)),
    };
    // Only the child writes, and both ends belong to this function.
    let _ = sys::close(writer);
    let output = fs::read_all(reader);
    let _ = sys::close(reader);
    if let Ok(status) = sys::wait_for(child) {
        shell.status = status.shell_status().into();
        shell.substituted = true;
    }
    match output {
        Ok(mut output) => {
            while output.last() == Some(&b'\n') {
                output.pop();
            }
            Ok(output)
        }
        Err(errno) => Err(fail(shell, errno)),
    }
}

impl Shell {
    /// May the last command take this process over? Not if something is to happen afterwards.
    fn may_be_replaced(&self) -> bool {
        !self.interactive && self.traps.is_empty()
    }

    /// Runs something as the last act of this process.
    pub(super) fn run_and_exit(&mut self, inside: impl FnOnce(&mut Shell) -> Result) -> ! {
        let flow = inside(self);
        let status = self.finish(flow);
        io::exit(status)
    }
}
