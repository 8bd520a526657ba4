//! The user's `-e` expressions: `trace=…`, `event=…`, `signal=…`, `status=…`, `quiet=…`, `decode-fds=…`.
//!
//! All but `event=` are strace's own, in its grammar: a list of words, `all` or `none`, and a `!` in front for the rest.
//! Of several expressions with the same key the last one counts; those with `event=` add up.

use super::kind::{Kind, Kinds, SYS_ENTER, SYS_EXIT};
use super::select::Set;
use super::syscall::class;
use crate::numbers;
use abi::isa::Isa;
use abi::nr::TABLE;
use abi::{linux, signal};
use regex_lite::Regex;
use std::collections::BTreeSet;

/// Reads strace's notation of a set, each word by `read`.
fn set(text: &str, read: impl Fn(&str) -> Result<Vec<u64>, String>) -> Result<Set, String> {
    let words = text.trim_start_matches('!');
    let inverted = (text.len() - words.len()) % 2 == 1;
    let mut members = BTreeSet::new();
    match words {
        "none" => {}
        "all" if !inverted => return Ok(Set::All),
        "all" => return Ok(Set::Only(members)),
        _ => {
            let mut words = words.split(',').filter(|word| !word.is_empty()).peekable();
            if words.peek().is_none() {
                return Err("there is nothing in it; say 'none' if you mean that".to_owned());
            }
            for word in words {
                members.extend(read(word)?);
            }
        }
    }
    Ok(match inverted {
        false => Set::Only(members),
        true if members.is_empty() => Set::All,
        true => Set::But(members),
    })
}

/// How calls end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Without an error.
    Successful,
    /// With one.
    Failed,
    /// Not at all, because the process ended.
    Unfinished,
    /// strace could not see how.
    Unavailable,
    /// strace let go of the process before.
    Detached,
}

/// What the expressions say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The kinds of records to show.
    pub kinds: Kinds,
    /// The system calls to show, by common number.
    pub calls: Set,
    /// The signals to show.
    pub signals: Set,
    /// How calls must end to be shown, each [`Status`] as a number.
    pub statuses: Set,
    /// Ends of processes are not shown.
    pub quiet_exits: bool,
    /// Paths behind descriptors are shown.
    pub paths: bool,
    /// Whether events were named at all.
    pub names_events: bool,
}

/// The keys, for whoever knows none of them.
const KEYS: &str = "trace=, event=, signal=, status=, quiet= or decode-fds=";

/// Reads the expressions; where a system call stands by its number, that is the number on `isa`. Without `event=`, and with any `trace=`, system calls are shown; `event=` adds to them unless
/// it stands alone.
///
/// # Errors
/// One line that says what is wrong.
pub fn parse(isa: Isa, expressions: &[String]) -> Result<Wishes, String> {
    let mut wishes = Wishes::default();
    let (mut calls, mut events) = (false, false);
    for expression in expressions {
        let (key, value) = match expression.split_once('=') {
            // A pattern may have an equals sign.
            Some((key, value)) if !key.contains(['/', ',']) => (key, value),
            _ => ("trace", &expression[..]),
        };
        one(isa, key, value, &mut wishes).map_err(|error| format!("-e {expression}: {error}"))?;
        events |= matches!(key, "event" | "events");
        calls |= matches!(key, "trace" | "t");
    }
    if calls || !events {
        wishes.kinds = wishes.kinds.or([SYS_ENTER, SYS_EXIT]
            .map(Kind::of_probe)
            .into_iter()
            .collect());
    }
    wishes.names_events = events;
    Ok(wishes)
}

fn one(isa: Isa, key: &str, value: &str, wishes: &mut Wishes) -> Result<(), String> {
    match key {
        "event" | "events" => {
            for name in value.split(',') {
                let kinds = Kinds::named(name).ok_or_else(|| {
                    format!("there is no event '{name}'; 'glassbox trace --events' lists them")
                })?;
                wishes.kinds = wishes.kinds.or(kinds);
            }
        }
        "trace" | "t" => wishes.calls = set(value, |word| call(isa, word))?,
        "signal" | "signals" | "s" => {
            wishes.signals = set(value, |word| one_of(word, named_signal(word), "signal"))?
        }
        "status" => wishes.statuses = set(value, |word| one_of(word, status(word), "status"))?,
        "quiet" | "silent" | "silence" | "q" => {
            const EXIT: u64 = 0;
            let number = |word: &str| match word {
                "exit" | "exits" => Some(EXIT),
                "attach" | "path-resolution" | "personality" | "superseded" | "thread-execve" => {
                    Some(1)
                }
                _ => None,
            };
            wishes.quiet_exits =
                set(value, |word| one_of(word, number(word), "message"))?.has(EXIT);
        }
        "decode-fd" | "decode-fds" => {
            const PATH: u64 = 0;
            let number = |word: &str| match word {
                "path" => Some(PATH),
                "socket" | "dev" | "pidfd" => Some(1),
                _ => None,
            };
            wishes.paths = set(value, |word| one_of(word, number(word), "detail"))?.has(PATH);
        }
        "abbrev" | "a" | "verbose" | "v" | "raw" | "x" | "read" | "reads" | "r" | "write"
        | "writes" | "w" | "fault" | "inject" | "kvm" | "decode-pid" | "decode-pids"
        | "secontext" => {
            return Err(format!("strace has '{key}=', this has not; say {KEYS}"));
        }
        _ => return Err(format!("there is no '{key}='; say {KEYS}")),
    }
    Ok(())
}

/// A word that means one number.
fn one_of(word: &str, number: Option<u64>, what: &str) -> Result<Vec<u64>, String> {
    match number {
        Some(number) => Ok(vec![number]),
        None => Err(format!("there is no {what} '{word}'")),
    }
}

/// The numbers of all calls that have names.
fn all_calls() -> impl Iterator<Item = (u64, &'static str)> {
    let ours = TABLE.iter().map(|call| (call.number, call.name));
    ours.chain(
        linux::OTHERS
            .iter()
            .map(|other| (numbers::of_other(other), other.name)),
    )
}

/// The calls that a word means: a name, a number, a class, or, after `/`, a pattern. After `?` it may mean none.
fn call(isa: Isa, word: &str) -> Result<Vec<u64>, String> {
    let wanted = word.trim_start_matches('?');
    // strace's word for the instruction set with 64 bits, of those that a processor has.
    let name = wanted.strip_suffix("@64").unwrap_or(wanted);
    let numbers = if let Some(pattern) = name.strip_prefix('/') {
        let pattern = Regex::new(pattern).map_err(|e| format!("'/{pattern}': {e}"))?;
        let matching = all_calls().filter(|(_, name)| pattern.is_match(name));
        matching.map(|(number, _)| number).collect()
    } else if name.starts_with(|first: char| first.is_ascii_digit()) {
        let number = name.parse().ok().map(|own| numbers::common(isa, own));
        number
            .filter(|number| numbers::name(*number).is_some())
            .into_iter()
            .collect()
    } else if name == "all" {
        all_calls().map(|(number, _)| number).collect()
    } else if let Some(members) = class::members(name) {
        members
    } else {
        let named = all_calls().filter(|(_, known)| *known == name);
        named.map(|(number, _)| number).collect::<Vec<_>>()
    };
    if numbers.is_empty() && word == wanted {
        return Err(format!("there is no system call '{word}'"));
    }
    Ok(numbers)
}

/// A signal by name, in any case and with or without `SIG`, or by number.
fn named_signal(word: &str) -> Option<u64> {
    if let Ok(number) = word.parse::<u8>() {
        return Some(number.into());
    }
    let name = word.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let real_time = name
        .strip_prefix("RT_")
        .and_then(|place| place.parse().ok());
    match real_time {
        Some(place @ 0..=32) => Some(32 + place),
        _ => signal::from_name(name).map(u64::from),
    }
}

fn status(word: &str) -> Option<u64> {
    Some(match word {
        "successful" => Status::Successful,
        "failed" => Status::Failed,
        "unfinished" => Status::Unfinished,
        "unavailable" => Status::Unavailable,
        "detached" => Status::Detached,
        _ => return None,
    } as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::nr;

    fn wishes(expressions: &[&str]) -> Result<Wishes, String> {
        let expressions: Vec<String> = expressions.iter().map(|e| (*e).to_owned()).collect();
        parse(Isa::X86_64, &expressions)
    }

    #[test]
    fn calls_are_named_as_strace_names_them() {
        let has = |expression: &str, number| wishes(&[expression]).unwrap().calls.has(number);
        assert!(has("openat", nr::OPENAT) && !has("openat", nr::READ));
        assert!(has("trace=openat,read", nr::READ) && has("t=read", nr::READ));
        assert!(has("trace=!read", nr::OPENAT) && !has("trace=!read", nr::READ));
        assert!(has("!%file", nr::READ) && !has("!%file", nr::OPENAT));
        assert!(has("trace=%desc,file", nr::OPENAT) && !has("trace=%ipc", nr::OPENAT));
        assert!(has("all", 12345) && !has("none", nr::READ) && !has("!all", nr::READ));
        assert!(
            has("trace=!read", 12345),
            "a call without a name is not read"
        );
        assert!(has("/^get.id$", nr::GETPID) && !has("/^get.id$", nr::GETPPID));
        assert!(has("trace=0,?no_such_call", nr::READ) && has("read@64", nr::READ));
        assert!(has("socket", 41), "a call that Silica does not have");
        let riscv64 = parse(Isa::Riscv64, &["trace=63".to_owned()]).unwrap().calls;
        assert!(riscv64.has(nr::READ) && !riscv64.has(nr::UNAME));
    }

    #[test]
    fn of_several_expressions_the_last_one_counts_but_events_add_up() {
        let both = wishes(&[
            "trace=read",
            "trace=write",
            "event=sched_switch",
            "event=trap",
        ])
        .unwrap();
        assert!(!both.calls.has(nr::READ) && both.calls.has(nr::WRITE));
        let named = |name| Kinds::named(name).unwrap();
        for name in ["sched_switch", "trap", "sys_enter"] {
            assert!(both.kinds.meets(named(name)), "{name}");
        }
        let alone = wishes(&["event=sched_switch"]).unwrap();
        assert!(!alone.kinds.meets(named("sys_enter")));
        assert!(
            wishes(&["signal=none"])
                .unwrap()
                .kinds
                .meets(named("sys_enter"))
        );
    }

    #[test]
    fn signals_statuses_and_the_rest_are_sets() {
        let signals = |text: &str| wishes(&[&format!("signal={text}")]).unwrap().signals;
        assert!(signals("int,SIGCHLD").has(2) && signals("int,SIGCHLD").has(17));
        assert!(!signals("!SIGCHLD").has(17) && signals("!SIGCHLD").has(2));
        assert!(!signals("none").has(2) && signals("33,RT_2").has(34));
        let statuses = |text: &str| wishes(&[&format!("status={text}")]).unwrap().statuses;
        assert!(statuses("failed").has(Status::Failed as u64));
        assert!(!statuses("failed").has(Status::Successful as u64));
        assert!(statuses("!failed,unfinished").has(Status::Successful as u64));
        assert!(wishes(&["quiet=exit"]).unwrap().quiet_exits);
        assert!(wishes(&["quiet=all"]).unwrap().quiet_exits);
        assert!(!wishes(&["quiet=attach"]).unwrap().quiet_exits);
        assert!(wishes(&["decode-fds=all"]).unwrap().paths);
        assert!(!wishes(&["decode-fds=socket"]).unwrap().paths);
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for (expression, expected) in [
            (
                "trace=opennat",
                "-e trace=opennat: there is no system call 'opennat'",
            ),
            (
                "trace=",
                "-e trace=: there is nothing in it; say 'none' if you mean that",
            ),
            (
                "read,,nonsense",
                "-e read,,nonsense: there is no system call 'nonsense'",
            ),
            (
                "signal=SIGFOO",
                "-e signal=SIGFOO: there is no signal 'SIGFOO'",
            ),
            ("status=lost", "-e status=lost: there is no status 'lost'"),
            ("quiet=x", "-e quiet=x: there is no message 'x'"),
            ("decode-fds=x", "-e decode-fds=x: there is no detail 'x'"),
            (
                "raw=read",
                "-e raw=read: strace has 'raw=', this has not; say trace=, event=, signal=, status=, quiet= or decode-fds=",
            ),
            (
                "colour=red",
                "-e colour=red: there is no 'colour='; say trace=, event=, signal=, status=, quiet= or decode-fds=",
            ),
            (
                "event=x",
                "-e event=x: there is no event 'x'; 'glassbox trace --events' lists them",
            ),
        ] {
            assert_eq!(wishes(&[expression]), Err(expected.to_owned()));
        }
        let error = wishes(&["/("]).unwrap_err();
        assert!(
            error.starts_with("-e /(: '/('") && !error.contains('\n'),
            "{error}"
        );
    }
}
