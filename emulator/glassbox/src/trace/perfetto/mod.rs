//! Perfetto's trace format, for its viewer (ui.perfetto.dev) and for its SQL.
//!
//! ```text
//! CPU scheduling, thread states   ftrace packets: the viewer's own tracks and tables work         sched
//! a process's track               system calls, page faults, waits for locks; what it says        slices
//! CPU n traps, CPU n machine      handlers of exceptions and interrupts; the hardware's events    slices, machine
//! Disk                            requests, how many are in flight                                disk
//! Kernel                          counters, journal, console                                      kernel
//! ```
//!
//! Arrows ("flows") lead from a wake-up to where the woken process runs, and from a disk request's issue over the disk
//! to the interrupt that tells of its end and on to the wake-up that follows.
//!
//! Times are virtual nanoseconds on the built-in clock BOOTTIME, which is also what Perfetto takes for granted. Packets
//! leave in the order of time, but for the counts of page walks, which stand at the beginning of their span. Memory is
//! bounded by the guest's processes and by constants here: what a guest makes too many of is not drawn.
//!
//! The schema is protos/perfetto/trace/ in Perfetto's sources; its rules are in docs/reference/synthetic-track-event.md
//! there.

mod calls;
mod disk;
mod kernel;
mod machine;
mod packets;
mod process;
mod proto;
mod said;
mod sched;
mod schema;
mod slices;
mod state;
mod tracks;

#[cfg(test)]
mod tests;

use super::events::{self, Event};
use super::kind::Kinds;
use super::model::{Meta, Model};
use super::record::{Body, Record};
use super::sink::Sink;
use super::value::Value;
use base::Time;
use packets::{Moment, Note, Notes, Packets};
use schema::{clock_snapshot, packet, system_info, trace_config};
use state::{Cpu, Task};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Most processes that are kept track of.
const MOST_TASKS: usize = 1 << 16;

/// A sink that writes Perfetto's format.
pub struct Perfetto<W: Write> {
    packets: Packets<W>,
    events: Vec<Event>,
    /// Page walks are drawn one by one, not only counted.
    walks: bool,
    begun: bool,
    cpus: Vec<Cpu>,
    tasks: BTreeMap<u32, Task>,
    /// The count of runnable processes that was shown last.
    runnable_shown: i64,
    free_frames: Option<i64>,
    disk: disk::Disk,
    journal: kernel::Journal,
    line: kernel::Line,
}

/// The kinds of records that make a good picture.
pub fn kinds() -> Kinds {
    const GROUPS: [&str; 12] = [
        "syscall",
        "sched",
        "irq",
        "trap",
        "disk",
        "fault",
        "frame",
        "lock",
        "journal",
        "process",
        "signal",
        "page_walk",
    ];
    all_named(&GROUPS)
}

/// The kinds of records without which there is no picture.
pub fn least() -> Kinds {
    all_named(&[
        "sched_switch",
        "sched_wakeup",
        "sched_wakeup_new",
        "process",
    ])
}

fn all_named(names: &[&str]) -> Kinds {
    names
        .iter()
        .filter_map(|name| Kinds::named(name))
        .fold(Kinds::NONE, Kinds::or)
}

impl<W: Write> Perfetto<W> {
    /// Writes to `out`. Page walks are counted, and with `walks` also drawn one by one.
    pub fn new(out: W, walks: bool) -> Self {
        Self {
            packets: Packets::new(out),
            events: events::all(),
            walks,
            begun: false,
            cpus: Vec::new(),
            tasks: BTreeMap::new(),
            runnable_shown: 0,
            free_frames: None,
            disk: disk::Disk::default(),
            journal: kernel::Journal::default(),
            line: kernel::Line::default(),
        }
    }

    /// The head of the file: the clock, and what the viewer shows about the trace as a whole.
    fn begin(&mut self, meta: &Meta) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        self.packets.first(|packet| {
            packet.message(packet::CLOCK_SNAPSHOT, |snapshot| {
                let calendar = meta.calendar.saturating_mul(1_000_000_000);
                for (clock, time) in [
                    (clock_snapshot::BOOTTIME, 0),
                    (clock_snapshot::REALTIME, calendar),
                ] {
                    snapshot.message(clock_snapshot::CLOCKS, |message| {
                        message.uint(clock_snapshot::CLOCK_ID, clock);
                        message.uint(clock_snapshot::CLOCK_TIMESTAMP, time);
                    });
                }
                snapshot.uint(
                    clock_snapshot::PRIMARY_TRACE_CLOCK,
                    clock_snapshot::BOOTTIME,
                );
            });
        })?;
        let version = concat!("glassbox ", env!("CARGO_PKG_VERSION"));
        self.packets.plain(None, packet::SYSTEM_INFO, |info| {
            info.message(system_info::UTSNAME, |names| {
                names.text(system_info::MACHINE, &meta.arch);
            });
            info.text(system_info::TRACING_SERVICE_VERSION, version);
            info.uint(system_info::NUM_CPUS, meta.cpus.into());
        })?;
        if meta.line.is_empty() {
            return Ok(());
        }
        self.packets.plain(None, packet::TRACE_CONFIG, |config| {
            config.text(trace_config::UNIQUE_SESSION_NAME, &meta.line);
        })
    }

    fn cpu(&mut self, index: u8) -> &mut Cpu {
        let index = usize::from(index);
        if index >= self.cpus.len() {
            self.cpus.resize_with(index + 1, Cpu::default);
        }
        &mut self.cpus[index]
    }

    /// What is known of the process `pid`. The idle process is none, and there may be too many.
    fn task(&mut self, pid: u32) -> Option<&mut Task> {
        if pid == 0 || (self.tasks.len() >= MOST_TASKS && !self.tasks.contains_key(&pid)) {
            return None;
        }
        Some(self.tasks.entry(pid).or_default())
    }

    /// The fields of a record as debug annotations.
    fn notes(&self, record: &Record, model: &Model) -> Notes {
        let Some(event) = events::of(&self.events, record) else {
            return Notes::new();
        };
        let note = |field: &events::Field| Some((field.name, note(field.value(record, model)?)));
        let notes = event.fields.iter().filter_map(note);
        // A list of nothing cannot be told from no content.
        notes
            .filter(|(_, note)| *note != Note::List(Vec::new()))
            .collect()
    }
}

/// The content of a field as a debug annotation.
fn note(value: Value<'_>) -> Note {
    match value {
        Value::Unsigned(n) => Note::Unsigned(n),
        Value::Signed(n) => Note::Signed(n),
        Value::Bool(yes) => Note::Bool(yes),
        Value::Hex(n) => Note::Hex(n),
        Value::Hexes(numbers) => Note::List(numbers.iter().map(|n| format!("{n:#x}")).collect()),
        Value::Levels(levels) => Note::List(
            levels
                .iter()
                .map(|(at, entry)| format!("{at:#x}: {entry:#x}"))
                .collect(),
        ),
        Value::Pieces(pieces) => Note::List(
            pieces
                .iter()
                .map(|(at, bytes)| format!("{at:#x}: \"{}\"", bytes.escape_ascii()))
                .collect(),
        ),
        value => Note::Text(value.to_string()),
    }
}

impl<W: Write> Sink for Perfetto<W> {
    fn record(&mut self, record: &Record, model: &Model) -> io::Result<()> {
        self.begin(&model.meta)?;
        let at = Moment {
            time: record.time,
            cpu: record.cpu,
            pid: record.pid,
        };
        self.meet(at, model)?;
        match &record.body {
            Body::Trap { .. } => self.trap(at, record, model),
            Body::Return { user, .. } => self.trap_return(at, *user),
            Body::SysEnter {
                number,
                args,
                memory,
            } => self.call(at, *number, args, memory, model),
            Body::SysExit {
                number,
                result,
                memory,
            } => self.call_ends(at, *number, *result, memory, model),
            Body::Kernel { probe, args, .. } => {
                self.kernel(at, usize::from(*probe), args, record, model)
            }
            Body::DiskIssue { .. } | Body::DiskComplete { .. } => {
                self.disk_works(at.time, &record.body)
            }
            Body::Console(byte) => self.prints(at.time, *byte),
            _ => self.machine(at, record, model),
        }
    }

    fn learns(&self) -> Kinds {
        least()
    }

    fn learn(&mut self, record: &Record, model: &Model, within: bool) -> io::Result<()> {
        // Lanes and arrows need all processes, whichever the user named.
        match within {
            true => self.record(record, model),
            false => Ok(()),
        }
    }

    fn finish(&mut self, model: &Model) -> io::Result<()> {
        self.begin(&model.meta)?;
        self.end_of_line()?;
        for cpu in 0..self.cpus.len() {
            self.show_misses(cpu as u8, u64::MAX)?;
        }
        self.packets.flush()
    }
}

/// A virtual time in words.
fn duration(from: Time, to: Time) -> Note {
    Note::Text(format!(
        "{:.3} us",
        to.0.saturating_sub(from.0) as f64 / 1000.0
    ))
}
