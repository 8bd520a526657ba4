//! Files for Perfetto's viewer, read by their published field numbers alone: what the viewer would make of one.

use std::collections::BTreeMap;

/// A Protocol Buffers message: the fields with what is in them.
struct Message<'a>(Vec<(u64, Field<'a>)>);

#[derive(Clone, Copy)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Message<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut rest = bytes.iter();
        let varint = |rest: &mut std::slice::Iter<'a, u8>| {
            let mut value = 0;
            for shift in (0..).step_by(7) {
                let byte = *rest.next().expect("a whole number");
                value |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            value
        };
        let mut fields = Vec::new();
        while rest.len() > 0 {
            let key = varint(&mut rest);
            let field = match key & 7 {
                0 => Field::Number(varint(&mut rest)),
                1 => {
                    let (number, after) = rest.as_slice().split_at(8);
                    rest = after.iter();
                    Field::Number(u64::from_le_bytes(number.try_into().unwrap()))
                }
                2 => {
                    let len = varint(&mut rest) as usize;
                    let (inside, after) = rest.as_slice().split_at(len);
                    rest = after.iter();
                    Field::Bytes(inside)
                }
                wire => panic!("wire type {wire}"),
            };
            fields.push((key >> 3, field));
        }
        Self(fields)
    }

    fn all(&self, field: u64) -> impl Iterator<Item = Field<'a>> {
        let found = self.0.iter().filter(move |(number, _)| *number == field);
        found.map(|(_, content)| *content)
    }

    fn numbers(&self, field: u64) -> Vec<u64> {
        let number = |content| match content {
            Field::Number(number) => number,
            Field::Bytes(_) => panic!("field {field} is no number"),
        };
        self.all(field).map(number).collect()
    }

    fn number(&self, field: u64) -> u64 {
        self.numbers(field).first().copied().unwrap_or(0)
    }

    fn messages(&self, field: u64) -> Vec<Self> {
        let message = |content| match content {
            Field::Number(_) => panic!("field {field} is no message"),
            Field::Bytes(bytes) => Self::new(bytes),
        };
        self.all(field).map(message).collect()
    }

    fn message(&self, field: u64) -> Option<Self> {
        self.messages(field).into_iter().next()
    }

    fn text(&self, field: u64) -> String {
        match self.all(field).next() {
            Some(Field::Bytes(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
            _ => String::new(),
        }
    }
}

/// `sched_switch`: a CPU goes from one process to another.
#[derive(Debug)]
pub struct Switch {
    /// When, in virtual ns.
    pub time: u64,
    /// Who ran.
    pub prev: u64,
    /// The state in which that one was left, as Linux numbers them.
    pub state: u64,
    /// Who runs.
    pub next: u64,
    /// That one's name.
    pub next_comm: String,
}

/// A slice, or an instant, which ends when it begins.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The track that it is on.
    pub track: u64,
    /// What stands on it.
    pub name: String,
    /// What sort of thing it is.
    pub category: String,
    /// When it begins, in virtual ns.
    pub begin: u64,
    /// When it ends; nothing if it never does.
    pub end: Option<u64>,
    /// How many slices it is in.
    pub depth: usize,
    /// What is said of it, by name.
    pub notes: BTreeMap<String, String>,
    /// Whether it is an instant.
    pub instant: bool,
}

#[derive(Debug)]
struct Track {
    name: String,
    /// The process it belongs to, or 0.
    pid: u64,
    counter: bool,
}

/// What the viewer would make of a file.
#[derive(Default)]
pub struct Trace {
    /// For each CPU its switches.
    pub switches: BTreeMap<u64, Vec<Switch>>,
    /// Other events of Linux's tracer by their field numbers: the numbers in them, by theirs.
    pub events: BTreeMap<u64, Vec<BTreeMap<u64, u64>>>,
    tracks: BTreeMap<u64, Track>,
    /// All slices, in the order in which they begin.
    pub slices: Vec<Slice>,
    /// For each counter its values, with their times.
    pub counters: BTreeMap<String, Vec<(u64, i64)>>,
    /// For each arrow the slices on its way, by index.
    pub flows: BTreeMap<u64, Vec<usize>>,
    /// Processes' names, as they were told one after the other.
    pub names: BTreeMap<u64, Vec<String>>,
    /// The kernel's symbols, by number.
    pub symbols: BTreeMap<u64, String>,
    /// The clock of the times.
    pub clock: u64,
}

impl Trace {
    /// Reads a file.
    ///
    /// # Panics
    /// It breaks a rule of the format.
    pub fn new(file: &[u8]) -> Self {
        let mut trace = Self::default();
        let mut interned: [BTreeMap<u64, String>; 4] = Default::default();
        let mut open: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (index, packet) in Message::new(file).messages(1).iter().enumerate() {
            let (time, flags) = (packet.number(8), packet.number(13));
            assert_eq!(packet.number(10), 1, "all packets are of one sequence");
            // Only the first one voids what is interned; all others need it.
            assert_eq!(flags, if index == 0 { 1 } else { 2 });
            if let Some(data) = packet.message(12) {
                // Event names, categories, annotations' names, kernel symbols.
                for (table, field) in interned.iter_mut().zip([2, 1, 3, 26]) {
                    for entry in data.messages(field) {
                        let old = table.insert(entry.number(1), entry.text(2));
                        assert!(old.is_none() && entry.number(1) != 0);
                    }
                }
            }
            if let Some(snapshot) = packet.message(6) {
                trace.clock = snapshot.number(2);
            }
            if let Some(tree) = packet.message(2) {
                for process in tree.messages(1) {
                    trace.named(process.number(1), process.text(3));
                }
            }
            if let Some(bundle) = packet.message(1) {
                for event in bundle.messages(2) {
                    trace.ftrace(bundle.number(1), &event);
                }
            }
            if let Some(track) = packet.message(60) {
                let (uuid, parent) = (track.number(1), track.number(5));
                let thread = track.message(4);
                let new = Track {
                    name: track.text(2),
                    pid: thread.as_ref().map_or(0, |thread| thread.number(2)),
                    counter: track.message(8).is_some(),
                };
                assert!(parent == 0 || trace.tracks.contains_key(&parent));
                assert!(new.pid != 0 || !new.name.is_empty());
                assert!(uuid != 0 && trace.tracks.insert(uuid, new).is_none());
            }
            if let Some(event) = packet.message(11) {
                trace.event(time, &event, &interned, &mut open);
            }
        }
        trace.symbols = std::mem::take(&mut interned[3]);
        trace
    }

    fn named(&mut self, pid: u64, name: String) {
        self.names.entry(pid).or_default().push(name);
    }

    fn ftrace(&mut self, cpu: u64, event: &Message<'_>) {
        let time = event.number(1);
        if let Some(switch) = event.message(4) {
            self.switches.entry(cpu).or_default().push(Switch {
                time,
                prev: switch.number(2),
                state: switch.number(4),
                next: switch.number(6),
                next_comm: switch.text(5),
            });
            return;
        }
        let is_event = |(_, field): &&(u64, Field<'_>)| matches!(field, Field::Bytes(_));
        let kind = event.0.iter().find(is_event).expect("an event").0;
        let inside = event.message(kind).unwrap();
        match kind {
            // task_newtask and task_rename tell a process's name.
            235 => self.named(inside.number(1), inside.text(2)),
            236 => self.named(inside.number(1), inside.text(3)),
            _ => {}
        }
        let numbers = inside
            .0
            .iter()
            .filter_map(|(field, content)| match content {
                Field::Number(number) => Some((*field, *number)),
                Field::Bytes(_) => None,
            });
        let events = self.events.entry(kind).or_default();
        events.push(numbers.collect());
    }

    fn event(
        &mut self,
        time: u64,
        event: &Message<'_>,
        [names, categories, notes, _]: &[BTreeMap<u64, String>; 4],
        open: &mut BTreeMap<u64, Vec<usize>>,
    ) {
        let uuid = event.number(11);
        let track = &self.tracks[&uuid];
        let stack = open.entry(uuid).or_default();
        assert_eq!(event.number(9) == 4, track.counter, "{track:?}");
        let mut said = BTreeMap::new();
        for note in event.messages(4) {
            let content = note.0.iter().find(|(field, _)| *field != 1);
            let text = match content.expect("a value") {
                (4, Field::Number(number)) => (*number as i64).to_string(),
                (_, Field::Number(number)) => number.to_string(),
                (12, Field::Bytes(_)) => note.messages(12).iter().map(|n| n.text(6)).collect(),
                (_, Field::Bytes(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
            };
            said.insert(notes[&note.number(1)].clone(), text);
        }
        let slice = match event.number(9) {
            2 => {
                let slice = &mut self.slices[stack.pop().expect("it has begun")];
                slice.end = Some(time);
                for (name, note) in said {
                    // The viewer merges what beginning and end say.
                    assert!(slice.notes.insert(name.clone(), note).is_none(), "{name}");
                }
                return;
            }
            4 => {
                let counter = self.counters.entry(track.name.clone()).or_default();
                return counter.push((time, event.number(30) as i64));
            }
            kind => Slice {
                track: uuid,
                name: names[&event.number(10)].clone(),
                category: categories[&event.number(3)].clone(),
                begin: time,
                end: (kind == 3).then_some(time),
                depth: stack.len(),
                notes: said,
                instant: kind == 3,
            },
        };
        let index = self.slices.len();
        if !slice.instant {
            stack.push(index);
        }
        for flow in [event.numbers(47), event.numbers(48)].concat() {
            self.flows.entry(flow).or_default().push(index);
        }
        self.slices.push(slice);
    }

    /// The name of a slice's track, or its process.
    pub fn place(&self, slice: &Slice) -> String {
        match &self.tracks[&slice.track] {
            Track { pid: 0, name, .. } => name.clone(),
            Track { pid, .. } => format!("process {pid}"),
        }
    }

    /// The slices, not instants, of this category.
    pub fn slices_of<'a>(&'a self, category: &'a str) -> impl Iterator<Item = &'a Slice> {
        let slices = self.slices.iter();
        slices.filter(move |slice| slice.category == category && !slice.instant)
    }
}
