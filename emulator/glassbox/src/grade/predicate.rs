//! Which records of a run a check is about: an event, and conditions on its fields.

use crate::trace::events::{self, Field};
use crate::trace::kind::Kind;
use crate::trace::model::Model;
use crate::trace::record::{Body, Record};
use crate::trace::tasks::kept;
use crate::trace::value::{Shape, Value};
use std::fmt;

/// What a condition wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This number.
    Number(i128),
    /// Yes or no.
    Bool(bool),
    /// This text.
    Text(String),
}

/// Where a condition looks.
#[derive(Clone, Debug)]
enum Place {
    /// A field of the event.
    Field(Field),
    /// A raw argument of a system call.
    Argument(usize),
    /// The name of the process that the CPU was running.
    Comm,
    /// Its number.
    Pid,
    /// The CPU.
    Cpu,
}

/// A condition on a record.
#[derive(Clone, Debug)]
struct Condition {
    name: String,
    place: Place,
    wanted: Wanted,
}

/// An event with conditions.
#[derive(Clone, Debug)]
pub struct Predicate {
    kind: Kind,
    conditions: Vec<Condition>,
}

impl Predicate {
    /// The event called `event` where the named fields hold what is wanted.
    ///
    /// # Errors
    /// One line: there is no such event or field, or the field never holds such a thing.
    pub fn new(event: &str, wanted: Vec<(String, Wanted)>) -> Result<Self, String> {
        let kind = Kind::all().find(|kind| kind.name() == event);
        let kind = kind
            .filter(|&kind| kind != Kind::INSTRUCTION)
            .ok_or_else(|| {
                format!("there is no event '{event}'; 'glassbox trace --events' lists them")
            })?;
        let all = events::all();
        let fields = all.get(kind.index()).map_or(&[][..], |event| &event.fields);
        let conditions = wanted.into_iter().map(|(name, wanted)| {
            let place = place(event, fields, &name, &wanted)?;
            Ok(Condition {
                name,
                place,
                wanted,
            })
        });
        Ok(Self {
            kind,
            conditions: conditions.collect::<Result<_, String>>()?,
        })
    }

    /// The kind of its records.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the record is one of them.
    pub fn holds(&self, record: &Record, model: &Model) -> bool {
        Kind::of(&record.body) == self.kind
            && self
                .conditions
                .iter()
                .all(|condition| condition.holds(record, model))
    }
}

fn place(event: &str, fields: &[Field], name: &str, wanted: &Wanted) -> Result<Place, String> {
    let found = match name {
        "comm" => (Place::Comm, Shape::Text),
        "pid" => (Place::Pid, Shape::Unsigned),
        "cpu" => (Place::Cpu, Shape::Unsigned),
        _ if argument(name).is_some() && event == "sys_enter" => {
            (Place::Argument(argument(name).unwrap_or(0)), Shape::Hex)
        }
        _ => match fields.iter().find(|field| field.name == name) {
            Some(field) => (Place::Field(field.clone()), field.shape),
            None => {
                let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
                return Err(format!(
                    "event '{event}' has no field '{name}'; it has {}, and comm, pid, cpu",
                    names.join(", ")
                ));
            }
        },
    };
    let (place, shape) = found;
    let fits = match shape {
        Shape::Unsigned | Shape::Signed | Shape::Hex => match wanted {
            Wanted::Number(_) => true,
            Wanted::Text(text) => number(text).is_some(),
            Wanted::Bool(_) => false,
        },
        Shape::Bool => matches!(wanted, Wanted::Bool(_)),
        Shape::Word(words) => matches!(wanted, Wanted::Text(text) if words.contains(&&text[..])),
        Shape::Choice(words) => match wanted {
            Wanted::Text(text) => words.contains(&&text[..]),
            _ => false,
        },
        Shape::Name | Shape::Words(_) | Shape::Text => matches!(wanted, Wanted::Text(_)),
        Shape::Hexes | Shape::Levels | Shape::Pieces => {
            return Err(format!(
                "field '{name}' of event '{event}' cannot be compared"
            ));
        }
    };
    match fits {
        true => Ok(place),
        false => Err(format!(
            "field '{name}' of event '{event}' never is {wanted}{}",
            match shape {
                Shape::Word(words) | Shape::Choice(words) =>
                    format!("; it is one of {}", words.join(", ")),
                _ => String::new(),
            }
        )),
    }
}

/// The index in `arg0` to `arg5`.
fn argument(name: &str) -> Option<usize> {
    let index = name.strip_prefix("arg")?.parse().ok()?;
    (index < 6).then_some(index)
}

/// A number in decimal or, with `0x`, hexadecimal digits.
fn number(text: &str) -> Option<i128> {
    match text.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

impl Condition {
    fn holds(&self, record: &Record, model: &Model) -> bool {
        let value = match &self.place {
            Place::Comm => return self.is_comm(model.task(record.pid).map(|task| &task.comm[..])),
            Place::Pid => Some(Value::Unsigned(record.pid.into())),
            Place::Cpu => Some(Value::Unsigned(record.cpu.into())),
            Place::Argument(index) => match &record.body {
                Body::SysEnter { args, .. } => args.get(*index).map(|raw| Value::Hex(*raw)),
                _ => None,
            },
            Place::Field(field) => field.value(record, model),
        };
        value.is_some_and(|value| self.is(&value))
    }

    fn is(&self, value: &Value<'_>) -> bool {
        match (value, &self.wanted) {
            (Value::Unsigned(n) | Value::Hex(n), wanted) => wanted.number() == Some(i128::from(*n)),
            (Value::Signed(n), wanted) => wanted.number() == Some(i128::from(*n)),
            (Value::Bool(yes), Wanted::Bool(wanted)) => yes == wanted,
            (Value::Text(bytes), Wanted::Text(text)) if self.name.ends_with("comm") => {
                self.is_comm(Some(bytes)) && !text.is_empty()
            }
            (Value::Text(bytes), Wanted::Text(text)) => *bytes == text.as_bytes(),
            (Value::Words(words), Wanted::Text(text)) => {
                words.contains(&&text[..]) || words.join("|") == *text
            }
            (Value::Word(word), Wanted::Text(text)) => word == text,
            _ => false,
        }
    }

    /// A kernel keeps only the first bytes of a name.
    fn is_comm(&self, comm: Option<&[u8]>) -> bool {
        let Wanted::Text(text) = &self.wanted else {
            return false;
        };
        let wanted = text.as_bytes();
        comm.unwrap_or_default() == kept(wanted)
    }
}

impl Wanted {
    fn number(&self) -> Option<i128> {
        match self {
            Self::Number(n) => Some(*n),
            Self::Text(text) => number(text),
            Self::Bool(_) => None,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => write!(f, "{n}"),
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        for (index, condition) in self.conditions.iter().enumerate() {
            let joint = if index == 0 { " with " } else { ", " };
            write!(f, "{joint}{}={}", condition.name, condition.wanted)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::kind::index_of;
    use base::Time;

    fn text(text: &str) -> Wanted {
        Wanted::Text(text.to_owned())
    }

    fn predicate(event: &str, wanted: &[(&str, Wanted)]) -> Result<Predicate, String> {
        let wanted = wanted.iter().map(|(n, w)| ((*n).to_owned(), w.clone()));
        Predicate::new(event, wanted.collect())
    }

    fn switch() -> Record {
        Record {
            time: Time(5),
            cpu: 1,
            pid: 3,
            body: Body::Kernel {
                probe: index_of("sched_switch") as u8,
                pc: 0,
                args: [3, 3, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0],
                texts: vec![(3, b"pipe_read".to_vec()), (5, b"abcdefghijklmno".to_vec())],
            },
        }
    }

    #[test]
    fn fields_are_compared_with_what_is_wanted() {
        for (name, wanted, holds) in [
            ("next_pid", Wanted::Number(4), true),
            ("next_pid", text("4"), true),
            ("next_pid", Wanted::Number(5), false),
            ("reason", text("blocked"), true),
            ("reason", text("yielded"), false),
            ("wait", text("pipe_read"), true),
            ("next_comm", text("abcdefghijklmnopqrs"), true),
            ("next_comm", text("abc"), false),
            ("cpu", Wanted::Number(1), true),
            ("pid", Wanted::Number(1), false),
            ("comm", text("x"), false),
        ] {
            let predicate = predicate("sched_switch", &[(name, wanted)]).unwrap();
            let model = Model::default();
            assert_eq!(predicate.holds(&switch(), &model), holds, "{predicate}");
        }
    }

    #[test]
    fn arguments_of_system_calls_have_names() {
        let predicate = predicate(
            "sys_enter",
            &[("number", Wanted::Number(1)), ("arg2", text("0x10"))],
        );
        let record = Record {
            body: Body::SysEnter {
                number: 1,
                args: [0, 0, 16, 0, 0, 0],
                memory: Default::default(),
            },
            ..switch()
        };
        assert!(predicate.unwrap().holds(&record, &Model::default()));
    }

    #[test]
    fn what_can_never_be_is_refused() {
        for (event, name, wanted, expected) in [
            (
                "sched",
                "cpu",
                Wanted::Number(1),
                "there is no event 'sched'",
            ),
            (
                "trap",
                "colour",
                text("x"),
                "event 'trap' has no field 'colour'; it has cause,",
            ),
            (
                "trap",
                "user",
                text("x"),
                "field 'user' of event 'trap' never is x",
            ),
            (
                "trap",
                "cause",
                text("x"),
                "field 'cause' of event 'trap' never is x; it is one of exc",
            ),
            (
                "sys_enter",
                "args",
                text("x"),
                "field 'args' of event 'sys_enter' cannot be compared",
            ),
            (
                "timer_tick",
                "target_pid",
                text("x"),
                "field 'target_pid' of event",
            ),
        ] {
            let error = predicate(event, &[(name, wanted)]).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
