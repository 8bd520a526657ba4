//! Simple commands (POSIX 2.9.1): assignments, functions, builtins, and programs.

use super::{Flow, Result, command, in_child};
use crate::sh::ast::{Command, Word};
use crate::sh::{Shell, builtins, redirect};
use abi::Errno;
use rust_alloc::vec::Vec;
use ulib::bytes::show;
use ulib::{fs, io, process, sys, warn};

/// Deepest nesting of function calls and sourced files.
const DEEPEST_CALL: usize = 500;

pub(super) fn simple(
    shell: &mut Shell,
    command: &Command,
    assignments: &[(Vec<u8>, Word)],
    words: &[Word],
    tail: bool,
) -> Result {
    shell.substituted = false;
    let words = shell.expand_words(words)?;
    let mut values = Vec::new();
    for (name, word) in assignments {
        values.push((name, shell.expand_text(word)?));
    }
    if shell.flags.trace {
        trace(shell, &values, &words);
    }
    let Some(name) = words.first() else {
        // Without a command, the status is that of the last substitution.
        if !shell.substituted {
            shell.status = 0;
        }
        for (name, value) in values {
            shell.assign(name, &value)?;
        }
        return match redirect::apply(shell, &command.redirects)? {
            Some(saved) => {
                saved.undo();
                Ok(shell.status)
            }
            None => Ok(1),
        };
    };
    let function = shell.functions.get(name).cloned();
    let builtin = builtins::find(name);
    if function.is_none() && builtin.is_none() {
        return external(shell, command, &values, &words, tail);
    }
    let Some(saved) = redirect::apply(shell, &command.redirects)? else {
        return Ok(1);
    };
    let lasting = function.is_none() && builtin.is_some_and(|builtin| builtin.special);
    let mut before = Vec::new();
    for (name, value) in values {
        if !lasting {
            before.push(shell.variables.save(name));
        }
        shell.assign(name, &value)?;
        shell.variables.entry(name).exported |= !lasting;
    }
    let status = match (function, builtin) {
        (Some(body), _) => call(shell, &body, &words),
        (None, Some(builtin)) => (builtin.run)(shell, &words),
        (None, None) => Ok(0),
    };
    let flushed = io::flush();
    io::clear_error();
    before
        .into_iter()
        .rev()
        .for_each(|variable| shell.variables.restore(variable));
    if name == b"exec" && status.is_ok() {
        saved.keep();
    } else {
        saved.undo();
    }
    match flushed {
        Err(errno) if status == Ok(0) => {
            warn!("{}: write error: {errno}", show(name));
            Ok(1)
        }
        _ => status,
    }
}

fn trace(shell: &mut Shell, values: &[(&Vec<u8>, Vec<u8>)], words: &[Vec<u8>]) {
    let mut line = shell.variables.get(b"PS4").unwrap_or(b"+ ").to_vec();
    let assignments = values
        .iter()
        .map(|(name, value)| [name, &b"="[..], value].concat());
    let all: Vec<Vec<u8>> = assignments.chain(words.iter().cloned()).collect();
    line.extend(all.join(&b' '));
    ulib::eprintln!("{}", show(&line));
}

/// Calls a function.
fn call(shell: &mut Shell, body: &Command, words: &[Vec<u8>]) -> Result {
    if shell.locals.len() >= DEEPEST_CALL {
        warn!("{}: nested too deeply", show(&words[0]));
        return Err(Flow::Exit(2));
    }
    let positional = core::mem::replace(&mut shell.positional, words[1..].to_vec());
    let loops = core::mem::take(&mut shell.loops);
    shell.locals.push(Vec::new());
    let status = command(shell, body, false);
    for variable in shell.locals.pop().into_iter().flatten().rev() {
        shell.variables.restore(variable);
    }
    shell.loops = loops;
    shell.positional = positional;
    match status {
        Err(Flow::Return(status)) => Ok(status),
        other => other,
    }
}

fn external(
    shell: &mut Shell,
    command: &Command,
    values: &[(&Vec<u8>, Vec<u8>)],
    words: &[Vec<u8>],
    tail: bool,
) -> Result {
    let inside = |shell: &mut Shell| {
        if redirect::apply(shell, &command.redirects)?.is_none() {
            return Ok(1);
        }
        for (name, value) in values {
            shell.assign(name, value)?;
            shell.variables.entry(name).exported = true;
        }
        replace(shell, words)
    };
    if tail && shell.may_be_replaced() {
        shell.run_and_exit(inside);
    }
    in_child(shell, inside)
}

/// Runs a program in a child, for the builtin `command`.
pub fn run_external(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    in_child(shell, |shell| replace(shell, words))
}

/// Becomes another program; a status only if that failed.
pub fn replace(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let name = &words[0];
    // A write that failed shows in the program that replaces this one.
    let _ = io::flush();
    let path = shell.variables.get(b"PATH").unwrap_or(b"");
    let errno = match process::find_in(name, path) {
        Some(path) => {
            let errno = sys::execve(&path, words, &shell.variables.environment());
            match errno {
                // A text without `#!` is a script for this shell.
                Errno::ENOEXEC => return script(shell, &path, words),
                errno => errno,
            }
        }
        None => Errno::ENOENT,
    };
    match errno {
        Errno::ENOENT => warn!("{}: not found", show(name)),
        errno => warn!("{}: {errno}", show(name)),
    }
    Ok(process::exec_status(errno))
}

fn script(shell: &mut Shell, path: &[u8], words: &[Vec<u8>]) -> Result {
    let text = match fs::read_file(path) {
        Ok(text) if !text.iter().take(64).any(|b| *b == 0) => text,
        _ => {
            warn!("{}: {}", show(path), Errno::ENOEXEC);
            return Ok(process::CANNOT_EXECUTE);
        }
    };
    let mut fresh = Shell::new(path);
    fresh.positional = words[1..].to_vec();
    fresh.variables = shell.variables.clone();
    Err(Flow::Exit(fresh.run_text(&text, true)))
}
