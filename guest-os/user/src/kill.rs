//! kill(1): the program and the shell's builtin.

use rust_alloc::vec::Vec;
use ulib::bytes::show;
use ulib::{sys, warn};

/// The number of a signal given by number or by name, with or without `SIG`.
pub fn signal_number(text: &[u8]) -> Option<u32> {
    if let Some(number) = ulib::number::parse_u64(text) {
        return u32::try_from(number)
            .ok()
            .filter(|number| *number < abi::signal::NSIG);
    }
    let name = core::str::from_utf8(text).ok()?.to_ascii_uppercase();
    abi::signal::from_name(&name)
}

/// Sends a signal to each operand, or lists signals with `-l`.
pub fn run<A: AsRef<[u8]>>(args: &[A]) -> i32 {
    let mut signal = abi::signal::SIGTERM;
    let mut operands: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
    match operands.first().copied() {
        Some(b"-l" | b"-L") => return list(&operands[1..]),
        Some(b"-s") if operands.len() > 1 => {
            let Some(number) = signal_number(operands[1]) else {
                return invalid(operands[1]);
            };
            signal = number;
            operands.drain(..2);
        }
        Some(b"--help") => {
            ulib::println!("Usage: kill [-s SIGNAL | -SIGNAL] PID... or kill -l [SIGNAL]...");
            return 0;
        }
        Some(b"--") => {}
        Some([b'-', name @ ..]) if operands.len() > 1 => {
            let Some(number) = signal_number(name) else {
                return invalid(name);
            };
            signal = number;
            operands.remove(0);
        }
        _ => {}
    }
    if operands.first() == Some(&&b"--"[..]) {
        operands.remove(0);
    }
    if operands.is_empty() {
        warn!("not enough arguments");
        return 1;
    }
    let mut status = 0;
    for operand in operands {
        let sent = match ulib::number::parse_i64(operand).and_then(|pid| i32::try_from(pid).ok()) {
            Some(pid) => sys::kill(pid, signal).map_err(|errno| warn!("({pid}) - {errno}")),
            None => {
                warn!(
                    "kill: {}: arguments must be process or job IDs",
                    show(operand)
                );
                Err(())
            }
        };
        status |= i32::from(sent.is_err());
    }
    status
}

fn invalid(name: &[u8]) -> i32 {
    warn!("{}: invalid signal specification", show(name));
    1
}

/// Names of numbers (of statuses too) and numbers of names; all names without an operand.
fn list(operands: &[&[u8]]) -> i32 {
    let short = |name: &'static str| &name["SIG".len()..];
    if operands.is_empty() {
        for signal in 1..abi::signal::NSIG {
            if let Some(name) = abi::signal::name(signal) {
                ulib::println!("{signal:2} {}", short(name));
            }
        }
    }
    for operand in operands {
        match (ulib::number::parse_u64(operand), signal_number(operand)) {
            (Some(number), _) => match abi::signal::name((number & 0x7f) as u32) {
                Some(name) => ulib::println!("{}", short(name)),
                None => return invalid(operand),
            },
            (None, Some(number)) => ulib::println!("{number}"),
            (None, None) => return invalid(operand),
        }
    }
    0
}
