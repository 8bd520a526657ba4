//! Probe maps: a TOML file that says where a kernel without probes of ours does what, so that it gives the same events.
//!
//! Key types: [`Map`], read from text by [`Map::parse`] and tied to a kernel by [`Map::resolve`]. [`operand`] is the
//! small language of the values; [`HELP`] explains it all to the user.

mod operand;

use super::kind::{SYS_ENTER, SYS_EXIT};
use super::meaning::{Condition, Meaning};
use abi::nr::TABLE;
use abi::probe::PROBES;
use base::event::PROBE_ARGS;
use machine::Watch;
use machine::watch::{Argument, Place};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What `--map-help` prints.
pub const HELP: &str = include_str!("help.txt");

/// A map as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// The kernel's own system-call numbers, by the name of the Linux call that each resembles.
    #[serde(default)]
    syscalls: BTreeMap<String, String>,
    /// The places.
    #[serde(default)]
    event: Vec<Entry>,
}

/// A place in the kernel that means an event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The event's name.
    event: String,
    /// The place: `symbol`, `symbol+OFFSET` or an address.
    at: String,
    /// Arguments by name; those left out are zero.
    #[serde(default)]
    args: BTreeMap<String, Value>,
    /// It counts only if these hold.
    #[serde(default)]
    when: OneOrMany,
}

/// A value in the file: a number, or an operand in text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Value {
    Number(i64),
    Text(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

/// What a map means for one kernel.
#[derive(Debug, Default)]
pub struct Resolved {
    /// The places to watch, numbered from the number that was given.
    pub watches: Vec<Watch>,
    /// What each means, in the same order.
    pub meanings: Vec<Meaning>,
}

impl Map {
    /// Reads a map.
    ///
    /// # Errors
    /// One line that says what is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(at).filter(|&b| b == b'\n').count() + 1;
            format!("line {line}: {}", error.message().replace('\n', "; "))
        })
    }

    /// Ties the map to a kernel whose symbols `find` knows; sites are numbered from `first`.
    ///
    /// # Errors
    /// One line: an unknown event, argument, symbol or call, or a value that makes no sense. Unknown registers are the
    /// board's to refuse.
    pub fn resolve(
        &self,
        first: u32,
        find: &dyn Fn(&str) -> Option<u64>,
    ) -> Result<Resolved, String> {
        let calls = self.calls()?;
        let mut resolved = Resolved::default();
        for (index, entry) in self.event.iter().enumerate() {
            let site = first + index as u32;
            let (watch, meaning) = entry
                .resolve(site, &calls, find)
                .map_err(|error| format!("event {} ({}): {error}", index + 1, entry.event))?;
            resolved.watches.push(watch);
            resolved.meanings.push(meaning);
        }
        Ok(resolved)
    }

    /// The kernel's system-call numbers with Linux's.
    fn calls(&self) -> Result<BTreeMap<u64, u64>, String> {
        let mut calls = BTreeMap::new();
        for (number, name) in &self.syscalls {
            let own = number
                .parse()
                .map_err(|_| format!("[syscalls]: '{number}' is no number"))?;
            let linux = TABLE
                .iter()
                .find(|call| call.name == name)
                .ok_or_else(|| format!("[syscalls]: Linux has no call '{name}' that we know"))?;
            calls.insert(own, linux.number);
        }
        Ok(calls)
    }
}

impl Entry {
    fn resolve(
        &self,
        site: u32,
        calls: &BTreeMap<u64, u64>,
        find: &dyn Fn(&str) -> Option<u64>,
    ) -> Result<(Watch, Meaning), String> {
        let probe = PROBES
            .iter()
            .position(|probe| probe.name == self.event)
            .ok_or("there is no such event; 'glassbox trace --events' lists them")?;
        let names = PROBES[probe].args;
        if let Some(unknown) = self
            .args
            .keys()
            .find(|key| names.iter().all(|(name, _)| name != key))
        {
            let known: Vec<_> = names.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "it has no argument '{unknown}' (it has {})",
                known.join(", ")
            ));
        }
        let address = operand::address(&self.at, find)?;
        let mut arguments = Vec::new();
        for (name, _) in names {
            arguments.push(match self.args.get(*name) {
                None => constant(0),
                Some(Value::Number(number)) => constant(*number),
                Some(Value::Text(text)) => operand::parse(text, find)?,
            });
        }
        let texts = match &self.when {
            OneOrMany::None => &[][..],
            OneOrMany::One(text) => std::slice::from_ref(text),
            OneOrMany::Many(texts) => texts,
        };
        let mut conditions = Vec::new();
        for text in texts {
            let (argument, test) = operand::condition(text, find)?;
            conditions.push(Condition {
                index: arguments.len(),
                test,
            });
            arguments.push(argument);
        }
        if arguments.len() > PROBE_ARGS {
            return Err(format!(
                "at most {} conditions fit beside its arguments",
                PROBE_ARGS - names.len()
            ));
        }
        let is_call = [SYS_ENTER, SYS_EXIT].contains(&probe);
        let watch = Watch {
            address,
            site,
            arguments,
        };
        let meaning = Meaning::Mapped {
            probe,
            conditions,
            calls: if is_call {
                calls.clone()
            } else {
                BTreeMap::new()
            },
        };
        Ok((watch, meaning))
    }
}

const fn constant(value: i64) -> Argument {
    Argument {
        bytes: 8,
        signed: true,
        place: Place::Constant(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<Resolved, String> {
        let find = |name: &str| (name == "swtch").then_some(0x1000);
        Map::parse(text)?.resolve(7, &find)
    }

    #[test]
    fn a_map_becomes_watches_in_the_order_of_the_events_arguments() {
        let map = "
            [syscalls]
            5 = 'read'
            [[event]]
            event = 'process_fork'
            at = 'swtch+0x10'
            args = { child_pid = 'u32[$rdi + 48]', flags = 3 }
            when = ['$rax != 0', 'u8[swtch] == 1']
        ";
        let resolved = resolve(map).unwrap();
        let watch = &resolved.watches[0];
        assert_eq!((watch.address, watch.site), (0x1010, 7));
        assert_eq!(watch.arguments.len(), 5);
        assert_eq!(watch.arguments[0], constant(0));
        assert_eq!(watch.arguments[1].bytes, 4);
        assert_eq!(watch.arguments[2], constant(3));
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for (map, wanted) in [
            (
                "[[event]]\nevent='x'\nat='swtch'",
                "event 1 (x): there is no such event",
            ),
            (
                "[[event]]\nevent='process_exit'\nat='nowhere'",
                "there is no symbol 'nowhere'",
            ),
            (
                "[[event]]\nevent='process_exit'\nat='swtch'\nargs={a=1}",
                "it has no argument 'a'",
            ),
            (
                "[[event]]\nevent='process_exit'\nat='swtch'\nargs={pid='u32['}",
                "'u32['",
            ),
            (
                "[[event]]\nevent='process_exit'",
                "line 1: missing field `at`",
            ),
            (
                "[syscalls]\n1='frobnicate'",
                "Linux has no call 'frobnicate'",
            ),
            ("\n\nx = 3", "line 3: unknown field `x`"),
            ("[[event", "line 1:"),
        ] {
            let error = resolve(map).unwrap_err();
            assert!(error.contains(wanted), "{map}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
