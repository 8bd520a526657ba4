//! A system call as a C programmer writes it: `read(3, "# Silica\n"..., 16384) = 328`.

use crate::trace::record::Memory;
use abi::Errno;
use abi::fcntl::AT_FDCWD;
use abi::nr::{self, Arg, Ret};

/// The call with its arguments. `memory` is what they pointed to, at the call's begin and at its end; of a string or
/// buffer at most `strings` bytes are shown.
pub fn invocation(number: u64, args: &[u64; 6], memory: &[Memory; 2], strings: usize) -> String {
    let Some(call) = nr::lookup(number) else {
        return format!("call {number}()");
    };
    let mut shown = Vec::new();
    for (arg, &value) in call.args.iter().zip(args) {
        let text = |memory: &Memory| quoted(memory, value, strings);
        shown.push(match arg {
            Arg::Int | Arg::Fd | Arg::Pid | Arg::Id | Arg::Signal => (value as i32).to_string(),
            Arg::DirFd if value as i32 == AT_FDCWD => "AT_FDCWD".into(),
            Arg::DirFd => (value as i32).to_string(),
            Arg::Long | Arg::Off => (value as i64).to_string(),
            Arg::Len => value.to_string(),
            Arg::Mode => octal(value),
            Arg::Set(names) => names.show(value).to_string(),
            Arg::Path | Arg::InBuf => text(&memory[0]),
            Arg::OutBuf => text(&memory[1]),
            _ if value == 0 => "NULL".into(),
            _ => format!("{value:#x}"),
        });
    }
    format!("{}({})", call.name, shown.join(", "))
}

/// A result: the value, or the error's name.
pub fn outcome(number: u64, result: i64) -> String {
    if let Some(errno) = error(result) {
        return match Errno::from_number(errno) {
            Some(errno) => format!("-1 {} ({})", errno.name(), errno.message()),
            None => format!("error {errno}"),
        };
    }
    match nr::lookup(number).map(|call| call.ret) {
        Some(Ret::Addr) => format!("{result:#x}"),
        Some(Ret::Mode) => octal(result as u64),
        _ => result.to_string(),
    }
}

/// Permissions as a C programmer writes them.
fn octal(mode: u64) -> String {
    match mode {
        0 => "0".into(),
        mode => format!("0{mode:o}"),
    }
}

/// A result as it stands in a register: `-2 (ENOENT)`.
pub fn register(number: u64, result: i64) -> String {
    match error(result) {
        Some(errno) => match Errno::from_number(errno) {
            Some(errno) => format!("{result} ({})", errno.name()),
            None => result.to_string(),
        },
        None => outcome(number, result),
    }
}

/// The number of the error that a result stands for, if it does.
fn error(result: i64) -> Option<i64> {
    result.checked_neg().filter(|n| (1..4096).contains(n))
}

/// The buffer that the call fills or empties, and its room: the first one among its arguments.
pub fn buffer(number: u64, args: &[u64; 6]) -> Option<(u64, u64)> {
    let call = nr::lookup(number)?;
    let index = call
        .args
        .iter()
        .position(|arg| matches!(arg, Arg::InBuf | Arg::OutBuf))?;
    Some((*args.get(index)?, *args.get(index + 1)?))
}

/// What was at an address, quoted and cut.
fn quoted(memory: &Memory, addr: u64, strings: usize) -> String {
    if addr == 0 {
        return "NULL".into();
    }
    let piece = memory.pieces.iter().find(|(start, _)| *start == addr);
    let Some((_, bytes)) = piece else {
        return format!("{addr:#x}");
    };
    let end = bytes.iter().position(|&byte| byte == 0);
    let bytes = match end {
        Some(end) if end + 1 == bytes.len() => &bytes[..end],
        _ => bytes,
    };
    let shown = &bytes[..bytes.len().min(strings)];
    let dots = if bytes.len() >= strings && strings > 0 {
        "..."
    } else {
        ""
    };
    format!("\"{}\"{dots}", shown.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_shown_by_their_types() {
        let memory = |addr, text: &[u8]| Memory {
            pieces: vec![(addr, text.to_vec())],
        };
        let none = Memory::default();
        let show =
            |number, args: &[u64; 6], memory: [Memory; 2]| invocation(number, args, &memory, 4);
        assert_eq!(
            show(
                nr::READ,
                &[3, 64, 9, 0, 0, 0],
                [none.clone(), memory(64, b"a\x1bcde")]
            ),
            "read(3, \"a\\x1bcd\"..., 9)"
        );
        assert_eq!(
            show(
                nr::OPENAT,
                &[-100i64 as u64, 64, 0, 0, 0, 0],
                [memory(64, b"/a\0"), none.clone()]
            ),
            "openat(AT_FDCWD, \"/a\", O_RDONLY, 0)"
        );
        assert_eq!(
            show(nr::READ, &[3, 64, 9, 0, 0, 0], [none.clone(), none.clone()]),
            "read(3, 0x40, 9)"
        );
        assert_eq!(show(4711, &[0; 6], [none.clone(), none]), "call 4711()");
    }

    #[test]
    fn results_are_values_or_errors() {
        assert_eq!(outcome(nr::READ, 5), "5");
        assert_eq!(
            outcome(nr::READ, -2),
            "-1 ENOENT (No such file or directory)"
        );
        assert_eq!(register(nr::READ, -2), "-2 (ENOENT)");
        assert_eq!(register(nr::READ, -4000), "-4000");
        assert_eq!(outcome(nr::MMAP, 0x1000), "0x1000");
        assert_eq!(outcome(nr::READ, i64::MIN), "-9223372036854775808");
    }
}
