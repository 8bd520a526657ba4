//! The file for Perfetto's viewer, read by its published field numbers alone, and compared with the same run as NDJSON.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use tests::glassbox::{arches, glassbox, on};
use tests::trace::{number, objects};

const LINE: &str = "cat README | wc; echo hi > /f; sync; rm /f; sleep 1 & kill -9 $!; wait";

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

/// `sched_switch`.
#[derive(Debug)]
struct Switch {
    time: u64,
    prev: u64,
    state: u64,
    next: u64,
    next_comm: String,
}

/// A slice, or an instant, which ends when it begins.
#[derive(Clone, Debug)]
struct Slice {
    track: u64,
    name: String,
    category: String,
    begin: u64,
    /// Nothing if it never ends.
    end: Option<u64>,
    depth: usize,
    notes: BTreeMap<String, String>,
    instant: bool,
}

#[derive(Debug)]
struct Track {
    name: String,
    parent: u64,
    /// The process it belongs to, or 0.
    pid: u64,
    counter: bool,
}

/// What the viewer would make of a file.
#[derive(Default)]
struct Trace {
    switches: BTreeMap<u64, Vec<Switch>>,
    /// Other events of Linux's tracer by their field numbers: the numbers in them, by theirs.
    events: BTreeMap<u64, Vec<BTreeMap<u64, u64>>>,
    tracks: BTreeMap<u64, Track>,
    slices: Vec<Slice>,
    counters: BTreeMap<String, Vec<(u64, i64)>>,
    /// For each arrow the slices on its way, by index.
    flows: BTreeMap<u64, Vec<usize>>,
    /// Processes' names, as they were told one after the other.
    names: BTreeMap<u64, Vec<String>>,
    symbols: BTreeMap<u64, String>,
    clock: u64,
}

impl Trace {
    fn new(file: &[u8]) -> Self {
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
                let (uuid, thread) = (track.number(1), track.message(4));
                let new = Track {
                    name: track.text(2),
                    parent: track.number(5),
                    pid: thread.as_ref().map_or(0, |thread| thread.number(2)),
                    counter: track.message(8).is_some(),
                };
                assert!(new.parent == 0 || trace.tracks.contains_key(&new.parent));
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
    fn place(&self, slice: &Slice) -> String {
        match &self.tracks[&slice.track] {
            Track { pid: 0, name, .. } => name.clone(),
            Track { pid, .. } => format!("process {pid}"),
        }
    }

    fn slices_of<'a>(&'a self, category: &'a str) -> impl Iterator<Item = &'a Slice> {
        let slices = self.slices.iter();
        slices.filter(move |slice| slice.category == category && !slice.instant)
    }
}

/// The file that these options make.
fn file(arch: &str, options: &[&str], line: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.pftrace");
    let output = ["trace", "-o", path.to_str().unwrap()];
    let arguments = [&output, options, &["--", line]].concat();
    let ran = glassbox(&on(arch, &arguments), b"");
    assert!(!ran.stderr.contains("glassbox:"), "{}", ran.stderr);
    std::fs::read(&path).unwrap()
}

/// A run as the viewer sees it, and as objects.
struct Run {
    arch: &'static str,
    cpus: u64,
    trace: Trace,
    objects: Vec<Value>,
}

/// The run on each instruction set, with one CPU and with two.
fn runs() -> &'static [Run] {
    static RUNS: OnceLock<Vec<Run>> = OnceLock::new();
    RUNS.get_or_init(|| {
        let machines = arches().flat_map(|arch| [(arch, "1"), (arch, "2")]);
        let run = |(arch, cpus): (_, &str)| Run {
            arch,
            cpus: cpus.parse().unwrap(),
            trace: Trace::new(&file(arch, &["--cpus", cpus], LINE)),
            objects: objects(arch, cpus, "event=all", LINE),
        };
        machines.map(run).collect()
    })
}

/// That on this instruction set with this number of CPUs.
fn run(arch: &str, cpus: u64) -> &'static Run {
    let mut runs = runs().iter();
    runs.find(|run| run.arch == arch && run.cpus == cpus)
        .expect("it was made")
}

/// The objects of one event.
fn of<'a>(objects: &'a [Value], event: &'a str) -> impl Iterator<Item = &'a Value> {
    objects
        .iter()
        .filter(move |object| object["event"] == event)
}

#[test]
fn each_cpu_goes_from_one_process_to_the_next() {
    for Run {
        arch,
        cpus,
        trace,
        objects,
        ..
    } in runs()
    {
        eprintln!("on {arch}:");
        assert_eq!(trace.switches.keys().count() as u64, *cpus);
        let mut busy: Vec<(u64, u64, u64)> = Vec::new();
        let mut count = 0;
        for (cpu, switches) in &trace.switches {
            count += switches.len();
            assert_eq!(switches[0].prev, 0);
            for pair in switches.windows(2) {
                assert_eq!(pair[0].next, pair[1].prev, "{cpu} {pair:?}");
                assert!(pair[0].time < pair[1].time, "{cpu} {pair:?}");
                if pair[0].next != 0 {
                    busy.push((pair[0].next, pair[0].time, pair[1].time));
                }
            }
        }
        assert_eq!(count, of(objects, "sched_switch").count());
        busy.sort_unstable();
        for pair in busy.windows(2) {
            // Nobody is on two CPUs at a time.
            assert!(pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1, "{pair:?}");
        }
    }
}

#[test]
fn processes_sleep_wait_for_the_disk_and_end() {
    for Run {
        arch,
        trace,
        objects,
        ..
    } in runs()
    {
        eprintln!("on {arch}:");
        let mut states: BTreeMap<u64, u64> = BTreeMap::new();
        let mut slept: BTreeSet<u64> = BTreeSet::new();
        for switch in trace.switches.values().flatten() {
            *states.entry(switch.state).or_default() += 1;
            if matches!(switch.state, 1 | 2) {
                slept.insert(switch.prev);
            }
        }
        // Sleeping, in the disk, ended; runnable are those that idle.
        let ended = of(objects, "process_exit").count() as u64;
        assert!(states[&1] > 3 && states[&2] > 10, "{states:?}");
        assert_eq!(states[&0x20], ended);
        assert!(
            states
                .keys()
                .all(|state| [0, 1, 2, 0x20, 0x800].contains(state))
        );
        // sched_blocked_reason says what for.
        let reasons = &trace.events[&18];
        assert_eq!(reasons.len() as u64, states[&1] + states[&2]);
        let symbol = |reason: &BTreeMap<u64, u64>| trace.symbols[&reason[&2]].clone();
        let waits: BTreeSet<_> = reasons.iter().map(symbol).collect();
        assert!(
            waits.contains("disk") && waits.contains("wait4"),
            "{waits:?}"
        );
        for reason in reasons {
            assert_eq!(reason[&3] == 1, symbol(reason) == "disk", "io_wait");
        }
        // sched_waking ends each sleep; task_newtask begins a process, sched_process_free ends it.
        let woken = of(objects, "sched_wakeup").count();
        assert_eq!(trace.events[&20].len(), woken);
        let waking: BTreeSet<u64> = trace.events[&20].iter().map(|waking| waking[&2]).collect();
        assert!(slept.is_subset(&waking), "{slept:?} {waking:?}");
        let forks = of(objects, "process_fork").count();
        assert_eq!(trace.events[&235].len(), forks);
        assert_eq!(trace.events[&240].len() as u64, ended);
    }
}

#[test]
fn processes_have_names_and_take_new_ones() {
    for Run {
        arch,
        trace,
        objects,
        ..
    } in runs()
    {
        eprintln!("on {arch}:");
        let last = |pid: u64| trace.names[&pid].last().unwrap().as_str();
        let ran: BTreeSet<u64> = trace.switches.values().flatten().map(|s| s.next).collect();
        for &pid in ran.iter().filter(|&&pid| pid != 0) {
            assert!(!last(pid).is_empty());
        }
        for exec in of(objects, "process_exec") {
            let path = exec["path"].as_str().unwrap();
            let name = path.rsplit('/').next().unwrap();
            assert!(trace.names[&number(&exec["pid"])].contains(&name.to_owned()));
        }
        let names: BTreeSet<&str> = trace.names.keys().map(|&pid| last(pid)).collect();
        assert!(
            names.is_superset(&["init", "sh", "cat", "wc", "sync"].into()),
            "{names:?}"
        );
        for switch in trace.switches.values().flatten() {
            match switch.next {
                0 => assert!(switch.next_comm.starts_with("swapper/")),
                pid => assert!(trace.names[&pid].contains(&switch.next_comm)),
            }
        }
        assert_eq!(trace.clock, 6, "BOOTTIME");
    }
}

#[test]
fn each_system_call_is_a_slice_of_its_process() {
    for Run {
        arch,
        trace,
        objects,
        ..
    } in runs()
    {
        eprintln!("on {arch}:");
        let calls: Vec<&Slice> = trace.slices_of("syscall").collect();
        let entered: Vec<&Value> = of(objects, "sys_enter").collect();
        assert_eq!(calls.len(), entered.len());
        let mut exits: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
        for exit in of(objects, "sys_exit") {
            exits.entry(number(&exit["pid"])).or_default().push(exit);
        }
        for (call, enter) in calls.iter().zip(entered) {
            let pid = number(&enter["pid"]);
            assert_eq!(call.name, enter["name"].as_str().unwrap());
            assert_eq!(call.begin, number(&enter["time"]));
            assert_eq!(trace.place(call), format!("process {pid}"));
            assert_eq!(call.depth, 0);
            let exit = exits.get(&pid).into_iter().flatten();
            match exit
                .copied()
                .find(|exit| number(&exit["time"]) > call.begin)
            {
                Some(exit) if exit["name"] == call.name => {
                    assert_eq!(call.end, Some(number(&exit["time"])));
                    let result = exit["result"].as_i64().unwrap();
                    assert_eq!(call.notes["result"], result.to_string());
                }
                // exit ends with the process, reboot with everything; a signal may end another one.
                _ => assert_eq!(call.end.is_none(), call.name == "reboot", "{call:?}"),
            }
        }
        let told: BTreeSet<&str> = calls
            .iter()
            .filter_map(|c| Some(c.notes.get("call")?.as_str()))
            .collect();
        let some = "write(1, \"      8      51     328\\n\", 24) = 24";
        assert!(told.contains(some), "{told:?}");
        let names: BTreeSet<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        let some = [
            "openat",
            "read",
            "write",
            "execve",
            "exit_group",
            "wait4",
            "pipe2",
        ];
        assert!(
            some.iter().filter(|name| names.contains(**name)).count() >= 6,
            "{names:?}"
        );
    }
}

#[test]
fn slices_nest() {
    for Run { arch, trace, .. } in runs() {
        eprintln!("on {arch}:");
        let mut stacks: BTreeMap<u64, Vec<&Slice>> = BTreeMap::new();
        for slice in &trace.slices {
            let stack = stacks.entry(slice.track).or_default();
            stack.truncate(slice.depth);
            assert_eq!(stack.len(), slice.depth, "{slice:?}");
            for outer in stack.iter() {
                assert!(outer.begin <= slice.begin);
                assert!(
                    outer
                        .end
                        .is_none_or(|end| slice.end.is_some_and(|e| e <= end))
                );
            }
            stack.push(slice);
        }
        let inside = |inner: &str, outer: &str| {
            let mut slices = trace.slices.iter().filter(|s| s.category == inner);
            slices.any(|slice| {
                let around = |o: &Slice| {
                    o.track == slice.track
                        && o.depth + 1 == slice.depth
                        && o.begin <= slice.begin
                        && o.end >= slice.end
                };
                trace.slices_of(outer).any(around)
            })
        };
        assert!(inside("irq", "trap"), "a driver's handler in an interrupt");
        assert!(inside("disk", "syscall"), "a request in a call");
        assert!(inside("kernel", "fault"), "a page copied in a page fault");
    }
}

#[test]
fn handlers_are_slices_of_their_cpu_and_page_faults_of_their_process() {
    for Run {
        arch,
        cpus,
        trace,
        objects,
        ..
    } in runs()
    {
        eprintln!("on {arch}:");
        let traps: Vec<&Slice> = trace
            .slices_of("trap")
            .filter(|slice| !slice.notes.contains_key("continued"))
            .collect();
        assert_eq!(traps.len(), of(objects, "trap").count());
        for (slice, trap) in traps.iter().zip(of(objects, "trap")) {
            assert_eq!(slice.begin, number(&trap["time"]));
            assert_eq!(slice.name, trap["name"].as_str().unwrap());
            assert_eq!(trace.place(slice), format!("CPU {} traps", trap["cpu"]));
        }
        let handlers = trace
            .slices_of("irq")
            .filter(|s| !s.notes.contains_key("continued"));
        assert_eq!(handlers.count(), of(objects, "irq_handler_entry").count());
        let faults: Vec<&Slice> = trace.slices_of("fault").collect();
        let handled: Vec<&Value> = of(objects, "page_fault").collect();
        assert!(!faults.is_empty());
        for fault in &faults {
            assert!(trace.place(fault).starts_with("process "), "{fault:?}");
            assert!(fault.end.is_some() && fault.notes.contains_key("kind"));
        }
        let instants = trace
            .slices
            .iter()
            .filter(|s| s.instant && s.name == "page fault");
        assert_eq!(faults.len() + instants.count(), handled.len());
        if *cpus == 2 {
            assert_eq!(
                trace.slices_of("lock").count(),
                of(objects, "lock_contended").count()
            );
        }
        for slice in trace.slices_of("lock") {
            assert!(slice.end.is_some() && slice.name.starts_with("waits for lock "));
        }
        let commits = of(objects, "journal_commit").count();
        let transactions = trace
            .slices_of("journal")
            .filter(|slice| slice.end.is_some());
        assert!(commits > 0 && transactions.count() >= commits);
    }
}

#[test]
fn arrows_have_both_ends() {
    for Run {
        arch,
        trace,
        objects,
        ..
    } in runs()
    {
        eprintln!("on {arch}:");
        let (mut wakes, mut requests) = (0, 0);
        for stations in trace.flows.values() {
            let slices: Vec<&Slice> = stations.iter().map(|&index| &trace.slices[index]).collect();
            assert!(slices.len() >= 2, "{slices:?}");
            assert!(slices.is_sorted_by_key(|slice| slice.begin), "{slices:?}");
            let names: Vec<&str> = slices.iter().map(|slice| slice.name.as_str()).collect();
            let places: Vec<String> = slices.iter().map(|slice| trace.place(slice)).collect();
            if let ["runs"] = names[1..] {
                // From the waker to where the woken one runs next.
                let woken = names[0].strip_prefix("wakes ").expect("a waker");
                let pid = woken.rsplit_once('[').unwrap().1.trim_end_matches(']');
                assert_eq!(places[1], format!("process {pid}"));
                let runs = |s: &Switch| s.time == slices[1].begin && s.next.to_string() == pid;
                assert!(trace.switches.values().flatten().any(runs));
                wakes += 1;
            } else {
                // From who issued a request over the disk to the interrupt, and on to who waited for it.
                let job = names[1];
                assert_eq!(names[0], format!("disk {job}"));
                assert_eq!(places[1], "Requests at the disk");
                assert_eq!(names[2], format!("disk finished {job}"));
                if let Some(wakes) = names.get(3) {
                    assert!(wakes.starts_with("wakes "));
                    assert!(places[2].ends_with(" traps") && places[2] == places[3]);
                }
                requests += 1;
            }
        }
        assert_eq!(requests, of(objects, "block_rq_issue").count());
        assert!(wakes > 20 && wakes <= of(objects, "sched_wakeup").count() + 20);
        let woken_by_disk = trace.flows.values().filter(|stations| stations.len() == 4);
        assert!(woken_by_disk.count() * 2 > requests);
    }
}

#[test]
fn requests_in_flight_are_slices_that_end() {
    for Run {
        arch,
        trace,
        objects,
        ..
    } in runs()
    {
        eprintln!("on {arch}:");
        for (place, begin) in [
            ("Requests at the disk", "disk_issue"),
            ("Requests of the kernel", "block_rq_issue"),
        ] {
            let requests = trace.slices_of("disk").filter(|s| trace.place(s) == place);
            let requests: Vec<&Slice> = requests.collect();
            assert_eq!(requests.len(), of(objects, begin).count());
            assert!(requests.iter().all(|r| r.depth == 0 && r.end.is_some()));
        }
        for counter in ["In flight at the disk", "In flight for the kernel"] {
            let values = &trace.counters[counter];
            assert_eq!(values.last().unwrap().1, 0);
            assert!(values.iter().all(|(_, value)| *value >= 0));
        }
    }
}

#[test]
fn counters_count_what_the_events_tell() {
    for Run {
        arch,
        cpus,
        trace,
        objects,
        ..
    } in runs()
    {
        eprintln!("on {arch}:");
        let free = of(objects, "frame_alloc").chain(of(objects, "frame_free"));
        let free: BTreeMap<u64, i64> = free
            .map(|o| (number(&o["time"]), o["free"].as_i64().unwrap()))
            .collect();
        for (time, value) in &trace.counters["Free page frames"] {
            assert_eq!(free[time], *value);
        }
        assert_eq!(
            trace.counters["Free page frames"].last().unwrap().1,
            *free.values().last().unwrap()
        );
        let mut most = 0;
        for cpu in 0..*cpus {
            let walks = of(objects, "page_walk")
                .filter(|walk| walk["cpu"] == cpu)
                .count();
            let counter = &trace.counters[&format!("CPU {cpu} TLB misses")];
            let sum: i64 = counter.iter().map(|(_, value)| value).sum();
            assert_eq!(sum, walks as i64);
            assert!(counter.iter().all(|(time, _)| time % 100_000 == 0));
            let runnable = &trace.counters[&format!("CPU {cpu} runnable tasks")];
            assert!(runnable.iter().all(|(_, value)| *value >= 0));
            most = most.max(runnable.iter().map(|(_, value)| *value).max().unwrap());
        }
        let total = &trace.counters["Runnable tasks"];
        assert!(most >= 2 && total.iter().any(|(_, value)| *value >= most));
        // Whoever runs is runnable.
        for switch in trace.switches.values().flatten().filter(|s| s.next != 0) {
            let at = total.partition_point(|(time, _)| *time <= switch.time);
            assert!(total[at - 1].1 >= 1, "{switch:?}");
        }
    }
}

#[test]
fn a_recorded_trace_makes_the_same_file() {
    for arch in arches() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (recorded, made) = (path("run.gbt"), path("made.perfetto-trace"));
        let record = [
            "trace",
            "--cpus",
            "2",
            "-e",
            "event=all",
            "-o",
            &recorded,
            "--",
            "ls | wc",
        ];
        assert_eq!(glassbox(&on(arch, &record), b"").status, 0);
        let show = ["trace", "--read", &recorded, "-o", &made];
        assert_eq!(glassbox(&show, b"").status, 0);
        let direct = file(arch, &["--cpus", "2"], "ls | wc");
        assert!(std::fs::read(&made).unwrap() == direct);
    }
}

#[test]
fn the_machines_own_events_are_drawn_if_they_are_named() {
    for arch in arches() {
        let named = Trace::new(&file(
            arch,
            &["-e", "event=page_walk,device,tlb_flush"],
            "true",
        ));
        let machine: Vec<&Slice> = named
            .slices
            .iter()
            .filter(|slice| named.place(slice) == "CPU 0 machine")
            .collect();
        let device = if arch == "x86_64" { "pio" } else { "mmio" };
        for category in ["page_walk", device, "tlb_flush"] {
            assert!(
                machine.iter().any(|s| s.instant && s.category == category),
                "{category}"
            );
        }
        // There are lanes, but nothing that nobody asked for.
        assert!(named.switches[&0].len() > 5);
        assert_eq!(named.slices_of("syscall").count(), 0);
        let unnamed = &run(arch, 1).trace;
        assert!(
            !unnamed
                .slices
                .iter()
                .any(|slice| slice.category == "page_walk")
        );
    }
}

#[test]
fn a_part_of_a_run_has_its_lanes_from_the_beginning() {
    for arch in arches() {
        // Both kernels have come to the shell by then.
        let from = if arch == "x86_64" { 8 } else { 20 };
        let [begin, end] = [from, from + 1].map(|ms| format!("{ms}ms"));
        let options = ["--cpus", "2", "--from", &begin, "--to", &end];
        let [begin, end] = [from, from + 1].map(|ms| ms * 1_000_000);
        let trace = Trace::new(&file(arch, &options, "cat README | wc"));
        let times = trace.switches.values().flatten().map(|s| s.time);
        let (first, last) = (times.clone().min().unwrap(), times.max().unwrap());
        assert!(first >= begin && last <= end);
        for switches in trace.switches.values() {
            assert_eq!(switches[0].prev, 0);
            for pair in switches.windows(2) {
                assert_eq!(pair[0].next, pair[1].prev);
            }
        }
        assert!(trace.slices.iter().all(|slice| slice.begin >= begin));
    }
}

#[test]
fn lanes_are_of_all_processes_whichever_are_named() {
    for arch in arches() {
        let trace = Trace::new(&file(
            arch,
            &["--cpus", "2", "-p", "2", "-e", "trace=wait4"],
            LINE,
        ));
        let whole = &run(arch, 2).trace;
        for (cpu, switches) in &trace.switches {
            assert_eq!(
                format!("{switches:?}"),
                format!("{:?}", whole.switches[cpu])
            );
        }
        let calls: Vec<&Slice> = trace.slices_of("syscall").collect();
        assert!(calls.len() > 3);
        for call in calls {
            assert_eq!(
                (call.name.as_str(), trace.place(call).as_str()),
                ("wait4", "process 2")
            );
        }
        assert!(trace.flows.values().all(|stations| stations.len() >= 2));
    }
}

#[test]
fn it_is_not_written_to_a_terminal() {
    for arch in arches() {
        let ran = glassbox(
            &on(arch, &["trace", "--format", "perfetto", "--", "true"]),
            b"",
        );
        assert_eq!(ran.status, 2);
        let expected = "--format perfetto writes no text: say -o FILE.pftrace";
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}
