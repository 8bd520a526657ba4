//! The machine's observer: makes records of events, with what the guest's memory holds at that instant.
//!
//! A system call's arguments may point to memory that is not there yet: a path on a page that nobody has touched, say.
//! The record of such a call is *held*, and all later ones behind it, until the kernel has brought the memory in (its
//! `page_fault` probe fires when it has) or the call ends. So every record leaves complete and in order.

use super::kind::{Kind, Kinds, SYS_ENTER, SYS_EXIT, index_of};
use super::meaning::Meaning;
use super::memory::Memory;
use super::pipe::Pipe;
use super::record::{Body, Record};
use super::syscall::decoder::Style;
use super::syscall::{self, MOST_STRINGS, Phase};
use super::tasks::Tasks;
use crate::numbers;
use crate::sites::Board;
use abi::probe::PROBES;
use base::event::{Event, PROBE_ARGS, Peek};
use base::{Observer, Stamp, Virt};
use std::collections::{BTreeMap, VecDeque};

const SWITCH: usize = index_of("sched_switch");
const PAGE_FAULT: usize = index_of("page_fault");
const EXIT: usize = index_of("process_exit");
/// Both probes of system calls have the number in the same place.
const NUMBER: usize = super::model::arg_of(SYS_ENTER, "number");
const NEXT_PID: usize = super::model::arg_of(SWITCH, "next_pid");

/// Most records that wait behind a held one; a guest must not make us keep more.
const MOST_HELD: usize = 1 << 14;
/// Most bytes of guest memory in them.
const MOST_HELD_BYTES: usize = 1 << 26;
/// Most processes whose calls are followed, and most address spaces that get a number: a kernel may invent any number.
const MOST_CALLS: usize = 1 << 16;
const MOST_SPACES: usize = 1 << 16;
/// Most bytes of text that are read for a kernel event.
const MOST_TEXT: usize = 256;
/// Bytes that are read first.
const SHORT_TEXT: usize = 24;

/// The machine's observer.
pub struct Recorder {
    pipe: Pipe,
    /// What each site number means.
    meanings: Vec<Meaning>,
    /// What is read of what calls point to; and whose numbers they have where they come from.
    style: Style<'static>,
    /// The kinds that the pipe needs; others are not made into records.
    needed: Kinds,
    /// Whether the kernel tells of its system calls; else the hardware's view serves.
    kernel_calls: bool,
    /// Whether the kernel tells who runs; else a number for the address space serves.
    kernel_tasks: bool,
    cpus: Vec<Cpu>,
    /// The system call that each process is in, if it is in one. A process keeps its place until it ends: it will soon
    /// be in the next call.
    calls: BTreeMap<u32, Option<Call>>,
    /// Numbers of address spaces by root, where they stand for processes.
    spaces: BTreeMap<u64, u32>,
    /// For naming places at which something goes wrong.
    board: Board,
    held: VecDeque<Record>,
    /// Bytes of guest memory in them, or more.
    held_bytes: usize,
    /// Records that left the queue so far, so that a held one has a number that stays.
    left: u64,
    /// What the last kernel event had its texts in, for the next one.
    texts: Vec<(u8, Vec<u8>)>,
    /// And the last system call its memory.
    memory: Memory,
}

#[derive(Clone, Debug, Default)]
struct Cpu {
    pid: u32,
    depth: u8,
}

#[derive(Clone, Debug)]
struct Call {
    number: u64,
    args: [u64; 6],
    /// The number of its record in the queue, while its memory is not complete.
    held: Option<u64>,
}

impl Recorder {
    /// A recorder for a machine of `cpus` CPUs; `meanings` belong to the sites that are watched.
    pub fn new(pipe: Pipe, meanings: Vec<Meaning>, cpus: usize) -> Self {
        let needed = pipe.needed();
        let tells = |probe: usize| {
            meanings.iter().any(|meaning| match meaning {
                Meaning::Event(p) | Meaning::Mapped { probe: p, .. } => *p == probe,
                Meaning::Edge => false,
            })
        };
        Self {
            needed,
            style: Style {
                isa: pipe.model().meta.isa(),
                strings: pipe.model().meta.strings.min(MOST_STRINGS),
                files: None,
                mask: 0,
            },
            kernel_calls: tells(SYS_ENTER),
            kernel_tasks: tells(SWITCH),
            pipe,
            meanings,
            cpus: vec![Cpu::default(); cpus],
            calls: BTreeMap::new(),
            spaces: BTreeMap::new(),
            board: Board::default(),
            held: VecDeque::new(),
            held_bytes: 0,
            left: 0,
            texts: Vec::new(),
            memory: Memory::default(),
        }
    }

    /// The trace begins in the middle of a run, of whose processes this is known.
    pub fn begin_with(&mut self, tasks: &Tasks) {
        self.pipe.begin_with(tasks);
        for (index, cpu) in (0..).zip(&mut self.cpus) {
            cpu.pid = tasks.running(index);
        }
    }

    /// Says what the words for places at which something goes wrong depend on.
    pub fn know(&mut self, board: Board) {
        self.board = board;
    }

    /// The pipe, to see whether it is over.
    pub const fn pipe(&mut self) -> &mut Pipe {
        &mut self.pipe
    }

    /// Ends the trace: what is held leaves as it is.
    ///
    /// # Errors
    /// What went wrong with the sink, now or earlier.
    pub fn finish(&mut self) -> std::io::Result<()> {
        self.calls.clear();
        self.flush();
        self.pipe.finish()
    }

    /// A record leaves, or queues behind those that are held.
    #[inline]
    fn put(&mut self, record: Record) {
        let needed = self.needed.has(Kind::of(&record.body));
        if needed && !self.held.is_empty() {
            return self.hold(record);
        }
        if needed {
            self.left += 1;
            self.pipe.record(&record);
        }
        match record.body {
            Body::Kernel { texts, .. } => self.texts = texts,
            Body::SysEnter { memory, .. } | Body::SysExit { memory, .. } => self.memory = memory,
            _ => {}
        }
    }

    /// A record has to wait; if too much does, nothing waits any more.
    fn hold(&mut self, record: Record) {
        if let Body::SysEnter { memory, .. } | Body::SysExit { memory, .. } = &record.body {
            self.held_bytes += memory.size();
        }
        self.held.push_back(record);
        if self.held.len() > MOST_HELD || self.held_bytes > MOST_HELD_BYTES {
            for call in self.calls.values_mut().flatten() {
                call.held = None;
            }
            self.flush();
        }
    }

    /// Lets leave what is held no more.
    fn flush(&mut self) {
        let first = self
            .calls
            .values()
            .flatten()
            .filter_map(|call| call.held)
            .min();
        while first.is_none_or(|first| self.left < first) {
            let Some(record) = self.held.pop_front() else {
                break;
            };
            self.left += 1;
            self.pipe.record(&record);
        }
        if self.held.is_empty() {
            self.held_bytes = 0;
        }
    }

    fn kernel_event(
        &mut self,
        stamp: Stamp,
        probe: usize,
        pc: Virt,
        args: &[u64; PROBE_ARGS],
        memory: &dyn Peek,
    ) {
        match probe {
            SYS_ENTER => {
                let call = [args[2], args[3], args[4], args[5], args[6], args[7]];
                return self.enter(stamp, args[0] as u32, args[1], call, memory);
            }
            SYS_EXIT => return self.exit(stamp, args[0] as u32, args[1], args[2] as i64, memory),
            EXIT => {
                self.settle(args[0] as u32, Memory::default(), true);
                self.calls.remove(&(args[0] as u32));
            }
            PAGE_FAULT => self.retry(self.cpus[usize::from(stamp.cpu)].pid, memory),
            _ => {}
        }
        let texts = self.texts(probe, args, memory);
        let cpu = &mut self.cpus[usize::from(stamp.cpu)];
        let pid = cpu.pid;
        if probe == SWITCH {
            cpu.pid = args[NEXT_PID] as u32;
        }
        self.put(Record {
            time: stamp.time,
            cpu: stamp.cpu,
            pid,
            body: Body::Kernel {
                probe: probe as u8,
                pc: pc.0,
                args: *args,
                texts,
            },
        });
    }

    /// The texts that a probe's arguments point to.
    fn texts(
        &mut self,
        probe: usize,
        args: &[u64; PROBE_ARGS],
        memory: &dyn Peek,
    ) -> Vec<(u8, Vec<u8>)> {
        let mut texts = std::mem::take(&mut self.texts);
        let mut count = 0;
        for (index, (_, kind)) in PROBES[probe].args.iter().enumerate() {
            if *kind == abi::probe::Kind::Text {
                if count == texts.len() {
                    texts.push((0, Vec::new()));
                }
                let (at, bytes) = &mut texts[count];
                *at = index as u8;
                text(args[index], memory, bytes);
                count += 1;
            }
        }
        texts.truncate(count);
        texts
    }

    /// An empty memory, for a system call.
    fn empty(&mut self) -> Memory {
        let mut memory = std::mem::take(&mut self.memory);
        memory.clear();
        memory
    }

    fn enter(&mut self, stamp: Stamp, pid: u32, number: u64, args: [u64; 6], memory: &dyn Peek) {
        let mut pieces = self.empty();
        let complete = syscall::capture(
            Phase::Enter,
            number,
            &args,
            0,
            self.style,
            memory,
            &mut pieces,
        );
        let held = (!complete).then_some(self.left + self.held.len() as u64);
        let record = Record {
            time: stamp.time,
            cpu: stamp.cpu,
            pid,
            body: Body::SysEnter {
                number,
                args,
                memory: pieces,
            },
        };
        if self.calls.len() >= MOST_CALLS && !self.calls.contains_key(&pid) {
            self.calls.clear();
            self.flush();
        }
        *self.calls.entry(pid).or_default() = Some(Call { number, args, held });
        match held {
            Some(_) => self.hold(record),
            None => self.put(record),
        }
    }

    /// Memory may have come in for the call of `pid` that waits for it.
    fn retry(&mut self, pid: u32, memory: &dyn Peek) {
        let call = self.calls.get(&pid).and_then(Option::as_ref);
        let Some(call) = call.filter(|call| call.held.is_some()) else {
            return;
        };
        let mut pieces = Memory::default();
        let (number, args) = (call.number, call.args);
        let complete = syscall::capture(
            Phase::Enter,
            number,
            &args,
            0,
            self.style,
            memory,
            &mut pieces,
        );
        self.settle(pid, pieces, complete);
    }

    /// Puts what was read into the held record of `pid`, and lets it leave if that is all.
    fn settle(&mut self, pid: u32, pieces: Memory, complete: bool) {
        let Some(Some(call)) = self.calls.get_mut(&pid) else {
            return;
        };
        let Some(number) = call.held else {
            return;
        };
        let place = (number - self.left) as usize;
        if let Some(Record {
            body: Body::SysEnter { memory, .. },
            ..
        }) = self.held.get_mut(place)
            && pieces.size() >= memory.size()
        {
            self.held_bytes += pieces.size();
            *memory = pieces;
        }
        if complete {
            call.held = None;
            self.flush();
        }
    }

    fn exit(&mut self, stamp: Stamp, pid: u32, number: u64, result: i64, memory: &dyn Peek) {
        if !self.held.is_empty() {
            // The last chance, unless the memory is another program's by now.
            if !syscall::replaces_memory(number, result) {
                self.retry(pid, memory);
            }
            self.settle(pid, Memory::default(), true);
        }
        let mut pieces = self.empty();
        if let Some(call) = self.calls.get_mut(&pid).and_then(Option::take) {
            syscall::capture(
                Phase::Exit,
                number,
                &call.args,
                result,
                self.style,
                memory,
                &mut pieces,
            );
        }
        self.put(Record {
            time: stamp.time,
            cpu: stamp.cpu,
            pid,
            body: Body::SysExit {
                number,
                result,
                memory: pieces,
            },
        });
    }

    /// The number that stands for an address space; 0 for those beyond the most that are remembered.
    fn space(&mut self, root: u64) -> u32 {
        let known = self.spaces.len();
        match self.spaces.get(&root) {
            Some(number) => *number,
            None if known >= MOST_SPACES => 0,
            None => {
                let number = known as u32 + 1;
                self.spaces.insert(root, number);
                number
            }
        }
    }

    /// Makes a record of an event, or takes note of it.
    #[inline(never)]
    fn happened(&mut self, stamp: Stamp, event: &Event, memory: &dyn Peek) {
        let index = usize::from(stamp.cpu);
        let pid = self.cpus[index].pid;
        let body = match *event {
            Event::Probe { site, pc, args } => {
                match self.meanings.get(site as usize) {
                    Some(Meaning::Event(probe)) => {
                        let mut args = args;
                        if is_call(*probe) {
                            args[NUMBER] = numbers::common(self.style.isa, args[NUMBER]);
                        }
                        self.kernel_event(stamp, *probe, pc, &args, memory);
                    }
                    Some(Meaning::Mapped {
                        probe,
                        conditions,
                        calls,
                    }) => {
                        let probe = *probe;
                        if conditions.iter().all(|c| c.test.holds(args[c.index])) {
                            let mut args = args;
                            if is_call(probe) {
                                args[NUMBER] = match calls.get(&args[NUMBER]) {
                                    Some(number) => *number,
                                    None => numbers::common(self.style.isa, args[NUMBER]),
                                };
                            }
                            args[PROBES[probe].args.len()..].fill(0);
                            self.kernel_event(stamp, probe, pc, &args, memory);
                        }
                    }
                    Some(Meaning::Edge) => self.pipe.passes(site),
                    None => {}
                }
                return;
            }
            Event::Trap {
                cause,
                number,
                error,
                address,
                from,
                to,
                user,
                call,
                stack: _,
            } => {
                if let (Some((number, args)), false) = (call, self.kernel_calls)
                    && user
                {
                    let number = numbers::common(self.style.isa, number);
                    self.enter(stamp, pid, number, args, memory);
                }
                let cpu = &mut self.cpus[index];
                let depth = cpu.depth;
                cpu.depth = if user { 1 } else { depth.saturating_add(1) };
                Body::Trap {
                    cause,
                    number,
                    error,
                    address: address.map(|address| address.0),
                    from: from.0,
                    to: to.0,
                    user,
                    depth: if user { 0 } else { depth },
                }
            }
            Event::Return {
                from,
                to,
                user,
                result,
                stack: _,
            } => {
                if user
                    && !self.kernel_calls
                    && let Some(Some(Call { number, .. })) = self.calls.get(&pid)
                {
                    self.exit(stamp, pid, *number, result as i64, memory);
                }
                if !self.held.is_empty() && !user {
                    // A page fault may have been handled by a kernel that does not tell.
                    self.retry(pid, memory);
                }
                let cpu = &mut self.cpus[index];
                cpu.depth = if user { 0 } else { cpu.depth.saturating_sub(1) };
                Body::Return {
                    from: from.0,
                    to: to.0,
                    user,
                    depth: cpu.depth,
                }
            }
            Event::PageWalk {
                virt,
                access,
                user,
                path,
                end,
            } => Body::PageWalk {
                virt: virt.0,
                access,
                user,
                path,
                end,
            },
            Event::TlbFlush(flush) => Body::TlbFlush(flush),
            Event::SpaceSwitch { root, asid } => {
                if !self.kernel_tasks {
                    self.cpus[index].pid = self.space(root.0);
                }
                Body::SpaceSwitch { root: root.0, asid }
            }
            Event::IrqLine { line, level } => Body::IrqLine { line, level },
            Event::IrqAck { number } => Body::IrqAck { number },
            Event::Ipi { target, number } => Body::Ipi { target, number },
            Event::Device {
                chip,
                register,
                space,
                addr,
                width,
                value,
                write,
            } => Body::Device {
                space,
                chip: chip.into(),
                register: register.into(),
                addr,
                bytes: width.bytes() as u8,
                value,
                write,
            },
            Event::DiskIssue {
                request,
                op,
                sector,
                sectors,
            } => Body::DiskIssue {
                request,
                op,
                sector,
                sectors,
            },
            Event::DiskComplete { request, ok } => Body::DiskComplete { request, ok },
            Event::Fault { site, count, fault } => Body::Fault {
                site: self.board.site(site).into(),
                count,
                action: self.board.action(site, fault).into(),
            },
            Event::Console(byte) => Body::Console(byte),
            Event::Instruction { pc } => Body::Instruction { pc: pc.0 },
        };
        self.put(Record {
            time: stamp.time,
            cpu: stamp.cpu,
            pid,
            body,
        });
    }
}

/// Whether a probe tells of a system call.
const fn is_call(probe: usize) -> bool {
    matches!(probe, SYS_ENTER | SYS_EXIT)
}

/// Reads NUL-terminated text of the guest's into `found`.
fn text(addr: u64, memory: &dyn Peek, found: &mut Vec<u8>) {
    found.clear();
    if addr == 0 {
        return;
    }
    let mut bytes = [0; MOST_TEXT];
    // Most texts are a word.
    for most in [SHORT_TEXT, MOST_TEXT] {
        let len = memory.peek(Virt(addr), &mut bytes[..most]);
        let end = bytes[..len].iter().position(|&byte| byte == 0);
        if end.is_some() || len < most || most == MOST_TEXT {
            found.extend_from_slice(&bytes[..end.unwrap_or(len)]);
            return;
        }
    }
}

impl Observer for Recorder {
    const ON: bool = true;

    /// Single instructions, of which there are more than of everything else, go by the shortest way; what is frequent and
    /// not needed goes no way at all.
    #[inline]
    fn event(&mut self, stamp: Stamp, event: &Event, memory: &dyn Peek) {
        match event {
            Event::PageWalk { .. } if !self.needed.has(Kind::PAGE_WALK) => {}
            Event::TlbFlush(_) if !self.needed.has(Kind::TLB_FLUSH) => {}
            Event::SpaceSwitch { .. }
                if self.kernel_tasks && !self.needed.has(Kind::SPACE_SWITCH) => {}
            Event::Instruction { pc } if self.held.is_empty() => {
                let pid = self.cpus[usize::from(stamp.cpu)].pid;
                self.left += 1;
                self.pipe.instruction(stamp.time, stamp.cpu, pid, pc.0);
            }
            _ => self.happened(stamp, event, memory),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::model::{Meta, Model};
    use crate::trace::select::Select;
    use crate::trace::sink::Sink;
    use base::Time;
    use base::event::Flush;

    struct Nowhere;

    impl Sink for Nowhere {
        fn record(&mut self, _: &Record, _: &Model) -> std::io::Result<()> {
            Ok(())
        }

        fn finish(&mut self, _: &Model) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A process's memory in which nothing is mapped, so that every call waits for its arguments.
    struct Empty;

    impl Peek for Empty {
        fn peek(&self, _: Virt, _: &mut [u8]) -> usize {
            0
        }
    }

    #[test]
    fn a_kernel_that_invents_callers_and_spaces_does_not_fill_the_hosts_memory() {
        let pipe = Pipe::new(Meta::default(), Select::default(), Box::new(Nowhere));
        let meanings = vec![Meaning::Event(SYS_ENTER)];
        let mut recorder = Recorder::new(pipe, meanings, 1);
        let stamp = Stamp {
            time: Time(0),
            cpu: 0,
        };
        for pid in 0..2 * MOST_CALLS as u64 {
            let mut args = [0; PROBE_ARGS];
            (args[0], args[1], args[2]) = (pid, abi::nr::OPEN, 0x1000);
            let (site, pc) = (0, Virt(0));
            recorder.event(stamp, &Event::Probe { site, pc, args }, &Empty);
            let root = base::Phys(pid << 12);
            recorder.event(stamp, &Event::SpaceSwitch { root, asid: 0 }, &Empty);
            recorder.event(stamp, &Event::TlbFlush(Flush::All), &Empty);
        }
        assert!(recorder.calls.len() <= MOST_CALLS && recorder.spaces.len() == MOST_SPACES);
        assert!(recorder.held.len() <= MOST_HELD);
    }
}
