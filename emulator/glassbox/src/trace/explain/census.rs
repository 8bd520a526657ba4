//! The first run: counts the system calls, and finds the one that is to be explained.

use crate::trace::kind::{Kind, Kinds, index_of};
use crate::trace::model::{Model, arg_of};
use crate::trace::record::{Body, Record};
use crate::trace::sink::Sink;
use abi::nr;
use base::Time;
use base::event::Cause;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

const SWITCH: usize = index_of("sched_switch");
const WAKEUP: usize = index_of("sched_wakeup");
const PREV: usize = arg_of(SWITCH, "prev_pid");
const NEXT: usize = arg_of(SWITCH, "next_pid");
const REASON: usize = arg_of(SWITCH, "reason");
const WOKEN: usize = arg_of(WAKEUP, "pid");

/// The `reason` of a process that has ended.
pub const EXITED: u64 = 3;
/// The process that starts all others, and that runs the shell.
const INIT: u32 = 1;
/// Most times that a call is remembered to have been awake; what comes later counts as one.
const MOST_AWAKE: usize = 1 << 12;

/// Which call the user wants to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The slowest that the line's processes complete.
    Slowest,
    /// The `nth` call of this number in the run, from 1.
    Nth {
        /// The system call's number.
        number: u64,
        /// Which of them.
        nth: u64,
    },
}

impl Wish {
    /// Reads `NAME#N`, or `NAME`, which is its first call.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, nth) = match text.split_once('#') {
            Some((name, nth)) => (name, nth.parse().ok().filter(|&n| n > 0)),
            None => (text, Some(1)),
        };
        let nth = nth.ok_or_else(|| {
            format!("--call {text}: a call is NAME#N, as in read#3, and N counts from 1")
        })?;
        let call = nr::by_name(name)
            .ok_or_else(|| format!("--call {text}: there is no system call '{name}'"))?;
        Ok(Self::Nth {
            number: call.number,
            nth,
        })
    }
}

/// A system call of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub number: u64,
    /// It was the `nth` of that number in the run, from 1.
    pub nth: u64,
    /// Who called.
    pub pid: u32,
    /// On which CPU.
    pub cpu: u8,
    /// When the program called.
    pub begin: Time,
    /// When the kernel had found out what for.
    pub enter: Time,
    /// When the program went on, or had ended; nothing if neither happened.
    pub end: Option<Time>,
    /// When it was not asleep: from and to.
    pub awake: Vec<(Time, Time)>,
}

/// A call that has not ended yet.
#[derive(Clone, Debug)]
struct Open {
    call: Found,
    /// Since when it is awake, if it is.
    awake: Option<Time>,
    /// Whether the kernel has its result.
    done: bool,
    /// Whether it is of the user's line, and not what starts it.
    of_line: bool,
}

/// What the first run brings to light.
#[derive(Debug, Default)]
pub struct Census {
    wish: Option<Wish>,
    /// How often each number was called.
    counts: BTreeMap<u64, u64>,
    open: BTreeMap<u32, Open>,
    /// When each CPU last took a trap for a system call.
    traps: BTreeMap<u8, Time>,
    /// Whether the shell of the line runs.
    shell_runs: bool,
    found: Option<Found>,
    /// Calls of the line that ended, those that wait for a child aside.
    completed: u64,
}

impl Census {
    /// Looks for the call that `wish` means.
    pub fn new(wish: Wish) -> Self {
        Self {
            wish: Some(wish),
            ..Self::default()
        }
    }

    /// The kinds of records that it needs.
    pub fn kinds() -> Kinds {
        [
            "trap",
            "trap_return",
            "sys_enter",
            "sys_exit",
            "sched_switch",
            "sched_wakeup",
        ]
        .iter()
        .filter_map(|name| Kinds::named(name))
        .fold(Kinds::NONE, Kinds::or)
    }

    /// The call, and how many calls of the line the slowest was chosen from.
    ///
    /// # Errors
    /// A line that says why there is none.
    pub fn result(&self) -> Result<(Found, u64), String> {
        let wish = self.wish.unwrap_or(Wish::Slowest);
        let unfinished = self.open.values().find(|open| match wish {
            Wish::Nth { number, nth } => open.call.number == number && open.call.nth == nth,
            Wish::Slowest => false,
        });
        let found = self.found.clone().or_else(|| {
            let mut call = unfinished?.call.clone();
            call.awake
                .extend(unfinished?.awake.map(|since| (since, Time::NEVER)));
            Some(call)
        });
        found.map(|found| (found, self.completed)).ok_or_else(|| {
            let Wish::Nth { number, nth } = wish else {
                return "the line completes no system call: say which to explain with --call NAME#N"
                    .into();
            };
            let name = nr::name(number).unwrap_or("?");
            match self.counts.get(&number) {
                None => format!("--call {name}#{nth}: the run makes no {name} call"),
                Some(1) => format!("--call {name}#{nth}: the run makes 1 {name} call"),
                Some(n) => format!("--call {name}#{nth}: the run makes {n} {name} calls"),
            }
        })
    }

    fn take(&mut self, record: &Record) {
        let (time, pid) = (record.time, record.pid);
        match &record.body {
            Body::Trap {
                cause: Cause::SystemCall,
                ..
            } => {
                self.traps.insert(record.cpu, time);
            }
            Body::SysEnter { number, .. } => {
                let nth = self.counts.entry(*number).or_insert(0);
                *nth += 1;
                let begin = self.traps.get(&record.cpu).copied().unwrap_or(time);
                let call = Found {
                    number: *number,
                    nth: *nth,
                    pid,
                    cpu: record.cpu,
                    begin,
                    enter: time,
                    end: None,
                    awake: Vec::new(),
                };
                let open = Open {
                    call,
                    awake: Some(begin),
                    done: false,
                    of_line: self.shell_runs && pid != INIT && *number != nr::WAIT4,
                };
                self.open.insert(pid, open);
            }
            Body::SysExit { number, result, .. } => {
                if let Some(open) = self.open.get_mut(&pid) {
                    open.done = true;
                }
                self.shell_runs |= *number == nr::EXECVE && *result == 0 && pid != INIT;
            }
            Body::Return { user: true, .. } if self.open.get(&pid).is_some_and(|o| o.done) => {
                self.close(pid, time);
            }
            Body::Kernel { probe, args, .. } => match usize::from(*probe) {
                SWITCH => {
                    let prev = args[PREV] as u32;
                    if let Some(open) = self.open.get_mut(&prev)
                        && let Some(since) = open.awake.take()
                    {
                        awake(&mut open.call.awake, since, time);
                    }
                    if args[REASON] == EXITED {
                        self.close(prev, time);
                    }
                    self.rouse(args[NEXT] as u32, time);
                }
                WAKEUP => self.rouse(args[WOKEN] as u32, time),
                _ => {}
            },
            _ => {}
        }
    }

    fn rouse(&mut self, pid: u32, time: Time) {
        if let Some(open) = self.open.get_mut(&pid) {
            open.awake.get_or_insert(time);
        }
    }

    fn close(&mut self, pid: u32, time: Time) {
        let Some(Open {
            mut call,
            awake: since,
            of_line,
            done,
        }) = self.open.remove(&pid)
        else {
            return;
        };
        if let Some(since) = since {
            awake(&mut call.awake, since, time);
        }
        call.end = Some(time);
        let of_line = of_line && done;
        self.completed += u64::from(of_line);
        let wanted = match self.wish.unwrap_or(Wish::Slowest) {
            Wish::Nth { number, nth } => (call.number, call.nth) == (number, nth),
            Wish::Slowest => of_line && self.found.as_ref().is_none_or(|f| took(&call) > took(f)),
        };
        if wanted {
            self.found = Some(call);
        }
    }
}

fn took(call: &Found) -> Time {
    call.end.unwrap_or(Time::NEVER) - call.begin
}

fn awake(times: &mut Vec<(Time, Time)>, from: Time, to: Time) {
    let full = times.len() >= MOST_AWAKE;
    match times.last_mut() {
        Some(last) if full => last.1 = to,
        _ => times.push((from, to)),
    }
}

/// The first run's sink; the census is read when the run has ended.
pub struct CensusSink(pub Rc<RefCell<Census>>);

impl Sink for CensusSink {
    fn record(&mut self, record: &Record, _model: &Model) -> io::Result<()> {
        self.0.borrow_mut().take(record);
        Ok(())
    }

    fn finish(&mut self, _model: &Model) -> io::Result<()> {
        Ok(())
    }
}

/// The kinds of records that nothing can be explained without.
pub const NEEDED: [&str; 3] = ["sys_enter", "sys_exit", "sched_switch"];

/// The needed kinds that are not among `names`, which a kernel's probes have.
pub fn missing<'a>(names: impl Fn(&str) -> bool + 'a) -> Vec<&'static str> {
    let kinds = NEEDED.iter().copied();
    kinds
        .filter(|name| Kind::probe(name).is_some() && !names(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::event::PROBE_ARGS;

    /// A record of process `pid` on CPU 0.
    fn record(time: u64, pid: u32, body: Body) -> Record {
        Record {
            time: Time(time),
            cpu: 0,
            pid,
            body,
        }
    }

    fn trap() -> Body {
        Body::Trap {
            cause: Cause::SystemCall,
            number: 0,
            error: None,
            address: None,
            from: 2,
            to: 9,
            user: true,
            depth: 0,
        }
    }

    fn enter(number: u64) -> Body {
        Body::SysEnter {
            number,
            args: [0; 6],
            memory: crate::trace::record::Memory::default(),
        }
    }

    fn exit(number: u64) -> Body {
        Body::SysExit {
            number,
            result: 0,
            memory: crate::trace::record::Memory::default(),
        }
    }

    fn back() -> Body {
        Body::Return {
            from: 8,
            to: 2,
            user: true,
            depth: 0,
        }
    }

    fn switch(prev: u64, next: u64, reason: u64) -> Body {
        let mut args = [0; PROBE_ARGS];
        (args[PREV], args[NEXT], args[REASON]) = (prev, next, reason);
        Body::Kernel {
            probe: SWITCH as u8,
            pc: 0,
            args,
            texts: Vec::new(),
        }
    }

    /// The shell (2) starts a program (3), which reads twice, the second time with a sleep; the shell waits for it.
    fn run(wish: Wish) -> Census {
        let mut census = Census::new(wish);
        for (time, pid, body) in [
            (10, 2, trap()),
            (11, 2, enter(nr::EXECVE)),
            (90, 2, exit(nr::EXECVE)),
            (91, 2, back()),
            (100, 2, trap()),
            (101, 2, enter(nr::WAIT4)),
            (105, 2, switch(2, 3, 2)),
            (110, 3, trap()),
            (111, 3, enter(nr::READ)),
            (115, 3, exit(nr::READ)),
            (116, 3, back()),
            (120, 3, trap()),
            (121, 3, enter(nr::READ)),
            (125, 3, switch(3, 0, 2)),
            (135, 0, switch(0, 3, 5)),
            (140, 3, exit(nr::READ)),
            (141, 3, back()),
            (150, 3, trap()),
            (151, 3, enter(nr::EXIT_GROUP)),
            (160, 3, switch(3, 2, EXITED)),
        ] {
            census.take(&record(time, pid, body));
        }
        census
    }

    fn nth(number: u64, nth: u64) -> Wish {
        Wish::Nth { number, nth }
    }

    #[test]
    fn the_slowest_call_is_one_of_the_lines_own() {
        let (found, of) = run(Wish::Slowest).result().unwrap();
        assert_eq!((found.number, found.nth, found.pid), (nr::READ, 2, 3));
        assert_eq!((found.begin, found.end), (Time(120), Some(Time(141))));
        assert_eq!(of, 2);
        let awake = [(Time(120), Time(125)), (Time(135), Time(141))];
        assert_eq!(found.awake, awake);
    }

    #[test]
    fn a_call_is_found_by_its_number_in_the_run() {
        let begin = |wish| run(wish).result().map(|(found, _)| found.begin.0);
        assert_eq!(begin(nth(nr::READ, 1)), Ok(110));
        assert_eq!(begin(nth(nr::EXECVE, 1)), Ok(10));
        let errors = [(nr::READ, 3), (nr::EXECVE, 9), (nr::CHMOD, 1)]
            .map(|(number, n)| begin(nth(number, n)).unwrap_err());
        assert_eq!(
            errors,
            [
                "--call read#3: the run makes 2 read calls",
                "--call execve#9: the run makes 1 execve call",
                "--call chmod#1: the run makes no chmod call",
            ]
        );
    }

    #[test]
    fn calls_that_do_not_come_back_end_with_their_process_or_not_at_all() {
        let end = |wish| run(wish).result().unwrap().0.end;
        assert_eq!(end(nth(nr::EXIT_GROUP, 1)), Some(Time(160)));
        assert_eq!(end(nth(nr::WAIT4, 1)), None);
    }

    #[test]
    fn a_wish_is_a_name_and_a_number() {
        assert_eq!(Wish::parse("read#3"), Ok(nth(nr::READ, 3)));
        assert_eq!(Wish::parse("read"), Ok(nth(nr::READ, 1)));
        for wrong in ["read#0", "read#x", "read#", "rea#1", "", "#1"] {
            assert!(Wish::parse(wrong).is_err(), "{wrong}");
        }
    }
}
