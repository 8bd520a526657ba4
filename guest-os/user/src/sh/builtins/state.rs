//! The shell's state: directory, variables, options, traps, umask.

use super::super::{Shell, signals};
use super::{Result, find, number};
use rust_alloc::vec::Vec;
use ulib::bytes::{show, split_once};
use ulib::path::join;
use ulib::{mode, process, sys, warn};

pub fn cd(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let operand = words[1..]
        .iter()
        .find(|word| !matches!(&word[..], b"-L" | b"-P" | b"--"));
    let target = match operand.map(Vec::as_slice) {
        None => shell.variables.get(b"HOME"),
        Some(b"-") => shell.variables.get(b"OLDPWD"),
        Some(path) => Some(path),
    };
    let Some(target) = target.map(<[u8]>::to_vec) else {
        warn!(
            "cd: {} not set",
            if operand.is_none() { "HOME" } else { "OLDPWD" }
        );
        return Ok(2);
    };
    let before = sys::getcwd().unwrap_or_default();
    // CDPATH helps names that do not say where they start (POSIX, cd).
    let path = shell.variables.get(b"CDPATH").unwrap_or(b"").to_vec();
    let named = !target.starts_with(b"/") && !target.starts_with(b".");
    let bases = path
        .split(|b| *b == b':')
        .filter(|base| named && !base.is_empty());
    let found = bases
        .map(|base| join(base, &target))
        .find(|dir| sys::chdir(dir).is_ok());
    if found.is_none()
        && let Err(errno) = sys::chdir(&target)
    {
        warn!("cd: can't cd to {}: {errno}", show(&target));
        return Ok(2);
    }
    let now = sys::getcwd().unwrap_or_default();
    if found.is_some() || operand.is_some_and(|operand| operand == b"-") {
        ulib::println!("{}", show(&now));
    }
    shell.assign(b"OLDPWD", &before)?;
    shell.assign(b"PWD", &now)?;
    Ok(0)
}

pub fn pwd(_: &mut Shell, _: &[Vec<u8>]) -> Result {
    match sys::getcwd() {
        Ok(path) => {
            ulib::println!("{}", show(&path));
            Ok(0)
        }
        Err(errno) => {
            warn!("pwd: {errno}");
            Ok(1)
        }
    }
}

/// A value in quotes that the shell reads back.
fn quoted(value: &[u8]) -> Vec<u8> {
    let mut out = b"'".to_vec();
    for byte in value {
        match byte {
            b'\'' => out.extend_from_slice(b"'\\''"),
            byte => out.push(*byte),
        }
    }
    out.push(b'\'');
    out
}

fn mark(
    shell: &mut Shell,
    words: &[Vec<u8>],
    set: fn(&mut super::super::variables::Variable),
    has: fn(&super::super::variables::Variable) -> bool,
) -> Result {
    let operands: Vec<&Vec<u8>> = words[1..].iter().filter(|word| *word != b"-p").collect();
    if operands.is_empty() {
        for (name, variable) in shell.variables.iter().filter(|(_, variable)| has(variable)) {
            match &variable.value {
                Some(value) => {
                    ulib::println!(
                        "{} {}={}",
                        show(&words[0]),
                        show(name),
                        show(&quoted(value))
                    );
                }
                None => ulib::println!("{} {}", show(&words[0]), show(name)),
            }
        }
    }
    for operand in operands {
        let (name, value) = match split_once(operand, b'=') {
            Some((name, value)) => (name, Some(value)),
            None => (&operand[..], None),
        };
        if super::super::lexer::name_len(name) != name.len() || name.is_empty() {
            warn!("{}: {}: bad variable name", show(&words[0]), show(name));
            return Ok(2);
        }
        if let Some(value) = value {
            shell.assign(name, value)?;
        }
        set(shell.variables.entry(name));
    }
    Ok(0)
}

pub fn export(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    mark(
        shell,
        words,
        |variable| variable.exported = true,
        |variable| variable.exported,
    )
}

pub fn readonly(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    mark(
        shell,
        words,
        |variable| variable.readonly = true,
        |variable| variable.readonly,
    )
}

pub fn local(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    for operand in &words[1..] {
        let (name, value) = match split_once(operand, b'=') {
            Some((name, value)) => (name, Some(value)),
            None => (&operand[..], None),
        };
        let saved = shell.variables.save(name);
        let Some(frame) = shell.locals.last_mut() else {
            warn!("local: not in a function");
            return Ok(2);
        };
        frame.push(saved);
        if let Some(value) = value {
            shell.assign(name, value)?;
        }
    }
    Ok(0)
}

pub fn unset(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let functions = words.iter().any(|word| word == b"-f");
    for name in words[1..].iter().filter(|word| !word.starts_with(b"-")) {
        if functions {
            shell.functions.remove(name);
        } else if let Err(message) = shell.variables.unset(name) {
            return Err(shell.expansion_error(format_args!("unset: {message}")));
        }
    }
    Ok(0)
}

pub fn set(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    if words.len() == 1 {
        for (name, variable) in shell.variables.iter() {
            if let Some(value) = &variable.value {
                ulib::println!("{}={}", show(name), show(&quoted(value)));
            }
        }
    }
    let mut rest = &words[1..];
    while let Some((word, after)) = rest.split_first() {
        let (on, letters) = match &word[..] {
            b"--" | b"-" => {
                shell.positional = after.to_vec();
                return Ok(0);
            }
            [b'-', letters @ ..] => (true, letters),
            [b'+', letters @ ..] => (false, letters),
            _ => {
                shell.positional = rest.to_vec();
                return Ok(0);
            }
        };
        rest = after;
        for letter in letters {
            let named = match letter {
                b'o' => {
                    let name = rest.first().map_or(&b""[..], Vec::as_slice);
                    rest = rest.get(1..).unwrap_or_default();
                    option_letter(name)
                }
                letter => *letter,
            };
            match (named, shell.flags.flag(named)) {
                (_, Some(flag)) => *flag = on,
                (b'a', None) => shell.variables.export_all = on,
                (b'm' | b'b' | b'h' | b'v', None) => {}
                (_, None) => {
                    warn!("set: Illegal option -{}", show(&[*letter]));
                    return Ok(2);
                }
            }
        }
    }
    Ok(0)
}

/// The letter of a long option name.
fn option_letter(name: &[u8]) -> u8 {
    match name {
        b"allexport" => b'a',
        b"errexit" => b'e',
        b"nounset" => b'u',
        b"xtrace" => b'x',
        b"noglob" => b'f',
        b"noexec" => b'n',
        b"noclobber" => b'C',
        _ => b'?',
    }
}

pub fn shift(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let count = match words.get(1) {
        None => 1,
        Some(text) => match number(&words[0], text).and_then(|n| usize::try_from(n).ok()) {
            Some(count) => count,
            None => return Ok(2),
        },
    };
    if count > shell.positional.len() {
        warn!("shift: can't shift that many");
        return Ok(2);
    }
    shell.positional.drain(..count);
    Ok(0)
}

pub fn trap(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let operands = &words[1..];
    if operands.is_empty() {
        for (signal, action) in &shell.traps.actions {
            let name = abi::signal::name(*signal).map_or("EXIT", |name| &name["SIG".len()..]);
            ulib::println!("trap -- {} {name}", show(&quoted(action)));
        }
        return Ok(0);
    }
    let reset = operands.len() == 1 || operands[0] == b"-";
    let (action, names) = match reset {
        true => (
            None,
            if operands[0] == b"-" {
                &operands[1..]
            } else {
                operands
            },
        ),
        false => (Some(&operands[0][..]), &operands[1..]),
    };
    let mut status = 0;
    for name in names {
        let signal = match &name[..] {
            b"EXIT" | b"0" => Some(signals::EXIT),
            name => crate::kill::signal_number(name),
        };
        let done = signal.map(|signal| shell.traps.set(signal, action));
        if !matches!(done, Some(Ok(()))) {
            warn!("trap: {}: bad trap", show(name));
            status = 1;
        }
    }
    Ok(status)
}

/// `type`: what a name stands for.
pub fn kind(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let mut status = 0;
    for name in &words[1..] {
        let path = shell.variables.get(b"PATH").unwrap_or(b"");
        if shell.functions.contains_key(name) {
            ulib::println!("{} is a shell function", show(name));
        } else if let Some(builtin) = find(name) {
            let special = if builtin.special { "special " } else { "" };
            ulib::println!("{} is a {special}shell builtin", show(name));
        } else if let Some(path) = process::find_in(name, path) {
            ulib::println!("{} is {}", show(name), show(&path));
        } else {
            ulib::println!("{}: not found", show(name));
            status = 127;
        }
    }
    Ok(status)
}

pub fn umask(_: &mut Shell, words: &[Vec<u8>]) -> Result {
    let present = sys::umask(0);
    match words.get(1) {
        None => {
            sys::umask(present);
            ulib::println!("{present:04o}");
            Ok(0)
        }
        Some(text) => {
            // Symbolic masks say what is allowed, numbers what is not.
            let octal = ulib::number::parse_mode(text);
            let wanted =
                octal.or_else(|| mode::change(text, !present & 0o777, 0).map(|m| !m & 0o777));
            sys::umask(wanted.unwrap_or(present));
            if wanted.is_none() {
                warn!("umask: Illegal mode: {}", show(text));
                return Ok(2);
            }
            Ok(0)
        }
    }
}

/// `getopts LETTERS NAME [ARG]...`: the next option (POSIX, getopts). Where it is within clustered
/// letters is kept in `OPTIND` as `INDEX`, and in the hidden variable `_OPTPOS`.
pub fn getopts(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let [_, letters, name, operands @ ..] = words else {
        warn!("getopts: usage: getopts LETTERS NAME [ARG]...");
        return Ok(2);
    };
    let operands = if operands.is_empty() {
        shell.positional.clone()
    } else {
        operands.to_vec()
    };
    let read = |shell: &Shell, name: &[u8]| {
        shell
            .variables
            .get(name)
            .and_then(ulib::number::parse_u64)
            .unwrap_or(0) as usize
    };
    let mut index = read(shell, b"OPTIND").max(1);
    let mut place = read(shell, b"_OPTPOS").max(1);
    let silent = letters.starts_with(b":");
    let word = operands.get(index - 1).cloned().unwrap_or_default();
    if place == 1 && (word.len() < 2 || word[0] != b'-' || word == b"--") {
        index += usize::from(word == b"--");
        shell.assign(b"OPTIND", rust_alloc::format!("{index}").as_bytes())?;
        shell.assign(name, b"?")?;
        return Ok(1);
    }
    let letter = word.get(place).copied().unwrap_or(b'?');
    place += 1;
    let known = letters.iter().position(|l| *l == letter && letter != b':');
    let takes_value = known.is_some_and(|at| letters.get(at + 1) == Some(&b':'));
    let mut value = None;
    let mut result = letter;
    if takes_value {
        let inline = word
            .get(place..)
            .filter(|rest| !rest.is_empty())
            .map(<[u8]>::to_vec);
        value = inline.or_else(|| {
            index += 1;
            operands.get(index - 1).cloned()
        });
        place = word.len();
        if value.is_none() {
            result = if silent { b':' } else { b'?' };
            if !silent {
                warn!("No arg for -{} option", show(&[letter]));
            }
        }
    } else if known.is_none() {
        result = b'?';
        if !silent {
            warn!("Illegal option -{}", show(&[letter]));
        }
    }
    if place >= word.len() {
        index += 1;
        place = 1;
    }
    let shown = match result == letter {
        true => value,
        false => silent.then(|| [letter].to_vec()),
    };
    match shown {
        Some(value) => shell.assign(b"OPTARG", &value)?,
        None => drop(shell.variables.unset(b"OPTARG")),
    }
    shell.assign(b"OPTIND", rust_alloc::format!("{index}").as_bytes())?;
    shell.assign(b"_OPTPOS", rust_alloc::format!("{place}").as_bytes())?;
    shell.assign(name, &[result])?;
    Ok(0)
}
