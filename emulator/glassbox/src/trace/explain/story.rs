//! The second run: what happens to the chosen call, from the program's instruction to the program's next one.
//!
//! [`Story`] follows the process by the kernel's own word (`sched_switch`): while it has a CPU, that CPU's instructions
//! are its path, but for interrupts, which lie on top; while it has none, everybody's calls are followed just enough to
//! say who woke it and how.

mod kernel;
mod line;
mod machine;
mod schedule;

use super::census::Found;
use super::code::Code;
use super::ledger::{Ledger, State};
use super::mark::{Mark, Pick, What, Who};
use super::path::Path;
use super::stack::Stack;
use crate::trace::model::Model;
use crate::trace::record::{Body, Record};
use crate::trace::sink::Sink;
use abi::probe::PROBES;
use base::Time;
use base::event::Cause;
use line::Lines;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::rc::Rc;

/// Most marks that are kept; of the rest only the number is known.
const MOST_MARKS: usize = 1 << 15;
/// Most processes whose programs are known.
const MOST_PROGRAMS: usize = 1 << 12;
/// Most walks for the program's memory that are kept.
const MOST_USER_WALKS: usize = 1 << 10;
/// Most requests of the process that the disk has at a time.
const MOST_REQUESTS: usize = 256;

/// Page walks on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walks {
    /// All.
    pub count: u64,
    /// Page-table entries that they read.
    pub entries: u64,
    /// For instructions.
    pub fetches: u64,
    /// That found no translation.
    pub faults: u64,
    /// After the address space had changed, up to the end or the next change.
    pub after_switch: u64,
}

/// A page walk for the program's memory, which the kernel touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserWalk {
    /// When.
    pub time: Time,
    /// The address.
    pub virt: u64,
    /// Page-table entries read.
    pub entries: u8,
    /// Whether there was no translation.
    pub fault: bool,
}

/// An interrupt that is being handled.
#[derive(Clone, Debug, Default)]
struct Handling {
    time: Time,
    number: u16,
    name: String,
    victim: Who,
    user: bool,
    from: u64,
}

/// What each CPU is at.
#[derive(Clone, Debug, Default)]
struct Cpu {
    who: Who,
    since: Time,
    /// The calls of whoever runs, unless that is the process itself.
    stack: Stack,
    handling: Option<Handling>,
    pick: Option<Pick>,
    /// The register written last.
    register: String,
}

/// A trap on top of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nested {
    /// A fault of the call's own; its mark.
    Fault(Option<usize>),
    /// An interrupt; its mark.
    Interrupt(Option<usize>),
    /// Anything else.
    Other,
}

/// A request of the process's to the disk.
#[derive(Clone, Copy, Debug)]
struct Request {
    sector: u64,
    sectors: u64,
    /// The machine's number for it and when the disk took it, once it has.
    taken: Option<(u64, Time)>,
    mark: Option<usize>,
}

/// All that is known of a call.
pub struct Story {
    /// The call.
    pub call: Found,
    /// The caller.
    pub who: Who,
    /// The path of its program, if that is known.
    pub program: Option<Vec<u8>>,
    /// The path of the program that goes on after the call.
    pub after: Option<Vec<u8>>,
    /// Its arguments.
    pub args: [u64; 6],
    /// The call as strace prints it, without its result.
    pub line: String,
    /// The result, once there is one.
    pub result: Option<i64>,
    /// When the story ends.
    pub end: Time,
    /// Whether the process was seen to go on, or to end.
    pub complete: bool,
    /// What happened, in the order of time.
    pub marks: Vec<Mark>,
    /// How many marks did not fit.
    pub lost: u64,
    /// The way through the kernel.
    pub path: Path,
    /// Where the time went.
    pub ledger: Ledger,
    /// Page walks.
    pub walks: Walks,
    /// The first of them that were for the program's memory.
    pub user_walks: Vec<UserWalk>,
    /// Page frames allocated and freed.
    pub frames: (u64, u64),
    /// Device registers touched: how often each.
    pub registers: BTreeMap<String, u64>,

    code: Code,
    /// Which program each process runs.
    programs: BTreeMap<u32, Vec<u8>>,
    lines: Lines,
    begun: bool,
    /// Whether the second run came to the call at the time at which the first one did.
    entered: bool,
    /// The CPU that the process has, if it has one.
    on: Option<u8>,
    cpus: BTreeMap<u8, Cpu>,
    nested: Vec<Nested>,
    /// The mark of the lock that it spins for.
    lock: Option<usize>,
    /// Whether it is asleep, and since when it is not.
    asleep: Option<String>,
    runnable: Option<Time>,
    /// The mark with which it left, and when.
    left: Option<(Option<usize>, Time)>,
    meanwhile: BTreeMap<(u8, u32), (Who, Time)>,
    requests: VecDeque<Request>,
    switched: bool,
}

impl Story {
    /// Waits for `call`; `code` is the kernel's, the machine has `cpus` CPUs, and of strings `strings` bytes are shown.
    pub fn new(call: Found, code: Code, cpus: u8, strings: usize) -> Self {
        Self {
            who: Who::default(),
            program: None,
            after: None,
            args: [0; 6],
            line: String::new(),
            result: None,
            end: call.begin,
            complete: false,
            marks: Vec::new(),
            lost: 0,
            path: Path::new(u64::from(cpus)),
            ledger: Ledger::new(call.begin),
            walks: Walks::default(),
            user_walks: Vec::new(),
            frames: (0, 0),
            registers: BTreeMap::new(),
            code,
            programs: BTreeMap::new(),
            lines: Lines::new(strings),
            begun: false,
            entered: false,
            on: None,
            cpus: (0..cpus).map(|cpu| (cpu, Cpu::default())).collect(),
            nested: Vec::new(),
            lock: None,
            asleep: None,
            runnable: None,
            left: None,
            meanwhile: BTreeMap::new(),
            requests: VecDeque::new(),
            switched: false,
            call,
        }
    }

    /// Whether the second run met the call where the first one did.
    pub const fn was_met(&self) -> bool {
        self.entered
    }

    /// The run has stopped at `now`.
    pub fn stop(&mut self, now: Time) {
        if self.begun && !self.complete {
            self.finish(now, false);
        }
    }

    fn finish(&mut self, now: Time, complete: bool) {
        self.ledger.close(now);
        self.path.pause(now);
        self.end = now;
        self.complete = complete;
        self.marks.sort_by_key(|mark| mark.time);
    }

    fn take(&mut self, record: &Record, model: &Model) {
        if self.complete {
            return;
        }
        if !self.begun {
            self.await_call(record, model);
        } else {
            match &record.body {
                Body::Instruction { pc } => self.instruction(record, *pc),
                Body::Kernel {
                    probe, pc, args, ..
                } => {
                    self.kernel(record, usize::from(*probe), *pc, args, model);
                }
                _ => self.machine(record, model),
            }
        }
        let line = self.lines.follow(record, model);
        if self.begun && record.pid == self.call.pid {
            self.line = line
                .or_else(|| self.lines.current(self.call.pid))
                .unwrap_or_else(|| std::mem::take(&mut self.line));
        }
        self.follow_cpus(record, model);
        self.follow_programs(record);
    }

    /// Keeps in mind who runs which program.
    fn follow_programs(&mut self, record: &Record) {
        let Body::Kernel { probe, args, .. } = &record.body else {
            return;
        };
        let pid = args[0] as u32;
        match PROBES.get(usize::from(*probe)).map(|probe| probe.name) {
            Some("process_fork") => {
                let program = self.programs.get(&pid).cloned();
                if let (Some(program), true) = (program, self.programs.len() < MOST_PROGRAMS) {
                    self.programs.insert(args[1] as u32, program);
                }
            }
            Some("process_exec") => {
                let path = record.body.text(1).unwrap_or_default().to_vec();
                if self.programs.len() < MOST_PROGRAMS {
                    self.programs.insert(pid, path);
                }
            }
            Some("process_exit") => {
                self.programs.remove(&pid);
            }
            _ => return,
        }
        if self.begun {
            self.after = self.programs.get(&self.call.pid).cloned();
        }
    }

    /// The program's instruction behind the one that called.
    pub fn called_from(&self) -> u64 {
        match self.marks.first().map(|mark| &mark.what) {
            Some(What::Trap { from, .. }) => *from,
            _ => 0,
        }
    }

    /// Keeps the account of who has which CPU.
    fn follow_cpus(&mut self, record: &Record, model: &Model) {
        let Some(next) = argument(&record.body, "sched_switch", "next_pid") else {
            return;
        };
        let away = self.left.map(|(_, since)| since);
        let Some(cpu) = self.cpus.get_mut(&record.cpu) else {
            return;
        };
        let ran = std::mem::replace(&mut cpu.who, who(next, model));
        let since = std::mem::replace(&mut cpu.since, record.time);
        cpu.stack = Stack::default();
        if let Some(away) = away {
            credit(
                &mut self.meanwhile,
                record.cpu,
                ran,
                since.max(away),
                record.time,
            );
        }
    }

    fn await_call(&mut self, record: &Record, model: &Model) {
        let call = &self.call;
        let Body::Trap {
            cause: Cause::SystemCall,
            from,
            to,
            ..
        } = record.body
        else {
            return;
        };
        if (record.time, record.cpu, record.pid) != (call.begin, call.cpu, call.pid) {
            return;
        }
        self.begun = true;
        self.on = Some(record.cpu);
        self.path.start(record.time);
        self.who = who(u64::from(record.pid), model);
        self.program = self.programs.get(&record.pid).cloned();
        self.after = self.program.clone();
        self.mark(record, None, What::Trap { from, to });
    }

    fn mark(&mut self, record: &Record, place: Option<(usize, u64)>, what: What) -> Option<usize> {
        let mark = Mark {
            time: record.time,
            cpu: record.cpu,
            place,
            what,
        };
        if self.marks.len() < MOST_MARKS {
            self.marks.push(mark);
            Some(self.marks.len() - 1)
        } else {
            self.lost += 1;
            None
        }
    }

    /// A mark at the probe at `pc`, on the process's own way.
    fn mark_here(&mut self, record: &Record, pc: u64, what: What) -> Option<usize> {
        let place = self.path.here().map(|(node, _)| (node, pc));
        self.mark(record, place, what)
    }

    fn what(&mut self, mark: Option<usize>) -> Option<&mut What> {
        self.marks.get_mut(mark?).map(|mark| &mut mark.what)
    }

    fn in_interrupt(&self) -> bool {
        self.nested
            .iter()
            .any(|nested| matches!(nested, Nested::Interrupt(_)))
    }

    /// Whether what `record` says is the process's own doing.
    fn is_own(&self, record: &Record) -> bool {
        self.on == Some(record.cpu) && !self.in_interrupt()
    }

    fn settle(&mut self, now: Time) {
        let fault = self.nested.iter().any(|n| matches!(n, Nested::Fault(_)));
        let state = if self.on.is_some() {
            match (self.in_interrupt(), self.lock, fault) {
                (true, ..) => State::Interrupt,
                (_, Some(mark), _) => match self.marks.get(mark).map(|mark| &mark.what) {
                    Some(What::Lock { name, .. }) => State::Lock(name.clone()),
                    _ => State::Kernel,
                },
                (.., true) => State::Fault,
                _ => State::Kernel,
            }
        } else {
            match (&self.asleep, self.runnable) {
                (_, Some(_)) => State::Runnable,
                (Some(wait), None) => State::Asleep(wait.clone()),
                (None, None) => State::Stopped,
            }
        };
        self.ledger.turn(now, state);
    }

    fn instruction(&mut self, record: &Record, pc: u64) {
        let own = self.is_own(record);
        let Some((function, flow)) = self.code.at(pc) else {
            return;
        };
        if own {
            self.path.step(record.time, pc, function, flow);
        } else if let Some(cpu) = self.cpus.get_mut(&record.cpu) {
            cpu.stack.step(pc, function, flow);
        }
    }
}

impl Who {
    /// This one, or the other if this one has no name.
    fn or(self, other: &Self) -> Self {
        if self.comm.is_empty() && self.pid == other.pid {
            other.clone()
        } else {
            self
        }
    }
}

fn who(pid: u64, model: &Model) -> Who {
    let pid = pid as u32;
    let comm = match pid {
        0 => "idle".to_owned(),
        _ => model.comm(pid),
    };
    Who { pid, comm }
}

fn credit(ran: &mut BTreeMap<(u8, u32), (Who, Time)>, cpu: u8, who: Who, from: Time, to: Time) {
    if to > from {
        let (name, time) = ran.entry((cpu, who.pid)).or_default();
        // Its latest name: it may have changed its program meanwhile.
        *name = who;
        *time = *time + (to - from);
    }
}

/// The argument of that name, if `body` is that event.
fn argument(body: &Body, event: &str, name: &str) -> Option<u64> {
    let Body::Kernel { probe, args, .. } = body else {
        return None;
    };
    let probe = PROBES
        .get(usize::from(*probe))
        .filter(|p| p.name == event)?;
    args.get(probe.position(name)?).copied()
}

/// The second run's sink; the story is read when the run has ended.
pub struct StorySink(pub Rc<RefCell<Story>>);

impl Sink for StorySink {
    fn record(&mut self, record: &Record, model: &Model) -> io::Result<()> {
        self.0.borrow_mut().take(record, model);
        Ok(())
    }

    fn finish(&mut self, _model: &Model) -> io::Result<()> {
        Ok(())
    }
}
