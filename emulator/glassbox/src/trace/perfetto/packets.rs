//! The file as a row of packets: each is written when it is complete and kept no longer.
//!
//! All packets are of one sequence. Texts that come again are *interned*: the packet that uses one first says which number
//! it has from now on. Only so many are; what comes later is written out, so that a guest that invents names without
//! end takes no memory of ours.

use super::proto::Message;
use super::schema::{annotation, event, ftrace, interned, packet, trace, track};
use super::tracks::{Form, Track};
use base::Time;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The one sequence that all packets belong to.
const SEQUENCE: u64 = 1;
/// Most texts of a sort that have numbers.
const MOST_INTERNED: usize = 4096;

/// What an event on a track is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A slice begins.
    Begin = 1,
    /// The slice that began last ends.
    End = 2,
    /// Something without duration.
    Moment = 3,
}

/// A number that is the same on all events which an arrow connects.
pub type Flow = u64;

/// The content of a debug annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A number.
    Unsigned(u64),
    /// A number that may be negative.
    Signed(i64),
    /// Yes or no.
    Bool(bool),
    /// Shown in hexadecimal.
    Hex(u64),
    /// A text.
    Text(String),
    /// Several texts.
    List(Vec<String>),
}

/// Debug annotations with their names.
pub type Notes = Vec<(&'static str, Note)>;

/// An event on a track.
#[derive(Debug, Default)]
pub struct Mark<'a> {
    /// Its name; the end of a slice has none.
    pub name: &'a str,
    /// Its category.
    pub category: &'static str,
    /// Arrows that leave it or pass through.
    pub flows: &'a [Flow],
    /// Arrows that end here.
    pub ends: &'a [Flow],
    /// What else there is to say.
    pub notes: &'a [(&'static str, Note)],
}

/// Texts that have numbers, by the field of the schema's `InternedData` that they belong to.
#[derive(Debug, Default)]
struct Interned {
    tables: BTreeMap<u32, BTreeMap<String, u64>>,
    /// What the packet in the making uses first.
    fresh: Vec<(u32, u64, String)>,
}

impl Interned {
    fn id(&mut self, table: u32, text: &str) -> Option<u64> {
        let texts = self.tables.entry(table).or_default();
        if let Some(&id) = texts.get(text) {
            return Some(id);
        }
        if texts.len() >= MOST_INTERNED {
            return None;
        }
        // 0 is no number.
        let id = texts.len() as u64 + 1;
        texts.insert(text.to_owned(), id);
        self.fresh.push((table, id, text.to_owned()));
        Some(id)
    }

    /// Tells of the fresh ones.
    fn tell(&mut self, message: &mut Message) {
        if self.fresh.is_empty() {
            return;
        }
        message.message(packet::INTERNED_DATA, |data| {
            for (table, id, text) in self.fresh.drain(..) {
                data.message(table, |entry| {
                    entry.uint(interned::IID, id);
                    entry.text(interned::TEXT, &text);
                });
            }
        });
    }
}

/// The file.
pub struct Packets<W: Write> {
    out: W,
    message: Message,
    interned: Interned,
    tracks: BTreeMap<Track, u64>,
    uuids: u64,
    flows: Flow,
}

impl<W: Write> Packets<W> {
    /// An empty file that goes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            message: Message::default(),
            interned: Interned::default(),
            tracks: BTreeMap::new(),
            uuids: 0,
            flows: 0,
        }
    }

    /// The first packet: nothing has been interned before it.
    pub fn first(&mut self, fill: impl FnOnce(&mut Message)) -> io::Result<()> {
        self.packet(None, packet::CLEARED, |message, _| {
            message.uint(packet::FIRST_PACKET_ON_SEQUENCE, 1);
            message.uint(packet::PREVIOUS_PACKET_DROPPED, 1);
            fill(message);
        })
    }

    /// A packet with a field that `fill` writes.
    pub fn plain(
        &mut self,
        time: Option<Time>,
        field: u32,
        fill: impl FnOnce(&mut Message),
    ) -> io::Result<()> {
        self.packet(time, packet::NEEDS_STATE, |message, _| {
            message.message(field, fill);
        })
    }

    fn packet(
        &mut self,
        time: Option<Time>,
        flags: u64,
        fill: impl FnOnce(&mut Message, &mut Interned),
    ) -> io::Result<()> {
        let interned = &mut self.interned;
        self.message.clear();
        self.message.message(trace::PACKET, |message| {
            if let Some(time) = time {
                message.uint(packet::TIMESTAMP, time.0);
            }
            message.uint(packet::SEQUENCE_ID, SEQUENCE);
            message.uint(packet::SEQUENCE_FLAGS, flags);
            fill(message, interned);
            interned.tell(message);
        });
        self.out.write_all(self.message.bytes())
    }

    /// An event of Linux's tracer, which process `pid` was running for on `cpu`. `fill` writes the message of the event;
    /// where it needs a number for a kernel symbol, it gets that of `symbol`.
    pub fn ftrace(
        &mut self,
        at: Moment,
        field: u32,
        flags: u64,
        symbol: &str,
        fill: impl FnOnce(&mut Message, Option<u64>),
    ) -> io::Result<()> {
        self.packet(Some(at.time), packet::NEEDS_STATE, |message, interned| {
            let symbol = match symbol {
                "" => None,
                text => interned.id(interned::KERNEL_SYMBOLS, text),
            };
            message.message(packet::FTRACE_EVENTS, |bundle| {
                bundle.uint(ftrace::CPU, at.cpu.into());
                bundle.message(ftrace::EVENT, |event| {
                    // Perfetto is quickest with the time in front, then the process, then the event itself.
                    event.uint(ftrace::TIMESTAMP, at.time.0);
                    event.uint(ftrace::PID, at.pid.into());
                    event.message(field, |event| fill(event, symbol));
                    if flags != 0 {
                        event.uint(ftrace::COMMON_FLAGS, flags);
                    }
                });
            });
        })
    }

    /// An event on the track `uuid`.
    pub fn mark(&mut self, time: Time, uuid: u64, phase: Phase, mark: &Mark<'_>) -> io::Result<()> {
        self.packet(Some(time), packet::NEEDS_STATE, |message, interned| {
            message.message(packet::TRACK_EVENT, |event| {
                event.uint(event::TYPE, phase as u64);
                event.uint(event::TRACK_UUID, uuid);
                if !mark.name.is_empty() {
                    match interned.id(interned::EVENT_NAMES, mark.name) {
                        Some(id) => event.uint(event::NAME_IID, id),
                        None => event.text(event::NAME, mark.name),
                    }
                }
                if !mark.category.is_empty() {
                    match interned.id(interned::EVENT_CATEGORIES, mark.category) {
                        Some(id) => event.uint(event::CATEGORY_IIDS, id),
                        None => event.text(event::CATEGORIES, mark.category),
                    }
                }
                for flow in mark.flows {
                    event.fixed64(event::FLOW_IDS, *flow);
                }
                for flow in mark.ends {
                    event.fixed64(event::TERMINATING_FLOW_IDS, *flow);
                }
                for (name, note) in mark.notes {
                    event.message(event::DEBUG_ANNOTATIONS, |annotation| {
                        match interned.id(interned::DEBUG_ANNOTATION_NAMES, name) {
                            Some(id) => annotation.uint(annotation::NAME_IID, id),
                            None => annotation.text(annotation::NAME, name),
                        }
                        note.write(annotation);
                    });
                }
            });
        })
    }

    /// A value of the counter `track`, from now on.
    pub fn counter(&mut self, time: Time, track: Track, value: i64) -> io::Result<()> {
        const COUNTER: u64 = 4;
        let uuid = self.track(time, track)?;
        self.plain(Some(time), packet::TRACK_EVENT, |event| {
            event.uint(event::TYPE, COUNTER);
            event.uint(event::TRACK_UUID, uuid);
            event.int(event::COUNTER_VALUE, value);
        })
    }

    /// The number of a track; if it is new, the file is told of it and of those that it stands under.
    pub fn track(&mut self, time: Time, track: Track) -> io::Result<u64> {
        if let Some(&uuid) = self.tracks.get(&track) {
            return Ok(uuid);
        }
        let parent = match track.parent() {
            Some(parent) => Some(self.track(time, parent)?),
            None => None,
        };
        let uuid = self.uuid();
        self.tracks.insert(track, uuid);
        self.plain(Some(time), packet::TRACK_DESCRIPTOR, |message| {
            message.uint(track::UUID, uuid);
            message.text(track::NAME, &track.name());
            if let Some(parent) = parent {
                message.uint(track::PARENT_UUID, parent);
                message.int(track::SIBLING_ORDER_RANK, track.rank());
            }
            match track.form() {
                Form::Group => message.uint(track::CHILD_ORDERING, track::EXPLICIT),
                Form::Marks => {}
                Form::Counter(unit) => message.message(track::COUNTER, |counter| {
                    counter.text(track::COUNTER_UNIT_NAME, unit);
                    // What counts the same thing has the same scale.
                    counter.text(track::COUNTER_Y_AXIS_SHARE_KEY, unit);
                }),
            }
            message.text(track::DESCRIPTION, track.description());
        })?;
        Ok(uuid)
    }

    /// A new number for the track of the process `pid`. One that comes after another process with that number is another
    /// track.
    pub fn thread_track(&mut self, time: Time, pid: u32) -> io::Result<u64> {
        let uuid = self.uuid();
        self.plain(Some(time), packet::TRACK_DESCRIPTOR, |message| {
            message.uint(track::UUID, uuid);
            message.message(track::THREAD, |thread| {
                thread.int(track::THREAD_PID, i32_of(pid));
                thread.int(track::THREAD_TID, i32_of(pid));
            });
        })?;
        Ok(uuid)
    }

    fn uuid(&mut self) -> u64 {
        self.uuids += 1;
        self.uuids
    }

    /// A flow that no event has yet.
    pub fn flow(&mut self) -> Flow {
        self.flows += 1;
        self.flows
    }

    /// Everything goes to where it is wanted.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// When, on which CPU, and for which process.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time.
    pub time: Time,
    /// The CPU, by index.
    pub cpu: u8,
    /// The process, or 0.
    pub pid: u32,
}

/// A process's number in the schema's type.
pub fn i32_of(pid: u32) -> i64 {
    i64::from(pid as i32)
}

impl Note {
    fn write(&self, message: &mut Message) {
        match self {
            Self::Unsigned(n) => message.uint(annotation::UINT_VALUE, *n),
            Self::Signed(n) => message.int(annotation::INT_VALUE, *n),
            Self::Bool(yes) => message.uint(annotation::BOOL_VALUE, (*yes).into()),
            Self::Hex(n) => message.uint(annotation::POINTER_VALUE, *n),
            Self::Text(text) => message.text(annotation::STRING_VALUE, text),
            Self::List(texts) => {
                for text in texts {
                    message.message(annotation::ARRAY_VALUES, |value| {
                        value.text(annotation::STRING_VALUE, text);
                    });
                }
            }
        }
    }
}
