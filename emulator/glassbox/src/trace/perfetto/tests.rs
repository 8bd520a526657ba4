//! What becomes of records, read back from the file's bytes.

use super::*;
use crate::trace::file::varint;
use crate::trace::kind::index_of;
use abi::probe::PROBES;
use base::event::{Access, Cause, DiskOp, PROBE_ARGS, Path, Walked};
use base::{Phys, Rng};
use std::collections::BTreeSet;

/// A message: numbers of fields with what is in them.
#[derive(Debug, Default)]
struct Read<'a>(Vec<(u32, u64, &'a [u8])>);

impl<'a> Read<'a> {
    fn new(mut bytes: &'a [u8]) -> Self {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint::take(&mut bytes).unwrap();
            let (mut number, mut inside) = (0, &bytes[..0]);
            match key & 7 {
                0 => number = varint::take(&mut bytes).unwrap(),
                1 => {
                    number = u64::from_le_bytes(bytes[..8].try_into().unwrap());
                    bytes = &bytes[8..];
                }
                2 => {
                    let len = varint::take(&mut bytes).unwrap() as usize;
                    (inside, bytes) = bytes.split_at(len);
                }
                wire => panic!("wire type {wire}"),
            }
            fields.push(((key >> 3) as u32, number, inside));
        }
        Self(fields)
    }

    fn all(&self, field: u32) -> impl Iterator<Item = (u64, &'a [u8])> {
        let of_field = self.0.iter().filter(move |(f, ..)| *f == field);
        of_field.map(|(_, number, inside)| (*number, *inside))
    }

    fn number(&self, field: u32) -> u64 {
        self.all(field).next().map_or(0, |(number, _)| number)
    }

    fn text(&self, field: u32) -> String {
        let inside = self.all(field).next().map(|(_, inside)| inside);
        String::from_utf8(inside.unwrap_or_default().to_vec()).unwrap()
    }

    fn message(&self, field: u32) -> Option<Self> {
        self.all(field).next().map(|(_, inside)| Self::new(inside))
    }
}

/// The file as lines, such as `3 CPU 0 traps: begin #PF`.
fn lines(file: &[u8]) -> Vec<String> {
    use schema::{event, interned, track};
    let (mut tracks, mut names) = (BTreeMap::new(), BTreeMap::new());
    let mut lines = Vec::new();
    for (_, packet) in Read::new(file).all(schema::trace::PACKET) {
        let packet = Read::new(packet);
        let time = packet.number(packet::TIMESTAMP);
        if let Some(data) = packet.message(packet::INTERNED_DATA) {
            for (_, entry) in data.all(interned::EVENT_NAMES) {
                let entry = Read::new(entry);
                let id = entry.number(interned::IID);
                assert_eq!(names.insert(id, entry.text(interned::TEXT)), None);
            }
        }
        if let Some(found) = packet.message(packet::TRACK_DESCRIPTOR) {
            let name = match found.message(track::THREAD) {
                Some(thread) => format!("process {}", thread.number(track::THREAD_TID)),
                None => found.text(track::NAME),
            };
            assert_eq!(tracks.insert(found.number(track::UUID), name), None);
        }
        if let Some(found) = packet.message(packet::TRACK_EVENT) {
            let track = &tracks[&found.number(event::TRACK_UUID)];
            let name = match found.number(event::NAME_IID) {
                0 => found.text(event::NAME),
                id => names[&id].clone(),
            };
            let what = match found.number(event::TYPE) {
                1 => format!("begin {name}"),
                2 => "end".to_owned(),
                3 => name,
                _ => format!("= {}", found.number(event::COUNTER_VALUE) as i64),
            };
            let mut line = format!("{time} {track}: {what}");
            for (flow, _) in found.all(event::FLOW_IDS) {
                line += &format!(" >{flow}");
            }
            for (flow, _) in found.all(event::TERMINATING_FLOW_IDS) {
                line += &format!(" <{flow}");
            }
            lines.push(line);
        }
        if let Some(bundle) = packet.message(packet::FTRACE_EVENTS) {
            use schema::ftrace::{self, sched_switch as f};
            let cpu = bundle.number(ftrace::CPU);
            let event = bundle.message(ftrace::EVENT).unwrap();
            assert_eq!(event.number(ftrace::TIMESTAMP), time);
            if let Some(switch) = event.message(ftrace::SCHED_SWITCH) {
                let (prev, next) = (switch.number(f::PREV_PID), switch.number(f::NEXT_PID));
                let state = switch.number(f::PREV_STATE);
                lines.push(format!("{time} switch on {cpu}: {prev} {state:#x} {next}"));
            }
        }
    }
    lines
}

/// A guest that says what it is told to say.
struct Guest {
    file: Vec<u8>,
    records: Vec<Record>,
    running: [u32; 2],
    time: u64,
}

impl Guest {
    fn new() -> Self {
        Self {
            file: Vec::new(),
            records: Vec::new(),
            running: [0; 2],
            time: 0,
        }
    }

    fn body(&mut self, cpu: u8, body: Body) {
        self.time += 1;
        self.records.push(Record {
            time: Time(self.time),
            cpu,
            pid: self.running[usize::from(cpu)],
            body,
        });
    }

    fn says(&mut self, cpu: u8, probe: &str, args: &[u64], texts: &[(u8, &str)]) {
        let mut all = [0; PROBE_ARGS];
        all[..args.len()].copy_from_slice(args);
        let texts = texts
            .iter()
            .map(|(index, text)| (*index, text.as_bytes().to_vec()));
        let body = Body::Kernel {
            probe: index_of(probe) as u8,
            pc: 0,
            args: all,
            texts: texts.collect(),
        };
        self.body(cpu, body);
        if probe == "sched_switch" {
            self.running[usize::from(cpu)] = args[4] as u32;
        }
    }

    fn switch(&mut self, cpu: u8, state: u64, reason: u64, wait: &str, next: u64) {
        let prev = self.running[usize::from(cpu)].into();
        let args = [prev, state, reason, 0, next, 0];
        self.says(cpu, "sched_switch", &args, &[(3, wait), (5, "name")]);
    }

    fn trap(&mut self, cpu: u8, cause: Cause, number: u16, user: bool) {
        self.body(
            cpu,
            Body::Trap {
                cause,
                number,
                error: None,
                address: None,
                from: 0,
                to: 0,
                user,
                depth: 0,
            },
        );
    }

    fn returns(&mut self, cpu: u8, user: bool) {
        let (from, to, depth) = (0, 0, 0);
        self.body(
            cpu,
            Body::Return {
                from,
                to,
                user,
                depth,
            },
        );
    }

    /// The lines of those tracks or CPUs.
    fn lines(&mut self, of: &str) -> Vec<String> {
        let mut model = Model::new(Meta {
            arch: "x86_64".into(),
            cpus: 2,
            ..Meta::default()
        });
        let mut sink = Perfetto::new(&mut self.file, false);
        for record in &self.records {
            model.update(record);
            sink.record(record, &model).unwrap();
        }
        sink.finish(&model).unwrap();
        let mut lines = lines(&self.file);
        lines.retain(|line| line.contains(of));
        lines
    }
}

const SLEEPING: u64 = 3;
const RUNNABLE: u64 = 1;
const ZOMBIE: u64 = 5;
const PREEMPTED: u64 = 0;
const BLOCKED: u64 = 2;
const EXITED: u64 = 3;
const IDLE: u64 = 5;

#[test]
fn a_handler_goes_with_its_process_to_another_cpu() {
    let mut guest = Guest::new();
    guest.switch(0, 2, IDLE, "", 7);
    guest.trap(0, Cause::Exception, 14, true);
    guest.switch(0, SLEEPING, BLOCKED, "disk", 0);
    guest.says(1, "sched_wakeup", &[7, 1, 0, 0, 1], &[(3, "disk")]);
    guest.switch(1, 2, IDLE, "", 7);
    guest.says(1, "page_fault", &[7, 0, 0, 1, 0], &[]);
    guest.returns(1, true);
    assert_eq!(
        guest.lines("traps: "),
        [
            "2 CPU 0 traps: begin #PF",
            "3 CPU 0 traps: end",
            "4 CPU 1 traps: wakes name [7] >1",
            "5 CPU 1 traps: begin #PF",
            "7 CPU 1 traps: end",
        ]
    );
    let mut again = Guest {
        file: Vec::new(),
        ..guest
    };
    assert_eq!(
        again.lines("process 7: "),
        [
            "2 process 7: begin page fault",
            "5 process 7: runs <1",
            "7 process 7: end",
        ]
    );
}

#[test]
fn states_are_linuxs() {
    let mut guest = Guest::new();
    guest.switch(0, 2, IDLE, "", 1);
    guest.switch(0, SLEEPING, BLOCKED, "disk", 2);
    guest.switch(0, SLEEPING, BLOCKED, "pipe_read", 3);
    guest.switch(0, RUNNABLE, PREEMPTED, "", 4);
    guest.switch(0, RUNNABLE, BLOCKED, "woken_meanwhile", 5);
    guest.switch(0, 4, 4, "signal_stop", 6);
    guest.switch(0, ZOMBIE, EXITED, "", 0);
    assert_eq!(
        guest.lines("switch"),
        [
            "1 switch on 0: 0 0x0 1",
            "2 switch on 0: 1 0x2 2",
            "3 switch on 0: 2 0x1 3",
            "4 switch on 0: 3 0x800 4",
            "5 switch on 0: 4 0x0 5",
            "6 switch on 0: 5 0x4 6",
            "7 switch on 0: 6 0x20 0",
        ]
    );
}

#[test]
fn who_has_not_left_its_cpu_gets_no_arrow() {
    let mut guest = Guest::new();
    guest.switch(0, 2, IDLE, "", 1);
    guest.switch(1, 2, IDLE, "", 2);
    guest.says(1, "sched_wakeup", &[1, 0, 2, 0, 0], &[(3, "futex")]);
    guest.switch(0, SLEEPING, BLOCKED, "futex", 0);
    guest.says(1, "sched_wakeup", &[1, 0, 2, 0, 0], &[(3, "futex")]);
    guest.switch(0, 2, IDLE, "", 1);
    assert_eq!(
        guest.lines("process"),
        [
            "3 process 2: wakes name [1]",
            "5 process 2: wakes name [1] >1",
            "6 process 1: runs <1",
        ]
    );
}

#[test]
fn the_next_process_with_a_number_has_a_track_of_its_own() {
    let mut guest = Guest::new();
    guest.switch(0, 2, IDLE, "", 1);
    for _ in 0..2 {
        guest.says(0, "process_fork", &[1, 9, 0], &[]);
        guest.says(0, "sched_wakeup_new", &[9, 0, 1], &[]);
        guest.switch(0, SLEEPING, BLOCKED, "wait4", 9);
        guest.says(0, "timer_tick", &[0, 9], &[]);
        // Nobody asks how it ended.
        guest.switch(0, ZOMBIE, EXITED, "", 1);
    }
    assert_eq!(guest.lines("process 9: ").len(), 4);
    let descriptors = Read::new(&guest.file);
    let descriptors = descriptors
        .all(schema::trace::PACKET)
        .filter_map(|(_, packet)| Read::new(packet).message(packet::TRACK_DESCRIPTOR))
        .filter_map(|track| track.message(schema::track::THREAD))
        .filter(|thread| thread.number(schema::track::THREAD_TID) == 9);
    assert_eq!(descriptors.count(), 2);
}

#[test]
fn runnable_tasks_are_those_that_run_or_wait_in_a_queue() {
    let mut guest = Guest::new();
    guest.says(0, "sched_wakeup_new", &[1, 0, 0], &[]);
    guest.switch(0, 2, IDLE, "", 1);
    guest.says(0, "sched_wakeup_new", &[2, 0, 1], &[]);
    guest.says(1, "sched_migrate_task", &[2, 0, 1], &[]);
    guest.switch(1, 2, IDLE, "", 2);
    guest.switch(0, SLEEPING, BLOCKED, "pipe_read", 0);
    guest.switch(1, RUNNABLE, PREEMPTED, "", 3);
    assert_eq!(
        guest.lines("runnable tasks: ="),
        [
            "1 CPU 0 runnable tasks: = 1",
            "3 CPU 0 runnable tasks: = 2",
            "4 CPU 0 runnable tasks: = 1",
            "4 CPU 1 runnable tasks: = 1",
            "6 CPU 0 runnable tasks: = 0",
            "7 CPU 1 runnable tasks: = 2",
        ]
    );
}

#[test]
fn a_request_is_followed_to_its_wake_up() {
    let mut guest = Guest::new();
    let issue = |request, sector| Body::DiskIssue {
        request,
        op: DiskOp::Read,
        sector,
        sectors: 8,
    };
    let complete = |request| Body::DiskComplete { request, ok: true };
    guest.switch(0, 2, IDLE, "", 1);
    guest.says(0, "block_rq_issue", &[16, 8, 0, 1], &[]);
    guest.says(0, "block_rq_issue", &[32, 8, 0, 1], &[]);
    // The disk takes them in another order.
    guest.body(0, issue(0, 32));
    guest.body(0, issue(1, 16));
    guest.switch(0, SLEEPING, BLOCKED, "disk", 0);
    guest.body(0, complete(1));
    guest.trap(0, Cause::Interrupt, 64, false);
    guest.says(0, "irq_handler_entry", &[16, 0], &[(1, "virtio_blk")]);
    guest.says(0, "block_rq_complete", &[16, 8, 0, 0], &[]);
    guest.says(0, "sched_wakeup", &[1, 0, 0, 0, 1], &[(3, "disk")]);
    guest.says(0, "irq_handler_exit", &[16], &[]);
    guest.returns(0, false);
    guest.switch(0, 2, IDLE, "", 1);
    let lines = guest.lines("");
    let with = |flow: &str| -> Vec<_> {
        let is_end = |word: &str| word.strip_prefix(['>', '<']) == Some(flow);
        let has_end = |line: &&String| line.split(' ').any(is_end);
        lines.iter().filter(has_end).cloned().collect()
    };
    assert_eq!(
        with("1"),
        [
            "2 process 1: disk read 16+8 >1",
            "5 Requests at the disk: begin read 16+8 >1",
            "10 CPU 0 traps: disk finished read 16+8 >1",
            "11 CPU 0 traps: wakes name [1] >3 <1",
        ]
    );
    assert_eq!(
        with("3")[1..],
        ["14 process 1: runs <3"],
        "the arrow goes on to where it runs"
    );
    assert_eq!(
        with("2"),
        [
            "3 process 1: disk read 32+8 >2",
            "4 Requests at the disk: begin read 32+8 >2",
        ]
    );
    let in_flight = lines.iter().filter(|l| l.contains("at the disk: ="));
    let in_flight: Vec<_> = in_flight.map(|l| l.rsplit(' ').next().unwrap()).collect();
    assert_eq!(in_flight, ["1", "2", "1"]);
}

#[test]
fn a_kernel_that_tells_of_no_switches_has_lanes_all_the_same() {
    let mut guest = Guest::new();
    for pid in [1, 1, 2] {
        guest.running[0] = pid;
        guest.trap(0, Cause::SystemCall, 0, true);
    }
    assert_eq!(
        guest.lines("switch"),
        ["1 switch on 0: 0 0x0 1", "3 switch on 0: 1 0x0 2"]
    );
}

#[test]
fn page_walks_are_counted_by_spans_and_a_quiet_span_shows_as_none() {
    let mut guest = Guest::new();
    for time in [5, 6, 100_000, 400_000] {
        guest.time = time;
        guest.body(
            0,
            Body::PageWalk {
                virt: 0,
                access: Access::Read,
                user: false,
                path: Path::default(),
                end: Walked::Mapped {
                    phys: Phys(0),
                    size: 12,
                    replaced: None,
                },
            },
        );
    }
    assert_eq!(
        guest.lines("TLB"),
        [
            "0 CPU 0 TLB misses: = 2",
            "100000 CPU 0 TLB misses: = 1",
            "200000 CPU 0 TLB misses: = 0",
            "400000 CPU 0 TLB misses: = 1",
            "500000 CPU 0 TLB misses: = 0",
        ]
    );
}

/// Whatever a guest says: the file can be read, slices end once, and what is kept is bounded.
#[test]
fn nonsense_makes_a_sound_file() {
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let mut guest = Guest::new();
        for _ in 0..1500 {
            let cpu = (rng.next() % 2) as u8;
            let mut number = || match rng.next() % 4 {
                0 => rng.next(),
                _ => rng.next() % 7,
            };
            let (a, b, c) = (number(), number(), number());
            match a % 11 {
                0 => guest.trap(cpu, Cause::Interrupt, b as u16, c % 2 == 0),
                1 => guest.trap(cpu, Cause::Exception, 14, c % 2 == 0),
                2 => guest.returns(cpu, c % 2 == 0),
                3 => guest.body(
                    cpu,
                    Body::DiskIssue {
                        request: b,
                        op: DiskOp::Write,
                        sector: c,
                        sectors: 8,
                    },
                ),
                4 => guest.body(
                    cpu,
                    Body::DiskComplete {
                        request: b,
                        ok: true,
                    },
                ),
                5 => guest.body(cpu, Body::Console(b as u8)),
                6 => guest.body(
                    cpu,
                    Body::SysEnter {
                        number: b,
                        args: [c; 6],
                        memory: crate::trace::record::Memory::default(),
                    },
                ),
                7 => guest.body(
                    cpu,
                    Body::SysExit {
                        number: b,
                        result: c as i64,
                        memory: crate::trace::record::Memory::default(),
                    },
                ),
                _ => {
                    let probe = &PROBES[b as usize % PROBES.len()];
                    let args: Vec<u64> = (0..PROBE_ARGS).map(|_| number()).collect();
                    guest.says(cpu, probe.name, &args, &[(1, "\x1b[2J"), (3, "disk")]);
                }
            }
        }
        let mut depths = BTreeMap::new();
        for line in guest.lines(": ") {
            let (place, what) = line.split_once(": ").unwrap();
            let track = place.split_once(' ').unwrap().1.to_owned();
            // Lanes share a name, so depths are sums; each is 0 at least.
            let depth: &mut u32 = depths.entry(track).or_default();
            match what.split(' ').next() {
                Some("begin") => *depth += 1,
                Some("end") => *depth = depth.checked_sub(1).expect(&line),
                _ => {}
            }
        }
    }
}

#[test]
fn names_without_end_are_written_out_and_not_kept() {
    let mut guest = Guest::new();
    for n in 0..10_000 {
        let name = format!("irq{n}");
        guest.says(0, "irq_handler_entry", &[n, 0], &[(1, &name)]);
        guest.says(0, "irq_handler_exit", &[n], &[]);
        guest.says(0, "process_fork", &[0, n, 0], &[]);
    }
    let begun = guest.lines("traps: begin");
    let names: BTreeSet<_> = begun.iter().map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(names.len(), 10_000);
}
