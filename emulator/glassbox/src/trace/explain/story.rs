//! The second run: what happens to the chosen call, from the program's instruction to the program's next one.
//!
//! [`Story`] follows the process by the kernel's own word (`sched_switch`): while it has a CPU, that CPU's instructions
//! are its path, but for interrupts, which lie on top; while it has none, everybody's calls are followed just enough to
//! say who woke it and how.

use super::census::{EXITED, Found};
use super::code::Code;
use super::ledger::{Ledger, State};
use super::mark::{Leave, Mark, Pick, What, Who};
use super::path::Path;
use super::stack::Stack;
use crate::trace::model::Model;
use crate::trace::record::{Body, Memory, Record};
use crate::trace::sink::Sink;
use abi::probe::{PROBES, REASONS};
use base::Time;
use base::event::{Access, Cause, DiskOp, Walked};
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
    /// What they pointed to when it began, and when it ended.
    pub memory: [Memory; 2],
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
    /// Waits for `call`; `code` is the kernel's, and the machine has `cpus` CPUs.
    pub fn new(call: Found, code: Code, cpus: u8) -> Self {
        Self {
            who: Who::default(),
            program: None,
            after: None,
            args: [0; 6],
            memory: Default::default(),
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

    /// What the machine tells.
    fn machine(&mut self, record: &Record, model: &Model) {
        let own = self.on == Some(record.cpu);
        match &record.body {
            Body::SysEnter { args, memory, .. } if own => {
                self.entered = record.time == self.call.enter;
                self.args = *args;
                self.memory[0] = memory.clone();
                let here = self.path.here();
                self.mark(record, here, What::Enter);
            }
            Body::SysExit { result, memory, .. } if own => {
                self.result = Some(*result);
                self.memory[1] = memory.clone();
                let here = self.path.here();
                self.mark(record, here, What::Result(*result));
            }
            Body::Trap { .. } => self.trap(record, own, model),
            Body::Return { from, to, user, .. } => self.trap_return(record, own, *from, *to, *user),
            Body::PageWalk {
                virt,
                access,
                path,
                end,
                ..
            } if self.is_own(record) => {
                if self.code.is_user(*virt) && self.user_walks.len() < MOST_USER_WALKS {
                    self.user_walks.push(UserWalk {
                        time: record.time,
                        virt: *virt,
                        entries: path.len,
                        fault: matches!(end, Walked::Fault(_)),
                    });
                }
                let walks = &mut self.walks;
                walks.count += 1;
                walks.entries += u64::from(path.len);
                walks.fetches += u64::from(*access == Access::Fetch);
                walks.faults += u64::from(matches!(end, Walked::Fault(_)));
                walks.after_switch += u64::from(self.switched);
            }
            Body::SpaceSwitch { .. } if own => self.switched = true,
            Body::Device {
                chip,
                register,
                write,
                ..
            } => {
                let name = format!("{chip} > {register}");
                if self.is_own(record) && self.registers.len() < MOST_REQUESTS {
                    *self.registers.entry(name.clone()).or_default() += 1;
                }
                if let Some(cpu) = self.cpus.get_mut(&record.cpu)
                    && *write
                {
                    cpu.register = name;
                }
            }
            Body::DiskIssue {
                request,
                op,
                sector,
                sectors,
            } => {
                let flush = *op == DiskOp::Flush;
                let wanted = if flush {
                    (0, 0)
                } else {
                    (*sector, u64::from(*sectors))
                };
                self.taken(record, *request, wanted);
            }
            Body::DiskComplete { request, .. } => self.completed(record, *request),
            _ => {}
        }
    }

    fn trap(&mut self, record: &Record, own: bool, model: &Model) {
        let Body::Trap {
            cause,
            number,
            error,
            address,
            from,
            to,
            user,
            ..
        } = record.body
        else {
            return;
        };
        let function = self.code.at(to).map_or(0, |(function, _)| function);
        let victim = match self.cpus.get(&record.cpu) {
            Some(cpu) => who(u64::from(record.pid), model).or(&cpu.who),
            None => Who::default(),
        };
        if cause == Cause::Interrupt
            && let Some(cpu) = self.cpus.get_mut(&record.cpu)
        {
            cpu.handling = Some(Handling {
                time: record.time,
                number,
                name: String::new(),
                victim: victim.clone(),
                user,
                from,
            });
        }
        if !own {
            if let Some(cpu) = self.cpus.get_mut(&record.cpu) {
                if user {
                    cpu.stack = Stack::default();
                }
                cpu.stack.trap(function);
            }
            return;
        }
        let nested = match cause {
            _ if self.in_interrupt() => Nested::Other,
            Cause::Interrupt => {
                let what = What::Interrupt {
                    number,
                    name: String::new(),
                    victim,
                    user,
                    from,
                    took: None,
                };
                if let Some(cpu) = self.cpus.get_mut(&record.cpu) {
                    cpu.stack = Stack::default();
                    cpu.stack.trap(function);
                }
                let here = self.path.here();
                self.path.pause(record.time);
                Nested::Interrupt(self.mark(record, here, what))
            }
            _ => {
                let here = self.path.here();
                let mark = address.and_then(|address| {
                    let what = What::Fault {
                        address,
                        error: error.unwrap_or(0),
                        from,
                        kind: None,
                        took: None,
                    };
                    self.mark(record, here, what)
                });
                self.path.trap(record.time, function);
                Nested::Fault(mark)
            }
        };
        self.nested.push(nested);
        self.settle(record.time);
    }

    fn trap_return(&mut self, record: &Record, own: bool, from: u64, to: u64, user: bool) {
        if !own {
            if let Some(cpu) = self.cpus.get_mut(&record.cpu) {
                cpu.stack.trap_return();
                cpu.handling = None;
            }
            return;
        }
        let now = record.time;
        let started = |mark: Option<usize>, marks: &[Mark]| mark.map(|m| now - marks[m].time);
        match self.nested.pop() {
            Some(Nested::Fault(mark)) => {
                let span = started(mark, &self.marks);
                if let Some(What::Fault { took, .. }) = self.what(mark) {
                    *took = span;
                }
                self.path.trap_return(now);
            }
            Some(Nested::Interrupt(mark)) => {
                let span = started(mark, &self.marks);
                self.path.start(now);
                let name = self.cpus.get_mut(&record.cpu).and_then(|cpu| {
                    cpu.stack = Stack::default();
                    cpu.handling.take().map(|handling| handling.name)
                });
                if let Some(What::Interrupt { took, name: n, .. }) = self.what(mark) {
                    *took = span;
                    *n = name.unwrap_or_default();
                }
            }
            Some(Nested::Other) => {}
            None if user => {
                let here = self.path.here();
                self.mark(record, here, What::Return { from, to });
                return self.finish(now, true);
            }
            None => {}
        }
        self.settle(now);
    }

    /// The disk took a request.
    fn taken(&mut self, record: &Record, number: u64, wanted: (u64, u64)) {
        let own = self
            .requests
            .iter_mut()
            .find(|r| r.taken.is_none() && (r.sector, r.sectors) == wanted);
        let Some(request) = own else { return };
        request.taken = Some((number, record.time));
        let mark = request.mark;
        let register = match self.cpus.get(&record.cpu) {
            Some(cpu) => cpu.register.clone(),
            None => String::new(),
        };
        if let Some(What::Ask { bell, .. }) = self.what(mark) {
            *bell = Some(register);
        }
    }

    /// The disk finished a request.
    fn completed(&mut self, record: &Record, number: u64) {
        let own = self
            .requests
            .iter()
            .position(|r| r.taken.is_some_and(|(n, _)| n == number));
        let Some(request) = own.and_then(|index| self.requests.remove(index)) else {
            return;
        };
        let what = What::Done {
            sector: request.sector,
            sectors: request.sectors,
            took: record.time - request.taken.map_or(record.time, |(_, since)| since),
        };
        self.mark(record, None, what);
    }

    /// What the kernel tells.
    fn kernel(&mut self, record: &Record, probe: usize, pc: u64, args: &[u64], model: &Model) {
        let Some(probe) = PROBES.get(probe) else {
            return;
        };
        let number = |name: &str| {
            probe
                .position(name)
                .and_then(|index| args.get(index).copied())
                .unwrap_or(0)
        };
        let text = |name: &str| {
            let bytes = probe
                .position(name)
                .and_then(|index| record.body.text(index));
            bytes.unwrap_or_default().escape_ascii().to_string()
        };
        let process = |name: &str| who(number(name), model);
        let me = u64::from(self.call.pid);
        match probe.name {
            "sched_pick" => {
                if let Some(cpu) = self.cpus.get_mut(&record.cpu) {
                    cpu.pick = Some(Pick {
                        policy: text("policy"),
                        key: number("key") as i64,
                        candidates: number("candidates"),
                    });
                }
            }
            "sched_switch" => {
                let pick = self
                    .cpus
                    .get_mut(&record.cpu)
                    .and_then(|cpu| cpu.pick.take());
                if number("prev_pid") == me && self.on == Some(record.cpu) {
                    let next = Who {
                        pid: number("next_pid") as u32,
                        comm: text("next_comm"),
                    };
                    let reason = number("reason");
                    let ready = number("prev_state") == 1;
                    self.leave(record, pc, reason, text("wait"), ready, pick, next);
                } else if number("next_pid") == me && self.on.is_none() {
                    self.come_back(record, pick, process("prev_pid"));
                }
            }
            "sched_wakeup" if number("pid") == me => {
                let waker = (number("irq") == 0).then(|| process("waker_pid"));
                self.woken(record, pc, waker, text("wait"), number("cpu"));
            }
            "sched_migrate_task" if number("pid") == me => {
                let what = What::Moved {
                    from: number("orig_cpu"),
                    to: number("dest_cpu"),
                };
                self.mark(record, None, what);
            }
            "irq_handler_entry" => {
                if let Some(handling) = self
                    .cpus
                    .get_mut(&record.cpu)
                    .and_then(|cpu| cpu.handling.as_mut())
                {
                    handling.name = text("name");
                }
            }
            "signal_generate" if number("pid") == me && number("ignored") == 0 => {
                let what = What::Signal {
                    number: number("signal"),
                    handler: None,
                };
                self.mark(record, None, what);
            }
            _ if !self.is_own(record) => {}
            "frame_alloc" => self.frames.0 += 1,
            "frame_free" => self.frames.1 += 1,
            "lock_contended" => {
                let what = What::Lock {
                    name: text("name"),
                    took: None,
                };
                self.lock = self.mark_here(record, pc, what);
                self.settle(record.time);
            }
            "lock_acquired" => {
                let mark = self.lock.take();
                let since = mark.map(|m| self.marks[m].time);
                if let Some(What::Lock { took, .. }) = self.what(mark) {
                    *took = since.map(|since| record.time - since);
                }
                self.settle(record.time);
            }
            "page_fault" => {
                let mark = self.nested.iter().rev().find_map(|nested| match nested {
                    Nested::Fault(mark) => *mark,
                    _ => None,
                });
                if let Some(What::Fault { kind, .. }) = self.what(mark) {
                    *kind = Some(number("kind"));
                }
            }
            name => {
                let what = match name {
                    "page_cache_hit" => What::Page {
                        ino: number("ino"),
                        index: number("index"),
                        pages: 0,
                    },
                    "page_cache_miss" => What::Page {
                        ino: number("ino"),
                        index: number("index"),
                        pages: number("pages").max(1),
                    },
                    "buffer_hit" | "buffer_miss" => What::Block {
                        block: number("block"),
                        hit: name == "buffer_hit",
                    },
                    "block_rq_issue" => What::Ask {
                        sector: number("sector"),
                        sectors: number("sectors"),
                        write: number("write") != 0,
                        bell: None,
                    },
                    "cow_break" => What::Cow {
                        address: number("address"),
                        copied: number("old_frame") != number("new_frame"),
                    },
                    "journal_begin" => What::Begin {
                        sequence: number("sequence"),
                        operation: text("operation"),
                    },
                    "journal_commit" => What::Commit {
                        sequence: number("sequence"),
                        blocks: number("blocks"),
                    },
                    "process_fork" => What::Fork(process("child_pid")),
                    "process_exec" => What::Exec {
                        path: text("path"),
                        entry: number("entry"),
                    },
                    "process_wait" => What::Reap {
                        child: process("child_pid"),
                        status: number("status"),
                    },
                    "process_exit" => What::Exit {
                        status: number("status"),
                    },
                    "signal_deliver" => What::Signal {
                        number: number("signal"),
                        handler: Some(number("handler")),
                    },
                    "sched_wakeup" => What::Wakes {
                        who: process("pid"),
                        wait: Some(text("wait")),
                        queue: number("cpu"),
                    },
                    "sched_wakeup_new" => What::Wakes {
                        who: process("pid"),
                        wait: None,
                        queue: number("cpu"),
                    },
                    _ => return,
                };
                let ask = match what {
                    What::Ask {
                        sector, sectors, ..
                    } => Some((sector, sectors)),
                    _ => None,
                };
                let mark = self.mark_here(record, pc, what);
                if let Some((sector, sectors)) = ask
                    && self.requests.len() < MOST_REQUESTS
                {
                    self.requests.push_back(Request {
                        sector,
                        sectors,
                        taken: None,
                        mark,
                    });
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a switch has so many")]
    fn leave(
        &mut self,
        record: &Record,
        pc: u64,
        reason: u64,
        wait: String,
        ready: bool,
        pick: Option<Pick>,
        next: Who,
    ) {
        let word = REASONS.get(reason as usize).copied().unwrap_or("?");
        let sleeps = word == "blocked";
        let why = if sleeps {
            Leave::Sleep(wait.clone())
        } else {
            Leave::Other(word.to_owned())
        };
        let what = What::Leave {
            why,
            pick,
            next,
            meanwhile: Vec::new(),
        };
        let mark = self.mark_here(record, pc, what);
        self.on = None;
        self.path.pause(record.time);
        self.asleep = sleeps.then_some(wait);
        let runs_on = ready || word == "preempted" || word == "yielded";
        self.runnable = runs_on.then_some(record.time);
        if reason == EXITED {
            return self.finish(record.time, true);
        }
        // `follow_cpus` credits what ran up to now to somebody else than those who run from now on.
        self.left = Some((mark, record.time));
        self.settle(record.time);
    }

    fn woken(&mut self, record: &Record, pc: u64, waker: Option<Who>, wait: String, queue: u64) {
        let cpu = self.cpus.get(&record.cpu);
        let handling = cpu.and_then(|cpu| cpu.handling.clone());
        let stack = cpu.map(|cpu| cpu.stack.calls()).unwrap_or_default();
        let mut chain: Vec<u64> = stack.iter().map(|call| call.pc).collect();
        if let Some(last) = chain.last_mut() {
            *last = pc;
        }
        // What interrupted the process itself is marked already.
        if let (None, Some(handling), false) = (&waker, handling, self.on == Some(record.cpu)) {
            let what = What::Interrupt {
                number: handling.number,
                name: handling.name,
                victim: handling.victim,
                user: handling.user,
                from: handling.from,
                took: None,
            };
            if let Some(mark) = self.mark(record, None, what) {
                self.marks[mark].time = handling.time.max(self.call.begin);
            }
        }
        let what = What::Woken {
            waker,
            wait,
            queue,
            chain,
        };
        self.mark(record, None, what);
        if self.on.is_none() {
            self.runnable.get_or_insert(record.time);
            self.settle(record.time);
        } else {
            // It had not left its CPU yet.
            self.runnable = Some(record.time);
        }
    }

    fn come_back(&mut self, record: &Record, pick: Option<Pick>, prev: Who) {
        let now = record.time;
        if let Some((mark, away)) = self.left.take() {
            for (number, cpu) in &self.cpus {
                let since = cpu.since.max(away);
                credit(&mut self.meanwhile, *number, cpu.who.clone(), since, now);
            }
            let ran = std::mem::take(&mut self.meanwhile);
            if let Some(What::Leave { meanwhile, .. }) = self.what(mark) {
                *meanwhile = ran
                    .into_iter()
                    .map(|((cpu, _), (who, time))| (cpu, who, time))
                    .collect();
            }
        }
        self.on = Some(record.cpu);
        self.asleep = None;
        let queued = now - self.runnable.take().unwrap_or(now);
        self.path.start(now);
        let here = self.path.here();
        let what = What::Back { pick, prev, queued };
        self.mark(record, here, what);
        self.settle(now);
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
