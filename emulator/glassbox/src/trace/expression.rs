//! The user's `-e` expressions: `trace=…`, `event=…`, `signal=…`, `status=…`.

use super::kind::{Kind, Kinds, SYS_ENTER, SYS_EXIT};
use super::select::Calls;
use abi::nr::TABLE;
use std::collections::BTreeSet;

/// What the expressions say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The kinds of records to show.
    pub kinds: Kinds,
    /// The system calls to show.
    pub calls: Calls,
    /// Whether events were named at all.
    pub names_events: bool,
}

/// Reads the expressions. Without `event=`, and with any `trace=`, system calls are shown; `event=` adds to them unless
/// it stands alone.
///
/// # Errors
/// One line that says what is wrong.
pub fn parse(expressions: &[String]) -> Result<Wishes, String> {
    let mut wishes = Wishes::default();
    let (mut calls, mut events) = (None, false);
    for expression in expressions {
        let (key, value) = expression.split_once('=').unwrap_or(("trace", expression));
        match key {
            "event" | "events" => {
                events = true;
                for name in value.split(',') {
                    let kinds = Kinds::named(name).ok_or_else(|| {
                        format!("-e {expression}: there is no event '{name}'; 'glassbox trace --events' lists them")
                    })?;
                    wishes.kinds = wishes.kinds.or(kinds);
                }
            }
            "trace" | "t" => {
                let mut numbers = BTreeSet::new();
                for name in value.split(',') {
                    let call = TABLE.iter().find(|call| call.name == name);
                    let call = call.ok_or_else(|| {
                        format!("-e {expression}: there is no system call '{name}'")
                    })?;
                    numbers.insert(call.number);
                }
                calls = Some(Calls::Only(numbers));
            }
            _ => {
                return Err(format!(
                    "-e {expression}: there is no '{key}='; say trace=, event=, signal= or status="
                ));
            }
        }
    }
    if calls.is_some() || !events {
        wishes.kinds = wishes.kinds.or([SYS_ENTER, SYS_EXIT]
            .map(Kind::of_probe)
            .into_iter()
            .collect());
    }
    wishes.calls = calls.unwrap_or_default();
    wishes.names_events = events;
    Ok(wishes)
}
