//! What decides which command is next: break, continue, return, exit, eval, `.`, exec, command.

use super::super::Shell;
use super::super::exec::{self, Flow};
use super::{Result, find, number};
use rust_alloc::vec::Vec;
use ulib::bytes::show;
use ulib::{fs, process, warn};

/// The levels that `break` and `continue` ask for, at most those there are; none outside of loops.
fn levels(shell: &Shell, words: &[Vec<u8>]) -> core::result::Result<Option<u32>, Flow> {
    let wanted = match words.get(1) {
        None => 1,
        Some(text) => match number(&words[0], text) {
            Some(n) if n > 0 => n,
            _ => return Err(Flow::Exit(2)),
        },
    };
    Ok((shell.loops > 0).then_some(wanted.min(i64::from(shell.loops)) as u32))
}

pub fn leave_loop(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    levels(shell, words)?.map_or(Ok(0), |n| Err(Flow::Break(n)))
}

pub fn next_turn(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    levels(shell, words)?.map_or(Ok(0), |n| Err(Flow::Continue(n)))
}

/// The status given as an argument, or the last command's.
fn status(shell: &Shell, words: &[Vec<u8>]) -> i32 {
    match words.get(1) {
        None => shell.status,
        Some(text) => number(&words[0], text).map_or(2, |n| n as i32 & 0xff),
    }
}

pub fn leave_function(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    Err(Flow::Return(status(shell, words)))
}

pub fn exit(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    Err(Flow::Exit(status(shell, words)))
}

pub fn eval(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    shell.evaluate(&words[1..].join(&b' '), false)
}

/// `.`: runs a file in this shell.
pub fn source(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let Some(name) = words.get(1) else {
        warn!(".: filename argument required");
        return Ok(2);
    };
    let text = match fs::read_file(name) {
        Ok(text) => text,
        Err(errno) => {
            let flow =
                shell.expansion_error(format_args!(".: cannot open {}: {errno}", show(name)));
            return Err(flow);
        }
    };
    let operands = words[2..].to_vec();
    let before =
        (!operands.is_empty()).then(|| core::mem::replace(&mut shell.positional, operands));
    let flow = shell.evaluate(&text, false);
    if let Some(before) = before {
        shell.positional = before;
    }
    match flow {
        Err(Flow::Return(status)) => Ok(status),
        flow => flow,
    }
}

/// Becomes another program; without one, only the redirections count.
pub fn exec(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    if words.len() == 1 {
        return Ok(0);
    }
    let interactive = shell.interactive;
    if interactive {
        super::super::signals::relax();
    }
    let status = exec::simple::replace(shell, &words[1..])?;
    if interactive {
        super::super::signals::brace_for_terminal();
        return Ok(status);
    }
    Err(Flow::Exit(status))
}

/// `command NAME`: not a function. `-v` tells what the name stands for.
pub fn command(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let rest = &words[1..];
    match rest.first().map(Vec::as_slice) {
        None => Ok(0),
        Some(b"-v") => {
            let Some(name) = rest.get(1) else {
                return Ok(2);
            };
            let path = shell.variables.get(b"PATH").unwrap_or(b"");
            if shell.functions.contains_key(name) || find(name).is_some() {
                ulib::println!("{}", show(name));
            } else if let Some(path) = process::find_in(name, path) {
                ulib::println!("{}", show(&path));
            } else {
                return Ok(127);
            }
            Ok(0)
        }
        Some(name) => match find(name) {
            Some(builtin) => (builtin.run)(shell, rest),
            None => exec::simple::run_external(shell, rest),
        },
    }
}
