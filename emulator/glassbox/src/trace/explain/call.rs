//! Results of system calls in words, and their buffers.

use abi::Errno;
use abi::nr::{self, Arg, Ret};

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

#[cfg(test)]
mod tests {
    use super::*;

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
