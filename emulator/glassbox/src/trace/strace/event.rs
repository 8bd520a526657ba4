//! Lines for records that are no system calls. strace has nothing like them: a `~~~` marks them, as it marks signals
//! with `---` and ends with `+++`, and their fields are shown as it shows structures.

use crate::trace::events::{self, Event};
use crate::trace::kind::Kind;
use crate::trace::model::Model;
use crate::trace::record::Record;
use crate::trace::syscall::text::{Quote, hex, quote};
use crate::trace::value::Value;

/// The line for a record. On a machine of several CPUs it says which one.
pub fn text(record: &Record, model: &Model, events: &[Event]) -> String {
    let mut fields = Vec::new();
    for field in events::of(events, record)
        .iter()
        .flat_map(|event| &event.fields)
    {
        if let Some(value) = field.value(record, model) {
            fields.push(format!("{}={}", field.name, show(&value)));
        }
    }
    let name = Kind::of(&record.body).name();
    let cpu = match model.meta.cpus {
        0 | 1 => String::new(),
        _ => format!(" cpu={}", record.cpu),
    };
    format!("~~~ {name} {{{}}}{cpu} ~~~", fields.join(", "))
}

/// A field's content in strace's notation.
fn show(value: &Value<'_>) -> String {
    match value {
        Value::Text(bytes) => quoted(bytes),
        Value::Hex(number) => hex(*number),
        Value::Words(words) if words.is_empty() => "0".to_owned(),
        Value::Hexes(numbers) => list(numbers.iter().map(|number| hex(*number))),
        Value::Levels(levels) => list(
            levels
                .iter()
                .map(|(at, entry)| format!("[{}]={}", hex(*at), hex(*entry))),
        ),
        Value::Pieces(pieces) => list(
            pieces
                .iter()
                .map(|(at, bytes)| format!("[{}]={}", hex(*at), quoted(bytes))),
        ),
        // Words may have spaces, such as the names of exceptions.
        Value::Word(word) if !word.bytes().all(|byte| byte.is_ascii_graphic()) => {
            quoted(word.as_bytes())
        }
        _ => value.to_string(),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn quoted(bytes: &[u8]) -> String {
    let mut text = String::new();
    quote(bytes, Quote::Text, &mut text);
    text
}
