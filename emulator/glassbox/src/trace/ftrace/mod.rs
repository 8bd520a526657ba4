//! The text of `trace-cmd report -N -t`, for the scripts that read it.
//!
//! ```text
//! cpus=2
//!             init-1     [000]     0.004507470: sched_switch:         prev_comm=init prev_pid=1 prev_prio=120 …
//!          <idle>-0     [001]     0.004509000: page_walk:            virt=0x401000 access=fetch user=1 …
//! ```
//!
//! Task and process, CPU, seconds, event, fields: trace-cmd's `%16s-%-5d [%03d] %5d.%09d: %s: `, the event's name padded to
//! 20 columns. `-N` leaves out the plugins that shorten some events, so that all fields have names; `-t` shows
//! nanoseconds. What Linux has a tracepoint for is written as Linux 6.1 writes it ([`linux`]); other events keep our
//! names and have `key=value` fields from [`events`].

mod linux;

use super::events::{self, Event};
use super::model::Model;
use super::record::Record;
use super::sink::Sink;
use std::fmt::Write as _;
use std::io::{self, Write};

/// A sink that writes ftrace's text.
pub struct Ftrace<W: Write> {
    out: W,
    events: Vec<Event>,
    line: String,
    begun: bool,
}

impl<W: Write> Ftrace<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            events: events::all(),
            line: String::new(),
            begun: false,
        }
    }

    fn begin(&mut self, model: &Model) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            writeln!(self.out, "cpus={}", model.meta.cpus)?;
        }
        Ok(())
    }
}

impl<W: Write> Sink for Ftrace<W> {
    fn record(&mut self, record: &Record, model: &Model) -> io::Result<()> {
        self.begin(model)?;
        let Some(event) = events::of(&self.events, record) else {
            return Ok(());
        };
        let line = &mut self.line;
        line.clear();
        let comm = match record.pid {
            0 => "<idle>".to_owned(),
            pid => linux::comm(pid, record.cpu, model),
        };
        let _ = write!(
            line,
            "{comm:>16}-{:<5} [{:03}] {:>5}.{:09}: ",
            record.pid,
            record.cpu,
            record.time.0 / 1_000_000_000,
            record.time.0 % 1_000_000_000
        );
        match linux::event(record, model) {
            Some((name, fields)) => {
                name_column(line, name);
                line.push_str(&fields);
            }
            None => {
                name_column(line, event.name);
                own(line, event, record, model);
            }
        }
        line.push('\n');
        self.out.write_all(line.as_bytes())
    }

    fn finish(&mut self, model: &Model) -> io::Result<()> {
        self.begin(model)?;
        self.out.flush()
    }
}

/// The event's name, and blanks so that the fields of all events stand below each other.
fn name_column(line: &mut String, name: &str) {
    let blanks = 20usize.saturating_sub(name.len());
    let _ = write!(line, "{name}: {:blanks$}", "");
}

/// The fields of an event that Linux does not have.
fn own(line: &mut String, event: &Event, record: &Record, model: &Model) {
    let mut blank = "";
    for field in &event.fields {
        if let Some(value) = field.value(record, model) {
            let _ = write!(line, "{blank}{}={value}", field.name);
            blank = " ";
        }
    }
}

#[cfg(test)]
mod tests;
