//! Builtins that work on text: echo, printf, read, test; and those that do nothing.

use super::super::Shell;
use super::Result;
use rust_alloc::vec;
use rust_alloc::vec::Vec;
use ulib::{io, sys};

pub fn nothing(_: &mut Shell, _: &[Vec<u8>]) -> Result {
    Ok(0)
}

pub fn failure(_: &mut Shell, _: &[Vec<u8>]) -> Result {
    Ok(1)
}

pub fn echo(_: &mut Shell, words: &[Vec<u8>]) -> Result {
    Ok(crate::echo::run(&words[1..]))
}

pub fn printf(_: &mut Shell, words: &[Vec<u8>]) -> Result {
    Ok(crate::printf::run(&words[1..]))
}

pub fn test(_: &mut Shell, words: &[Vec<u8>]) -> Result {
    Ok(crate::test::run(&words[1..]))
}

pub fn bracket(_: &mut Shell, words: &[Vec<u8>]) -> Result {
    Ok(crate::test::run_bracket(&words[1..]))
}

/// `read [-r] [NAME]...`: a line, split at IFS; the last variable takes the rest.
pub fn read(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let raw = words[1..].iter().any(|word| word == b"-r");
    let names: Vec<&Vec<u8>> = words[1..].iter().filter(|word| *word != b"-r").collect();
    let default = b"REPLY".to_vec();
    let names = if names.is_empty() {
        vec![&default]
    } else {
        names
    };
    let (line, complete) = read_line(raw);
    let separators = shell.variables.get(b"IFS").unwrap_or(b" \t\n").to_vec();
    let blank = |(byte, quoted): &(u8, bool)| {
        !quoted && separators.contains(byte) && b" \t\n".contains(byte)
    };
    let separator = |(byte, quoted): &(u8, bool)| !quoted && separators.contains(byte);
    let mut rest = &line[line.iter().take_while(|c| blank(c)).count()..];
    for (i, name) in names.iter().enumerate() {
        let field = if i + 1 == names.len() {
            let end = rest.iter().rposition(|c| !blank(c)).map_or(0, |at| at + 1);
            core::mem::take(&mut rest).get(..end).unwrap_or_default()
        } else {
            let end = rest.iter().position(separator).unwrap_or(rest.len());
            let (field, after) = rest.split_at(end);
            let blanks = after.iter().take_while(|c| blank(c)).count();
            let other = usize::from(after.get(blanks).is_some_and(separator));
            let after = &after[blanks + other..];
            rest = &after[after.iter().take_while(|c| blank(c)).count()..];
            field
        };
        let value: Vec<u8> = field.iter().map(|(byte, _)| *byte).collect();
        shell.assign(name, &value)?;
    }
    Ok(i32::from(!complete))
}

/// Bytes of a line, each with whether a backslash quoted it; and whether it had its newline.
fn read_line(raw: bool) -> (Vec<(u8, bool)>, bool) {
    let mut line = Vec::new();
    let mut byte = [0];
    let mut quoted = false;
    // What was printed belongs before what is typed.
    let _ = io::flush();
    loop {
        match sys::read(io::STDIN, &mut byte) {
            Ok(1..) => {}
            Err(abi::Errno::EINTR) => continue,
            _ => return (line, false),
        }
        match byte[0] {
            b'\n' if !quoted => return (line, true),
            b'\n' => quoted = false,
            b'\\' if !raw && !quoted => quoted = true,
            other => {
                line.push((other, quoted));
                quoted = false;
            }
        }
    }
}
