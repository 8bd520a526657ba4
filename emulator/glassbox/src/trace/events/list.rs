//! What `glassbox trace --events` prints.

use super::{Event, all};
use std::fmt::Write;

/// Columns of a terminal that is not narrow.
const WIDTH: usize = 100;
/// Where what is told of an event begins.
const INDENT: usize = 22;

/// All events: name, meaning, groups, fields.
pub fn list() -> String {
    let mut text = String::new();
    let events = all();
    let (machine, kernel): (Vec<&Event>, Vec<&Event>) = events
        .iter()
        .partition(|event| !event.groups.contains(&"kernel"));
    for (title, events) in [
        ("Events of the machine, of any kernel", machine),
        ("Events of the kernel", kernel),
    ] {
        let _ = writeln!(text, "{title}\n");
        for event in events {
            one(&mut text, event);
        }
        text.push('\n');
    }
    text.push_str(
        "Every event has a time, a CPU, and the process that this CPU was running. -e event= takes names, groups,\n\
         'all', and patterns with * and ?. A field with ? is there only where it has something to say.\n",
    );
    text
}

fn one(text: &mut String, event: &Event) {
    let mut lines = wrapped(event.meaning);
    let fields = event.fields.iter().map(|field| match field.always {
        true => field.name.to_owned(),
        false => format!("{}?", field.name),
    });
    lines.extend(wrapped(&format!(
        "fields: {}",
        fields.collect::<Vec<_>>().join(" ")
    )));
    if !event.groups.is_empty() {
        lines.push(format!("groups: {}", event.groups.join(" ")));
    }
    for (index, line) in lines.iter().enumerate() {
        let name = if index == 0 { event.name } else { "" };
        let _ = writeln!(text, "  {name:<width$}{line}", width = INDENT - 2);
    }
}

/// Words in lines that fit behind the names.
fn wrapped(words: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words.split_whitespace() {
        if !line.is_empty() && INDENT + line.len() + 1 + word.len() > WIDTH {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::kind::Kind;

    #[test]
    fn every_event_is_listed_and_no_line_is_too_long() {
        let text = list();
        for kind in Kind::all() {
            let begins = format!("\n  {} ", kind.name());
            assert!(text.contains(&begins), "{}", kind.name());
        }
        assert!(text.lines().all(|line| line.len() <= 110));
    }
}
