//! All events: what they mean and which fields they have. From this one list come the JSON objects and their schema,
//! the fields of ftrace's text, and what `--events` prints.

mod kernel;
mod list;
mod machine;
mod syscall;

pub use list::list;

use super::kind::{Kind, groups};
use super::model::Model;
use super::record::{Body, Record};
use super::value::{Shape, Value};

/// An event.
#[derive(Debug)]
pub struct Event {
    /// Its name.
    pub name: &'static str,
    /// The groups that it belongs to.
    pub groups: Vec<&'static str>,
    /// What it tells, in a sentence or a few.
    pub meaning: &'static str,
    /// Its fields, in the order in which they are shown.
    pub fields: Vec<Field>,
}

/// A field of an event.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether every such event has it.
    pub always: bool,
    /// What it tells, where that is not plain from its name.
    pub meaning: &'static str,
    source: Source,
}

/// Where the content of a field is found.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// In a record of the machine's.
    Record(Get),
    /// In this argument of a kernel event.
    Argument(usize),
    /// It follows from this argument of a kernel event.
    Derived(usize, fn(u64, &Model) -> Option<Value<'static>>),
}

/// How to get it there.
type Get = for<'a> fn(&'a Record, &'a Model) -> Option<Value<'a>>;

impl Field {
    /// What the field holds in `record`, which is of its event; nothing if this one has no such thing.
    pub fn value<'a>(&self, record: &'a Record, model: &'a Model) -> Option<Value<'a>> {
        match (self.source, &record.body) {
            (Source::Record(get), _) => get(record, model),
            (Source::Argument(index), Body::Kernel { args, .. }) => {
                kernel::argument(self.shape, &record.body, index, *args.get(index)?)
            }
            (Source::Derived(index, get), Body::Kernel { args, .. }) => {
                get(*args.get(index)?, model)
            }
            _ => None,
        }
    }
}

/// All events by the number of their kind; see [`of`].
pub fn all() -> Vec<Event> {
    Kind::all()
        .map(|kind| {
            let (meaning, fields) = match kind.as_probe() {
                None => machine::describe(kind),
                Some(probe) => kernel::describe(probe),
            };
            Event {
                name: kind.name(),
                groups: groups(kind),
                meaning,
                fields,
            }
        })
        .collect()
}

/// The event of a record, if its body is sound.
pub fn of<'a>(events: &'a [Event], record: &Record) -> Option<&'a Event> {
    events.get(Kind::of(&record.body).index())
}

/// Builds fields that look into one variant of [`Body`].
///
/// `Body::X { a, b }, record, model:` names what the expressions may use; then a field a line: name, shape, `always` or
/// `maybe`, meaning, and an `Option<Value>`.
macro_rules! fields {
    ($body:pat, $record:ident, $model:ident:
        $($name:literal $shape:expr, $presence:ident, $meaning:literal => $value:expr;)*) => {
        vec![$($crate::trace::events::Field {
            name: $name,
            shape: $shape,
            always: $crate::trace::events::fields!(@$presence),
            meaning: $meaning,
            source: $crate::trace::events::Source::Record(|$record, $model| {
                #[allow(unused_variables, irrefutable_let_patterns, reason = "each field looks at its own part")]
                if let $body = &$record.body {
                    let _ = $model;
                    $value
                } else {
                    None
                }
            }),
        }),*]
    };
    (@always) => { true };
    (@maybe) => { false };
}
use fields;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_event_says_what_it_means_and_no_field_is_there_twice() {
        let events = all();
        assert_eq!(events.len(), Kind::all().count());
        for event in &events {
            assert!(event.meaning.ends_with('.'), "{}", event.name);
            let names: BTreeSet<_> = event.fields.iter().map(|field| field.name).collect();
            assert_eq!(names.len(), event.fields.len(), "{}", event.name);
            for context in ["time", "cpu", "pid", "comm", "event"] {
                assert!(!names.contains(context), "{} {context}", event.name);
            }
        }
    }

    #[test]
    fn records_find_their_event() {
        let events = all();
        for (kind, event) in Kind::all().zip(&events) {
            assert_eq!(kind.name(), event.name);
        }
        let unsound = Record {
            time: base::Time(0),
            cpu: 0,
            pid: 0,
            body: Body::Kernel {
                probe: 255,
                pc: 0,
                args: [0; base::event::PROBE_ARGS],
                texts: Vec::new(),
            },
        };
        assert!(of(&events, &unsound).is_none());
    }
}
